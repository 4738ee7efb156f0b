import { html, type Html } from '#base/html.ts'
import type { MemberFilter } from '#tenancy/members-list.ts'
import type { MemberRecord } from '#tenancy/members.ts'
import type { ConsoleDeps } from './deps.ts'
import type { Fields } from './fields.ts'
import { empty, head, input, pages, select, when } from './parts.ts'
import { peopleFrame } from './people-frame.ts'
import { addressOf, CAME_BY, ground, nameOf, roleOf, STATUSES } from './people-words.ts'
import type { Place, TenantPage, View } from './tenant-pages.ts'

/** Rows of a page. */
export const ROWS = 25

const STATUS_OPTIONS = [
  ['', 'members'],
  ['requested', 'asked to join'],
  ['removed', 'removed'],
  ['any', 'everybody'],
] as const

const ROLE_OPTIONS = [
  ['', 'every role'],
  ['owner', 'owner'],
  ['admin', 'admin'],
  ['member', 'member'],
  ['viewer', 'viewer'],
] as const

/** Who belongs here; for who may not see others, they themself. */
export function membersPage({ registry }: Pick<ConsoleDeps, 'registry'>): TenantPage {
  const { members } = registry
  return {
    path: '/people',
    title: 'People',
    scope: null,
    async show(place, view) {
      if (!place.may('tenant:admin')) return alone(place, await members.own(place.tenant, place.actor))
      const filter = filterOf(view.query)
      const page = await members.list(place.tenant, place.actor, filter)
      return await peopleFrame(registry, place, view, { tab: '', body: found(place, view, page) })
    },
  }
}

function filterOf(query: Fields): MemberFilter {
  const [role, status, after] = [roleOf(query.text('role')), query.text('status'), query.text('after')]
  return {
    limit: ROWS,
    search: query.text('q'),
    ...(role !== undefined && { role }),
    ...(status === 'requested' || status === 'removed' ? { status } : status !== 'any' && { status: 'active' }),
    ...(after !== '' && { after }),
  }
}

function found(
  place: Place,
  { query }: View,
  { items, next }: { readonly items: readonly MemberRecord[]; readonly next: string | null },
): Html {
  const [q, role, status] = [query.text('q'), query.text('role'), query.text('status')]
  const to = (after: string | null): string => {
    const kept = Object.entries({ q, role, status, after: after ?? '' }).filter(([, value]) => value !== '')
    return place.path(`/people?${new URLSearchParams(kept).toString()}`)
  }
  return html`<form class="filters" method="get" action="${place.path('/people')}" role="search">
      ${input({ name: 'q', label: 'Name, address or user id', type: 'search', value: q, maxlength: 100 })}
      ${select({ name: 'role', label: 'Role', options: ROLE_OPTIONS, value: role })}
      ${select({ name: 'status', label: 'Show', options: STATUS_OPTIONS, value: status })}
      <button>Find</button>
    </form>
    ${
      items.length === 0
        ? empty(
            'Nobody is found',
            q === ''
              ? 'Nobody has this role and state.'
              : html`Nobody here is called ${q}. Look among everybody, or invite them.`,
            html`<a class="button" href="${place.path('/people')}">All members</a>`,
          )
        : table(place, items)
    }
    ${pages(query.text('after') === '' ? null : to(null), next === null ? null : to(next), ['First page', 'More'])}`
}

const table = (place: Place, rows: readonly MemberRecord[]): Html =>
  html`<section class="card rows">
    <table>
      <thead>
        <tr>
          <th scope="col">Person</th>
          <th scope="col">Role</th>
          <th scope="col" class="roomy">Came</th>
          <th scope="col" class="roomy">Since</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <th scope="row">
                <a href="${place.path(`/people/${row.id}`)}">${nameOf(row)}</a>
                ${isSelf(place, row) && html`<span class="soft">(you)</span>`}
                ${addressOf(row) !== null && html`<div class="small">${addressOf(row)}</div>`}
              </th>
              <td class="nowrap">${row.role}${row.status !== 'active' && html` ${STATUSES[row.status]}`}</td>
              <td class="roomy">
                ${CAME_BY[row.source]}${row.evidence !== null && html` <span class="soft">${row.evidence}</span>`}
              </td>
              <td class="roomy">${when(row.created_at, place.now)}</td>
            </tr> `,
        )}
      </tbody>
    </table>
  </section>`

export const isSelf = ({ session }: Pick<Place, 'session'>, { iss, sub }: Pick<MemberRecord, 'iss' | 'sub'>): boolean =>
  session.identity.iss === iss && session.identity.sub === sub

/** What somebody sees who does not look after others. */
const alone = ({ tenant, principal, now }: Place, own: MemberRecord | null): Html =>
  html`${head('Your membership', `Who else belongs to ${tenant.name} is for its administrators to see.`)}
    <section class="card">
      <h2>You in ${tenant.name}</h2>
      <dl class="facts">
        <dt>Role</dt>
        <dd>${principal.role}</dd>
        ${
          own !== null &&
          html`<dt>How you came</dt>
            <dd>${ground(own, 'you')}</dd>
            <dt>Since</dt>
            <dd>${when(own.created_at, now)}</dd>`
        }
      </dl>
    </section>
    <section class="card">
      <h2>Leave</h2>
      <p>You lose access to everything here, and the API keys you made stop.</p>
      <div class="actions">
        <a class="button" href="/console/account/leave?organisation=${tenant.slug}">Leave ${tenant.name}</a>
      </div>
    </section>`
