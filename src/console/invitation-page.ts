import { html, type Html, type HtmlValue } from '#base/html.ts'
import { document, type Document } from '#base/page.ts'
import type { Identity } from '#identity/identity.ts'
import { INVITATION_PATH } from '#tenancy/invitations-link.ts'
import type { Offer } from '#tenancy/invitations-accept.ts'
import { formToken, tenantPath } from './frame.ts'
import { signInButtons, type SignInChoices } from './login-page.ts'
import { ROLE_WORDS } from './people-words.ts'

/**
 * The link's token stands behind the `#`, which no server sees: the script puts it into the form, takes it out of the address and the history,
 * and sends it. Without a script the person pastes the link.
 */
const SCRIPT = `'use strict'
const form = document.getElementById('open')
if (location.hash.length > 1) {
  form.elements.invitation.value = location.hash.slice(1)
  history.replaceState(null, '', location.pathname)
  form.submit()
}
`

const page = (title: string, body: Html): Document =>
  document({ title: `${title} - Gatehouse console`, body, script: SCRIPT })

/** Where a link is opened or pasted. @param wrong what was pasted is neither a link nor a code. */
export const pastePage = (wrong: boolean): Document =>
  page(
    'Invitation',
    html`<h1>Open your invitation</h1>
      <p class="lead">Paste the link you were sent. Opening it changes nothing: you are asked first.</p>
      ${
        wrong &&
        html`<div class="note bad" role="alert">
          <p>
            <strong>Not opened.</strong> That is no invitation of this server. Copy the whole link, to its last letter.
          </p>
        </div>`
      }
      ${pasteForm('Link or code', wrong)}`,
  )

const pasteForm = (label: string, wrong = false): Html =>
  html`<form id="open" method="post" action="${INVITATION_PATH}">
    <label
      >${label}
      <input
        name="invitation"
        required
        maxlength="2000"
        autocomplete="off"
        spellcheck="false"
        ${wrong && html`aria-invalid="true"`}
      />
    </label>
    <button class="primary">Open the invitation</button>
  </form>`

const ANOTHER = html`<details class="item">
  <summary><strong>Open another invitation</strong></summary>
  <section>${pasteForm('Its link or code')}</section>
</details>`

/** Somebody holds a link and is not signed in. Nothing is said of the invitation: who opened the link may not be who it is for. */
export const signInFirstPage = (choices: SignInChoices): Document =>
  page(
    'Invitation',
    html`<h1>You are invited</h1>
      <p class="lead">
        Sign in with the address that the invitation was sent to. Then you see who invites you and to what, and you
        decide.
      </p>
      ${signInButtons(choices)} ${ANOTHER}`,
  )

interface Asked {
  readonly identity: Identity
  readonly csrf: string
  readonly choices: SignInChoices
}

/** What is offered, and the question. */
export const offerPage = (
  { tenant, role, inviter_name: inviter }: Offer,
  { identity, csrf, choices }: Asked,
): Document =>
  page(
    `Join ${tenant.name}?`,
    html`<h1>Join ${tenant.name}?</h1>
      <p class="lead">
        <strong>${inviter ?? 'An administrator'}</strong> invites you to <strong>${tenant.name}</strong> as
        <strong>${role}</strong>: a person who ${ROLE_WORDS[role]}.
      </p>
      <dl class="facts">
        <dt>You are</dt>
        <dd>${identity.name ?? identity.email}</dd>
        <dt>Signed in as</dt>
        <dd>${identity.email}, with ${labelOf(identity, choices)}</dd>
      </dl>
      <form method="post" action="${INVITATION_PATH}/accept">
        ${formToken(csrf)}<button class="primary">Join ${tenant.name}</button>
      </form>
      <form method="post" action="${INVITATION_PATH}/later">
        ${formToken(csrf)}<button class="quiet">Not now</button>
      </form>
      ${otherAccount(choices)} ${ANOTHER}
      <footer>Its administrators will see your name and address, and what you do with its tools.</footer>`,
  )

/** It cannot be accepted by this person, or by nobody. @param again may it help to sign in with another account? */
export const refusedPage = (
  message: string,
  { identity, choices }: Pick<Asked, 'identity' | 'choices'>,
  again: boolean,
): Document =>
  page(
    'Invitation',
    html`<h1>This invitation cannot be accepted</h1>
      <p class="lead">${sentence(message)}</p>
      <dl class="facts">
        <dt>Signed in as</dt>
        <dd>${identity.email ?? identity.name ?? identity.sub}, with ${labelOf(identity, choices)}</dd>
      </dl>
      ${again ? otherAccount(choices, true) : html`<p><a class="button" href="/console">To the console</a></p>`}
      ${ANOTHER}`,
  )

/** They belong there already. */
export const memberAlreadyPage = ({ tenant }: Offer): Document =>
  page(
    'Invitation',
    html`<h1>You belong to ${tenant.name} already</h1>
      <p class="lead">There is nothing to accept; your role stays as it is.</p>
      <p><a class="button primary" href="${tenantPath(tenant.slug)}">To ${tenant.name}</a></p>
      ${ANOTHER}`,
  )

const otherAccount = (choices: SignInChoices, open = false): HtmlValue =>
  open
    ? signInButtons(choices)
    : html`<details class="item">
        <summary><strong>This is not you?</strong></summary>
        <section>
          <p>Sign in with another account. The invitation is kept for you.</p>
          ${signInButtons(choices)}
        </section>
      </details>`

const labelOf = ({ provider }: Identity, { providers }: SignInChoices): string =>
  providers.find(({ id }) => id === provider)?.label ?? provider

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
