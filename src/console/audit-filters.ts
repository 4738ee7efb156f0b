import { html, type Html } from '#base/html.ts'
import { AUDIT_OUTCOMES, AUDIT_SOURCES, type AuditQuery } from '#tenancy/audit-query.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { Fields } from './fields.ts'
import { input, select } from './parts.ts'
import type { Problem } from './tenant-pages.ts'

/** Names of the filters in the address and in the form. */
const NAMES = ['action', 'actor', 'target', 'outcome', 'source', 'since', 'until'] as const
type Name = (typeof NAMES)[number]

/** Filters as text; those that are not set are not there. */
export type AuditFilters = Readonly<Partial<Record<Name, string>>>

const LABELS: Readonly<Record<Name, string>> = {
  action: 'Action',
  actor: 'Who',
  target: 'About',
  outcome: 'Result',
  source: 'Kind',
  since: 'From',
  until: 'Until',
}
const OUTCOMES: Readonly<Record<(typeof AUDIT_OUTCOMES)[number], string>> = {
  ok: 'Done',
  refused: 'Refused',
  failed: 'Failed',
}
const SOURCES: Readonly<Record<(typeof AUDIT_SOURCES)[number], string>> = {
  tools: 'Tool calls and refusals',
  admin: 'Administration',
}

export const filtersOf = (fields: Fields): AuditFilters =>
  Object.fromEntries(NAMES.map((name) => [name, fields.text(name)] as const).filter(([, value]) => value !== ''))

/** For the desk. @throws RegistryError `invalid` with the field. */
export function queryOf({ action, actor, target, outcome, source, since, until }: AuditFilters): AuditQuery {
  return {
    ...(action === undefined ? {} : { action }),
    ...(actor === undefined ? {} : { actor }),
    ...(target === undefined ? {} : { target }),
    ...(outcome === undefined ? {} : { outcome: oneOf('outcome', AUDIT_OUTCOMES, outcome) }),
    ...(source === undefined ? {} : { source: oneOf('source', AUDIT_SOURCES, source) }),
    ...(since === undefined ? {} : { since: timeOf('since', since) }),
    ...(until === undefined ? {} : { until: timeOf('until', until) }),
  }
}

function oneOf<Value extends string>(name: Name, known: readonly Value[], value: string): Value {
  const found = known.find((each) => each === value)
  if (found === undefined) throw new RegistryError('invalid', `${LABELS[name]} is none of those in the list`, name)
  return found
}

/** As browsers send dates and times, read as UTC; a `Z` at the end says the same. */
function timeOf(name: 'since' | 'until', text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?)?Z?$/.test(text)
    ? Date.parse(text.includes('T') ? `${text.replace(/Z$/, '')}Z` : text.replace(/Z$/, ''))
    : Number.NaN
  if (Number.isNaN(time))
    throw new RegistryError('invalid', `${LABELS[name]} is a time such as 2026-11-21T13:00, in UTC`, name)
  return time
}

/** The address of the list with these filters. */
export function addressOf(list: string, filters: AuditFilters, after: string | null = null): string {
  const query = new URLSearchParams()
  for (const name of NAMES) if (filters[name] !== undefined) query.set(name, filters[name])
  if (after !== null) query.set('after', after)
  const text = query.toString()
  return text === '' ? list : `${list}?${text}`
}

const HOUR = 3_600_000
/** What people look for most, by one click. */
const SHORTCUTS: readonly (readonly [string, AuditFilters])[] = [
  ['Deletions', { action: 'delete_*' }],
  ['Refused', { outcome: 'refused' }],
  ['Failed', { outcome: 'failed' }],
  ['People', { action: 'member.*' }],
  ['API keys', { action: 'key.*' }],
  ['Domains', { action: 'domain.*' }],
  ['All administration', { source: 'admin' }],
]
const SPANS: readonly (readonly [string, number])[] = [
  ['Last hour', HOUR],
  ['Last 24 hours', 24 * HOUR],
  ['Last 7 days', 7 * 24 * HOUR],
]

