import { html, type Html, type HtmlValue } from '#base/html.ts'
import type { AuditRecord } from '#tenancy/audit-record.ts'
import { addressOf, outcomeWord, sourceWord, type AuditFilters } from './audit-filters.ts'
import { chip, utc, when, type Tone } from './parts.ts'

const TONES: Readonly<Record<AuditRecord['outcome'], Tone>> = { ok: 'good', refused: 'warn', failed: 'bad' }

/** One entry as a line that opens to everything that is known of it. */
export const entryItem = (entry: AuditRecord, list: string, now: number): Html =>
  html`<li>
    <details class="item entry">
      <summary>
        <span class="when">${when(entry.at, now)} <span class="small">${utc(Date.parse(entry.at))}</span></span>
        <span class="who">${whoOf(entry)}</span>
        <span class="what"><span class="mono">${entry.action}</span> <span class="small">${aboutOf(entry)}</span></span>
        ${chip(TONES[entry.outcome], outcomeWord(entry.outcome))}
      </summary>
      <section>${facts(entry, list)}${detail(entry)}</section>
    </details>
  </li> `

function whoOf({ actor }: AuditRecord): string {
  const { type, id, name, email } = actor
  if (type === 'key') return `API key ${name ?? id}`
  if (type === 'operator') return `Operator ${id}`
  if (type === 'system') return 'Gatehouse'
  if (type === 'unknown') return 'Nobody known'
  return name ?? email ?? id ?? ''
}

const aboutOf = ({ target, target_name: name }: AuditRecord): string => name ?? target ?? ''

function facts(entry: AuditRecord, list: string): Html {
  const { actor, target, target_name: targetName } = entry
  const only = (filters: AuditFilters, label: string): Html => html`<a href="${addressOf(list, filters)}">${label}</a>`
  const who =
    actor.type === 'operator' ? `operator:${actor.id}` : actor.type === 'system' ? `gatehouse:${actor.id}` : actor.id
  const known: readonly (readonly [string, HtmlValue])[] = [
    ['Time', `${entry.at.replace('T', ' ').replace('Z', '')} UTC`],
    ['Action', html`<span class="mono">${entry.action}</span> ${only({ action: entry.action }, 'All of this action')}`],
    ['Result', outcomeWord(entry.outcome)],
    ['Who', html`${whoOf(entry)} ${who !== null && only({ actor: who }, 'All by them')}`],
    ['Address', actor.email],
    [actor.type === 'key' ? 'Key id' : 'User id', actor.id !== null && html`<span class="mono">${actor.id}</span>`],
    ['Issuer', actor.type === 'person' && actor.iss !== null && html`<span class="mono">${actor.iss}</span>`],
    [
      'About',
      target !== null &&
        html`${targetName !== null && `${targetName}, `}<span class="mono">${target}</span>
          ${only({ target }, 'All about it')}`,
    ],
    ['From address', entry.ip],
    ['Took', entry.latency_ms !== null && `${entry.latency_ms} ms`],
    ['Kind', sourceWord(entry.source)],
    ['Request', entry.request_id !== null && html`<span class="mono">${entry.request_id}</span>`],
    ['Entry', html`<span class="mono">${entry.id}</span>`],
  ]
  return html`<dl class="facts">
    ${known
      .filter(([, value]) => value !== null && value !== false && value !== '')
      .map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd> `,
      )}
  </dl>`
}

const detail = ({ detail: held }: AuditRecord): Html | null =>
  held === null
    ? null
    : html`<div class="snippet">
        <pre tabindex="0" role="group" aria-label="Detail">${JSON.stringify(held, null, 2)}</pre>
      </div>`
