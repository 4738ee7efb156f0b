import { html, type Html } from '#base/html.ts'
import type { InvitationRecord } from '#tenancy/invitations.ts'
import type { ConsoleDeps } from './deps.ts'
import { formToken } from './frame.ts'
import { invitationShown } from './invite-page.ts'
import { ROWS } from './members-page.ts'
import { empty, freshHint, pages, select, when } from './parts.ts'
import { peopleFrame } from './people-frame.ts'
import { INVITATION_STATES } from './people-words.ts'
import type { Place, TenantForm, TenantPage, TenantSection } from './tenant-pages.ts'

const PATH = '/people/invitations'

const STATES = ['pending', 'accepted', 'revoked', 'expired'] as const

/** Who was invited, and what became of it. */
export function invitationsSection({ registry }: Pick<ConsoleDeps, 'registry'>): TenantSection {
  const { invitations } = registry
  const page: TenantPage = {
    path: PATH,
    current: '/people',
    title: 'Invitations',
    scope: 'tenant:admin',
    async show(place, view) {
      const after = view.query.text('after')
      const state = STATES.find((each) => each === view.query.text('state'))
      const { items, next } = await invitations.list(place.tenant, place.actor, {
        limit: ROWS,
        newest: true,
        ...(state !== undefined && { state }),
        ...(after !== '' && { after }),
      })
      const to = (cursor: string): string => {
        const kept = Object.entries({ state: state ?? '', after: cursor }).filter(([, value]) => value !== '')
        return place.path(`${PATH}?${new URLSearchParams(kept).toString()}`)
      }
      const body = html`${(items.length > 0 || state !== undefined) && filters(place, state ?? '')}
      ${items.length === 0 ? none(place, state) : list(place, items)}
      ${pages(after === '' ? null : to(''), next === null ? null : to(next))}`
      return await peopleFrame(registry, place, view, { tab: '/invitations', body })
    },
  }
  const form = (below: string, fresh: boolean, run: TenantForm['run']): TenantForm => ({
    path: `${PATH}/${below}`,
    page,
    scope: 'tenant:admin',
    fresh,
    run,
  })
  return {
    pages: [page],
    forms: [
      form('resend', true, async (place, fields) => {
        const made = await invitations.resend(place.tenant, place.actor, fields.text('invitation'))
        return invitationShown(place, made)
      }),
      form('revoke', false, async (place, fields) => {
        await invitations.revoke(place.tenant, place.actor, fields.text('invitation'))
        return `${PATH}?done=revoked`
      }),
    ],
  }
}

const filters = ({ path }: Place, state: string): Html =>
  html`<form class="filters" method="get" action="${path(PATH)}">
    ${select({
      name: 'state',
      label: 'Show',
      options: [
        ['', 'all invitations'],
        ['pending', 'waiting'],
        ['accepted', 'accepted'],
        ['revoked', 'revoked'],
        ['expired', 'expired'],
      ],
      value: state,
    })}
    <button>Show</button>
  </form>`

const list = (place: Place, rows: readonly InvitationRecord[]): Html =>
  html`<section class="card rows">
      <ul class="list">
        ${rows.map(
          (row) =>
            html`<li>
              <div>
                <strong>${row.email}</strong>
                <div class="small">
                  as ${row.role}, by ${row.inviter_name ?? row.inviter ?? 'the people who run this server'}
                </div>
              </div>
              <div class="state">${INVITATION_STATES[row.state]} <span class="small">${moment(place, row)}</span></div>
              ${(row.state === 'pending' || row.state === 'expired') && acts(place, row)}
            </li> `,
        )}
      </ul>
    </section>
    ${rows.some(({ state }) => state === 'pending' || state === 'expired') && freshHint(place.session)}`

/** What counts of its times: until when, or since when. */
function moment(
  { now }: Place,
  { state, expires_at: ends, accepted_at: at, created_at: made }: InvitationRecord,
): Html {
  if (state === 'accepted') return when(at, now)
  if (state === 'revoked') return html`made ${when(made, now)}`
  return html`${state === 'expired' ? 'ended' : 'ends'} ${when(ends, now)}`
}

function acts(place: Place, { id, email, state }: InvitationRecord): Html {
  const act = (below: string, text: string): Html =>
    html`<form method="post" action="${place.path(`${PATH}/${below}`)}">
      ${formToken(place.csrf)}<input type="hidden" name="invitation" value="${id}" />
      <button class="tiny" aria-label="${text}: ${email}">${text}</button>
    </form>`
  return html`<div class="row end">${act('resend', 'New link')} ${state === 'pending' && act('revoke', 'Revoke')}</div>`
}

const none = ({ path }: Place, state: string | undefined): Html =>
  state !== undefined
    ? empty(
        'None of these',
        'No invitation is in this state.',
        html`<a class="button" href="${path(PATH)}">All invitations</a>`,
      )
    : empty(
        'Nobody was invited yet',
        html`Invite people whose address is at no domain of yours, or before your domain is proved. Colleagues at a
        proved domain need none.`,
        html`<a class="button primary" href="${path('/people/invite')}">Invite somebody</a>
          <a class="button" href="${path('/domains')}">Your domains</a>`,
      )