export const shortcuts = (list: string, filters: AuditFilters, now: number): Html =>
  html`<nav aria-label="Common questions">
    <ul class="chips">
      ${SHORTCUTS.map(([label, only]) => html`<li><a href="${addressOf(list, only)}">${label}</a></li> `)}
      ${SPANS.map(([label, span]) => {
        const since = new Date(now - span).toISOString().slice(0, 16)
        const { until: _until, ...others } = filters
        return html`<li><a href="${addressOf(list, { ...others, since })}">${label}</a></li> `
      })}
    </ul>
  </nav>`

/** What is looked for, each with a way to drop it. */
export function filterChips(list: string, filters: AuditFilters): Html | null {
  const set = NAMES.filter((name) => filters[name] !== undefined)
  if (set.length === 0) return null
  return html`<ul class="chips" aria-label="Filters">
    ${set.map((name) => {
      const { [name]: value = '', ...others } = filters
      return html`<li>
        ${LABELS[name]}: <strong>${wordFor(name, value)}</strong>
        <a href="${addressOf(list, others)}" aria-label="Remove the filter ${LABELS[name]}">Remove</a>
      </li> `
    })}
    ${set.length > 1 && html`<li><a href="${list}">Remove all</a></li>`}
  </ul>`
}

function wordFor(name: Name, value: string): string {
  const words: Readonly<Record<string, string>> = name === 'outcome' ? OUTCOMES : name === 'source' ? SOURCES : {}
  if (name === 'since' || name === 'until') return `${value.replace('T', ' ').replace(/Z$/, '')} UTC`
  return (Object.hasOwn(words, value) ? words[value] : undefined) ?? value
}

/** The filters as a form that leads to an address: it can be kept, sent and opened again. */
export const filterForm = (list: string, filters: AuditFilters, problem: Problem | null): Html =>
  html`<details class="card search" ${(problem !== null || Object.keys(filters).length > 0) && html`open`}>
    <summary>Filters</summary>
    <form method="get" action="${list}" role="search" aria-label="Audit log">
      <div class="pair">
        ${input({
          name: 'action',
          label: 'Action',
          value: filters.action ?? '',
          placeholder: 'delete_project, domain.*',
          maxlength: 129,
          problem,
        })}
        ${input({
          name: 'actor',
          label: 'Who',
          value: filters.actor ?? '',
          placeholder: 'ann@example.com',
          maxlength: 512,
          problem,
        })}
        ${input({
          name: 'target',
          label: 'About',
          value: filters.target ?? '',
          placeholder: 'an id or a domain',
          maxlength: 512,
          problem,
        })}
        ${select({
          name: 'outcome',
          label: 'Result',
          value: filters.outcome ?? '',
          options: [['', 'Any'], ...AUDIT_OUTCOMES.map((each) => [each, OUTCOMES[each]] as const)],
        })}
        ${select({
          name: 'source',
          label: 'Kind',
          value: filters.source ?? '',
          options: [['', 'Everything'], ...AUDIT_SOURCES.map((each) => [each, SOURCES[each]] as const)],
        })}
        ${input({
          name: 'since',
          label: 'From (UTC)',
          type: 'datetime-local',
          value: forInput(filters.since),
          problem,
        })}
        ${input({
          name: 'until',
          label: 'Until (UTC)',
          type: 'datetime-local',
          value: forInput(filters.until),
          problem,
        })}
      </div>
      <div class="actions"><button class="primary">Search</button></div>
    </form>
  </details>`

/** A browser shows only what is exactly of its form. */
const forInput = (time = ''): string => (/^\d{4}-\d{2}-\d{2}$/.test(time) ? `${time}T00:00` : time.replace(/Z$/, ''))

/** The same filters in a form that is sent. */
export const hiddenFilters = (filters: AuditFilters): Html =>
  html`${NAMES.filter((name) => filters[name] !== undefined).map(
    (name) => html`<input type="hidden" name="${name}" value="${filters[name]}" />`,
  )}`

export const outcomeWord = (outcome: (typeof AUDIT_OUTCOMES)[number]): string => OUTCOMES[outcome]
export const sourceWord = (source: (typeof AUDIT_SOURCES)[number]): string => SOURCES[source]
