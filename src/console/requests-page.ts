import { html, type Html } from '#base/html.ts'
import type { Requests } from '#tenancy/requests.ts'
import type { ConsoleDeps } from './deps.ts'
import { formToken } from './frame.ts'
import { ROWS } from './members-page.ts'
import { empty, freshHint, pages, when } from './parts.ts'
import { peopleFrame } from './people-frame.ts'
import { addressOf, nameOf, roleOptions } from './people-words.ts'
import type { Place, TenantPage } from './tenant-pages.ts'

type Request = Awaited<ReturnType<Requests['list']>>['items'][number]

/** Who asked to join and waits for an answer; the forms are those of the person's own page. */
export function requestsPage({ registry }: Pick<ConsoleDeps, 'registry'>): TenantPage {
  return {
    path: '/people/requests',
    current: '/people',
    title: 'Requests to join',
    scope: 'tenant:admin',
    async show(place, view) {
      const after = view.query.text('after')
      const { tenant, actor, path } = place
      const { items, next } = await registry.requests.list(tenant, actor, {
        limit: ROWS,
        ...(after !== '' && { after }),
      })
      const to = (cursor: string | null): string => path(`/people/requests${cursor === null ? '' : `?after=${cursor}`}`)
      const body = html`${items.length === 0 ? none(place) : items.map((row) => one(place, row))}
      ${pages(after === '' ? null : to(null), next === null ? null : to(next), ['First page', 'More'])}`
      return await peopleFrame(registry, place, view, { tab: '/requests', body })
    },
  }
}

const one = (place: Place, row: Request): Html => {
  const action = (below: string): string => place.path(`/people/${row.id}${below}`)
  return html`<section class="card">
    <h2><a href="${action('')}">${nameOf(row)}</a></h2>
    <p>
      ${addressOf(row) !== null && html`<span class="small">${addressOf(row)}</span><br />`} Asked
      ${when(row.created_at, place.now)}${row.evidence !== null && html`, as one of <strong>${row.evidence}</strong>`}.
    </p>
    <div class="row low">
      <form class="row low" method="post" action="${action('/approve')}">
        ${formToken(place.csrf)}
        <label for="role-${row.id}"
          >Let in as
          <select id="role-${row.id}" name="role">
            ${roleOptions(place.may('tenant:owner')).map(
              ([role]) => html`<option value="${role}" ${role === row.role && html`selected`}>${role}</option> `,
            )}
          </select></label
        >
        <button class="primary">Let in</button>
      </form>
      <form method="post" action="${action('/decline')}">${formToken(place.csrf)}<button>Decline</button></form>
    </div>
    ${freshHint(place.session)}
  </section>`
}

const none = ({ path }: Place): Html =>
  empty(
    'Nobody is waiting',
    html`People ask here when they sign in with an address of one of your domains that lets people in on request. Who
      was declined is remembered for 30 days and found among
      <a href="${path('/people?status=requested')}">the people who asked</a>.`,
    html`<a class="button" href="${path('/domains')}">Your domains</a>`,
  )
