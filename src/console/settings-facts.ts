import { html, type Html } from '#base/html.ts'
import { limitsFor } from '#desk/limits.ts'
import type { Desk } from '#desk/operation.ts'
import type { DomainRecord } from '#tenancy/domains.ts'
import type { TenantRecord } from '#tenancy/tenant-record.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { when } from './parts.ts'
import type { Place } from './tenant-pages.ts'

/** What the organisation is, for everybody in it. */
export const facts = (place: Place, record: TenantRecord, domains: readonly DomainRecord[]): Html =>
  html`<section class="card">
    <h2>Facts</h2>
    <dl class="facts">
      <dt>Name</dt>
      <dd>${record.name}</dd>
      <dt>Address of the endpoint</dt>
      <dd><code>/t/${record.slug}/mcp</code></dd>
      <dt>Created</dt>
      <dd>${when(record.created_at, place.now)}</dd>
      <dt>Who joins</dt>
      <dd>${joining(place, domains)}</dd>
      <dt>Admins over MCP</dt>
      <dd>${record.mcp_admin ? 'have their power there too' : 'work in the console and by API only'}</dd>
      <dt>Operators of this server</dt>
      <dd>
        ${record.operator_access ? 'may look at this console as an admin sees it' : 'cannot look at this console'}
      </dd>
    </dl>
  </section>`

const JOINING: Readonly<Record<DomainRecord['join_mode'], string>> = {
  auto: 'joins by signing in',
  request: 'joins when an admin has agreed',
  invite: 'joins by invitation only',
}

function joining(place: Place, domains: readonly DomainRecord[]): Html {
  const verified = domains.filter(({ state }) => state === 'verified')
  const change = place.may('tenant:admin') && html`<p><a href="${place.path('/domains')}">Domains and who joins</a></p>`
  return verified.length === 0
    ? html`Only who is invited or let in: no domain is verified. ${change}`
    : html`<ul>
          ${verified.map(
            ({ domain, join_mode, default_role }) =>
              html`<li>Who has an address at <strong>${domain}</strong> ${JOINING[join_mode]}, as ${default_role}</li>`,
          )}
        </ul>
        ${change}`
}

/** What the operator of this server allows; nobody here can change it. */
export function limits(tenant: Tenant, server: Desk['limits']): Html {
  const held = limitsFor(tenant, server)
  const { requests_per_minute_tenant: all, requests_per_minute_caller: each } = held
  const number = (value: number | null): string => (value === null ? 'not limited' : value.toLocaleString('en'))
  return html`<section class="card">
    <h2>Limits</h2>
    <dl class="facts">
      <dt>Requests a minute, all together</dt>
      <dd>${number(all)}</dd>
      <dt>Requests a minute, one person or key</dt>
      <dd>${number(each)}</dd>
      <dt>Calls at the same time</dt>
      <dd>${number(held.concurrent_calls)}</dd>
      <dt>Largest result</dt>
      <dd>${number(held.result_bytes)} bytes</dd>
      <dt>Longest call</dt>
      <dd>${number(held.call_seconds)} seconds, where a tool names no time of its own</dd>
    </dl>
    <p class="hint">
      Set by the operator of this server${held.plan !== null && html`, with the plan <code>${held.plan}</code>`}.
      ${held.shared ? 'All its processes count requests together.' : 'Each of its processes counts for itself.'}
    </p>
  </section>`
}
