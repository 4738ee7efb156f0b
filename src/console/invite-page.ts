import { html, type Html } from '#base/html.ts'
import type { NewInvitation } from '#tenancy/invitations.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { ConsoleDeps } from './deps.ts'
import { formToken } from './frame.ts'
import { copyButton, head, input, problemNote, select, utc } from './parts.ts'
import { roleOf, roleOptions } from './people-words.ts'
import type { Place, TenantPage, TenantSection, View } from './tenant-pages.ts'

const DAY = 86_400_000

const LIVES = [
  ['1', '1 day'],
  ['7', '7 days'],
  ['30', '30 days'],
] as const

/** Inviting somebody; the link is the answer of the form, and is shown no second time. */
export function inviteSection({ registry }: Pick<ConsoleDeps, 'registry'>): TenantSection {
  const page: TenantPage = {
    path: '/people/invite',
    current: '/people',
    title: 'Invite somebody',
    scope: 'tenant:admin',
    fresh: true,
    async show(place, view) {
      return form(place, view)
    },
  }
  return {
    pages: [page],
    forms: [
      {
        path: '/people/invite',
        page,
        scope: 'tenant:admin',
        fresh: true,
        async run(place, fields) {
          const role = roleOf(fields.text('role'))
          if (role === undefined) throw new RegistryError('invalid', 'choose a role', 'role')
          const life = LIVES.find(([days]) => days === fields.text('life'))
          if (life === undefined) throw new RegistryError('invalid', 'choose for how long', 'life')
          const wanted = { email: fields.text('email'), role, life: Number(life[0]) * DAY }
          return invitationShown(place, await registry.invitations.invite(place.tenant, place.actor, wanted))
        },
      },
    ],
  }
}

/** Only the address can be filled in by a link (to invite somebody again): the role cannot. */
const form = (place: Place, { query, values, problem }: View): Html =>
  html`<p class="crumb"><a href="${place.path('/people/invitations')}">Invitations</a></p>
    ${head(
      'Invite somebody',
      'You get a link to hand over. It works once, and only for who signs in with exactly this address and accepts.',
    )}
    ${problemNote(problem)}
    <section class="card">
      <form method="post" action="${place.path('/people/invite')}">
        ${formToken(place.csrf)}
        ${input({
          name: 'email',
          label: 'Their address',
          type: 'email',
          value: values.text('email') || query.text('email'),
          hint: 'The one they sign in with, written as their provider writes it.',
          problem,
          required: true,
          maxlength: 320,
        })}
        ${select({
          name: 'role',
          label: 'What they may do',
          options: roleOptions(place.may('tenant:owner')),
          value: roleOf(values.text('role')) ?? 'member',
        })}
        ${select({ name: 'life', label: 'The link works for', options: LIVES, value: values.text('life') || '7' })}
        <div class="actions">
          <button class="primary">Make the link</button>
          <a class="button" href="${place.path('/people/invitations')}">Cancel</a>
        </div>
      </form>
    </section>`

/** The answer of the form: the link, and words to send with it. Shown once, as the link is stored nowhere. */
export function invitationShown(
  place: Place,
  { email, role, link, expires_at: ends }: NewInvitation,
): { readonly title: string; readonly body: Html } {
  const { identity } = place.session
  const who = identity.name ?? identity.email ?? 'An administrator'
  const text = `Hello,

${who} invites you to ${place.tenant.name} as ${role}. Open this link and sign in with ${email}:

${link}

It works once, until ${utc(Date.parse(ends))}.`
  return {
    title: 'The invitation',
    body: html`${head('The invitation is ready', html`Send it to <strong>${email}</strong> yourself: nothing was sent.`)}
      <div class="note warn">
        <p><strong>Shown once.</strong> Copy it now. If it is lost, make a new link among the invitations.</p>
      </div>
      <section class="card">
        <h2>The link</h2>
        <div class="snippet">
          <div class="where"><span>Link</span>${copyButton('link', 'the link')}</div>
          <pre id="link">${link}</pre>
        </div>
        <h3>Or with words around it</h3>
        <div class="snippet">
          <div class="where"><span>Message</span>${copyButton('message', 'the message')}</div>
          <pre id="message">${text}</pre>
        </div>
        <div class="actions">
          <a class="button" href="${place.path('/people/invitations')}">To the invitations</a>
          <a class="button" href="${place.path('/people/invite')}">Invite somebody else</a>
        </div>
      </section>`,
  }
}
