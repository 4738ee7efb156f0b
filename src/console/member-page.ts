import { html, type Html } from '#base/html.ts'
import { isUuid } from '#base/id.ts'
import { Refusal } from '#base/refusal.ts'
import type { MemberRecord } from '#tenancy/members.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { PersonRole } from '#tenancy/roles.ts'
import type { ConsoleDeps } from './deps.ts'
import type { Fields } from './fields.ts'
import { formToken } from './frame.ts'
import { isSelf } from './members-page.ts'
import { freshHint, head, problemNote, select, sure, when } from './parts.ts'
import { personDone } from './people-frame.ts'
import { addressOf, ground, nameOf, roleOf, roleOptions, STATUSES } from './people-words.ts'
import type { Place, TenantForm, TenantPage, TenantSection, View } from './tenant-pages.ts'

const PATH = '/people/:member'

/** One person: who they are, why they belong, and what can be done about it. */
export function memberSection({ registry }: Pick<ConsoleDeps, 'registry'>): TenantSection {
  const { members, requests } = registry
  const page: TenantPage = {
    path: PATH,
    current: '/people',
    title: 'A person',
    scope: 'tenant:admin',
    async show(place, view) {
      const row = await members.show(place.tenant, place.actor, referenceOf(place))
      const { owners } = await members.tally(place.tenant, place.actor)
      return body(place, view, row, row.role === 'owner' && owners === 1)
    },
  }
  const form = (below: string, fresh: boolean, run: TenantForm['run']): TenantForm => ({
    path: `${PATH}${below}`,
    page,
    scope: 'tenant:admin',
    fresh,
    run,
  })
  return {
    pages: [page],
    forms: [
      form('/role', true, async (place, fields) => {
        const { id } = await members.setRole(place.tenant, place.actor, referenceOf(place), needRole(fields))
        return `/people/${id}?done=role`
      }),
      form('/sign-out', false, async (place) => {
        await members.revokeTokens(place.tenant, place.actor, referenceOf(place))
        return `/people/${referenceOf(place)}?done=signed-out`
      }),
      form('/remove', true, async (place, fields) => {
        if (!fields.has('sure'))
          throw new RegistryError('invalid', 'tick the box first: this ends their access', 'sure')
        await members.remove(place.tenant, place.actor, referenceOf(place))
        return '/people?done=removed'
      }),
      form('/approve', true, async (place, fields) => {
        await requests.approve(place.tenant, place.actor, referenceOf(place), needRole(fields))
        return '/people/requests?done=approved'
      }),
      form('/decline', false, async (place) => {
        await requests.decline(place.tenant, place.actor, referenceOf(place))
        return '/people/requests?done=declined'
      }),
    ],
  }
}

/** By the row's id only: an address in a path would stand in logs. */
function referenceOf({ params }: Place): string {
  const { member = '' } = params
  if (!isUuid(member)) throw new Refusal('not_found')
  return member
}

function needRole(fields: Fields): PersonRole {
  const role = roleOf(fields.text('role'))
  if (role === undefined) throw new RegistryError('invalid', 'choose a role', 'role')
  return role
}

const body = (place: Place, view: View, row: MemberRecord, last: boolean): Html =>
  html`<p class="crumb"><a href="${place.path('/people')}">People</a></p>
    ${head(nameOf(row), html`${addressOf(row)} ${row.status !== 'active' && STATUSES[row.status]}`)}
    ${personDone(view.done)} ${problemNote(view.problem)}
    <section class="card">
      <h2>Membership</h2>
      <dl class="facts">
        <dt>Role</dt>
        <dd>${row.role}</dd>
        <dt>${row.status === 'requested' ? 'Why' : 'How they came'}</dt>
        <dd>${ground(row)}</dd>
        <dt>${row.status === 'requested' ? 'Asked' : 'Since'}</dt>
        <dd>${when(row.created_at, place.now)}</dd>
        ${
          row.removed_at !== null &&
          html`<dt>Removed</dt>
            <dd>${when(row.removed_at, place.now)}</dd>`
        }
        <dt>Signs in with</dt>
        <dd>${row.provider}</dd>
        <dt>User id</dt>
        <dd><code>${row.user_id}</code></dd>
        ${
          row.tokens_not_before !== null &&
          html`<dt>Signed out</dt>
            <dd>${when(row.tokens_not_before, place.now)}: every token from before is refused</dd>`
        }
      </dl>
    </section>
    ${row.status === 'requested' && answer(place, view, row)} ${row.status === 'removed' && again(place, row)}
    ${row.status === 'active' && acts(place, view, row, last)}`

