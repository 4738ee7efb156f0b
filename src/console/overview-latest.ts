import { html, type Html } from '#base/html.ts'
import type { AuditRecord } from '#tenancy/audit-record.ts'
import { chip, when } from './parts.ts'
import type { Place } from './tenant-pages.ts'

const MOST = 6

/** What happened last. That somebody looked is in the audit too, and is not what they came to see. */
export function latestCard({ path, now }: Place, entries: readonly AuditRecord[]): Html {
  const shown = entries.filter(({ action }) => action !== 'audit.read').slice(0, MOST)
  return html`<section class="card" id="latest">
    <h2>Latest in the audit log</h2>
    ${
      shown.length === 0
        ? html`<p class="soft">Nothing yet. Every call and every change will stand here.</p>`
        : html`<ul class="matters">
            ${shown.map((entry) => {
              const { action, target, target_name: name, outcome, at } = entry
              return html`<li>
                <span>${whoOf(entry)}</span>
                <span
                  ><span class="mono">${action}</span>
                  <span class="soft">${name ?? target}</span>
                  ${outcome !== 'ok' && chip(outcome === 'failed' ? 'bad' : 'warn', outcome)}</span
                >
                <span class="soft">${when(at, now)}</span>
              </li> `
            })}
          </ul>`
    }
    <p class="small"><a href="${path('/audit')}">The whole audit log</a></p>
  </section>`
}

function whoOf({ actor }: AuditRecord): string {
  const { type, id, name, email } = actor
  if (type === 'system') return 'Gatehouse'
  const who = name ?? email ?? id ?? 'Nobody known'
  return type === 'key' ? `Key ${who}` : type === 'operator' ? `Operator ${who}` : who
}