/** For who is a member now. */
function acts(place: Place, view: View, row: MemberRecord, last: boolean): Html {
  const self = isSelf(place, row)
  const name = nameOf(row)
  const action = (below: string): string => place.path(`/people/${row.id}${below}`)
  if (row.role === 'owner' && !place.may('tenant:owner'))
    return html`<section class="card">
      <h2>An owner</h2>
      <p>Only owners change the role of an owner, sign them out or remove them.</p>
    </section>`
  return html`<section class="card">
      <h2>Role</h2>
      ${
        last
          ? html`<p>
              ${self ? 'You are' : html`${name} is`} the last owner, and an organisation keeps one. Make somebody else
              owner first; then this role can change.
            </p>`
          : html`<form method="post" action="${action('/role')}">
              ${formToken(place.csrf)}
              ${select({
                name: 'role',
                label: 'What they may do',
                options: roleOptions(place.may('tenant:owner')),
                value: roleOf(view.values.text('role')) ?? row.role,
              })}
              ${freshHint(place.session)}
              <div class="actions"><button class="primary">Change the role</button></div>
            </form>`
      }
    </section>
    ${
      self
        ? html`<section class="card">
            <h2>You</h2>
            <p>Signing out your own clients, and leaving, are on the page of your account.</p>
            <div class="actions"><a class="button" href="/console/account">Your account</a></div>
          </section>`
        : html`<section class="card">
              <h2>Sign out</h2>
              <p>
                A lost or stolen computer? Every token that ${name} holds here is refused from now on, and so are their
                console sessions. They can sign in again. API keys they made keep working.
              </p>
              <form method="post" action="${action('/sign-out')}">
                ${formToken(place.csrf)}
                <div class="actions"><button>Sign out their clients</button></div>
              </form>
            </section>
            <section class="card danger">
              <h2>Remove</h2>
              ${
                last
                  ? html`<p>The last owner cannot be removed. Make somebody else owner first.</p>`
                  : html`<p>
                        ${name} loses all access within a second, and the API keys they made stop. What they made in the
                        tools stays. They come back only by an invitation.
                      </p>
                      <form method="post" action="${action('/remove')}">
                        ${formToken(place.csrf)}
                        ${sure(`Yes, ${name} is to lose access to ${place.tenant.name}`, view.problem)}
                        ${freshHint(place.session)}
                        <div class="actions"><button class="danger">Remove ${name}</button></div>
                      </form>`
              }
            </section>`
    }`
}

/** For who asked to join. */
const answer = (place: Place, view: View, row: MemberRecord): Html =>
  html`<section class="card">
    <h2>They ask to join</h2>
    <form method="post" action="${place.path(`/people/${row.id}/approve`)}">
      ${formToken(place.csrf)}
      ${select({
        name: 'role',
        label: 'Let them in as',
        options: roleOptions(place.may('tenant:owner')),
        value: roleOf(view.values.text('role')) ?? row.role,
      })}
      ${freshHint(place.session)}
      <div class="actions"><button class="primary">Let them in</button></div>
    </form>
    <form method="post" action="${place.path(`/people/${row.id}/decline`)}">
      ${formToken(place.csrf)}
      <div class="actions"><button>Decline</button></div>
    </form>
  </section>`

/** For who was removed or left. */
const again = ({ path }: Place, { email }: MemberRecord): Html =>
  html`<section class="card">
    <h2>Let them back in</h2>
    <p>They come back by an invitation, which they accept themself.</p>
    <div class="actions">
      <a class="button" href="${path(`/people/invite${email === null ? '' : `?email=${encodeURIComponent(email)}`}`)}"
        >Invite them again</a
      >
    </div>
  </section>`
