import { html, type Html } from '#base/html.ts'
import { document, type Document } from '#base/page.ts'
import type { Client } from '#login/client.ts'
import type { Redirect } from '#login/redirect.ts'
import { CONSENT_PAUSE } from './consent-pause.ts'

export interface ConsentPageOptions {
  readonly client: Pick<Client, 'client_id' | 'name' | 'kind'>
  readonly redirect: Redirect
  readonly resourceNamed: boolean
  /** An approval will be remembered in this browser. */
  readonly memorable: boolean
  /** As we write it. */
  readonly resource: string
  readonly providers: readonly { readonly id: string; readonly label: string }[]
  /** Goes into the form, with the CSRF cookie the only thing the answer is believed for. */
  readonly form: string
}

export const CONSENT_PATH = '/oauth/authorize'

/**
 * Who asks for what, led by the one thing that nobody can make up: where the person is sent back to (D27). The client's name is shown
 * as a claim, its logo not at all. Works without JavaScript; the refusal is the last button.
 */
export function consentPage(options: ConsentPageOptions): Document {
  const { redirect, resource, providers, form, resourceNamed, memorable } = options
  const slug = /\/t\/([a-z0-9_]+)\/mcp$/.exec(resource)?.[1] ?? null
  return document({
    title: 'Sign in',
    script: CONSENT_PAUSE,
    body: html`<h1>${heading(redirect)}</h1>
      <p class="lead">
        An application asks to work here as you. When you have signed in, you are sent back to ${place(redirect)}.
      </p>
      ${warning(redirect, options.client)} ${resourceNamed ? null : NO_RESOURCE}
      <dl class="facts">
        <dt>Application</dt>
        <dd>${applicant(options.client)}</dd>
        <dt>It will use</dt>
        <dd><code>${resource}</code>${slug === null ? null : html` (the organisation <strong>${slug}</strong>)`}</dd>
        <dt>It can then</dt>
        <dd>read and change the data of your organisation here, as far as your own role allows</dd>
        <dt>It receives</dt>
        <dd>
          the token that ${labels(providers)} issues to this server about you: who you are, with your name and e-mail
          address
        </dd>
      </dl>
      <form method="post" action="${CONSENT_PATH}">
        <input type="hidden" name="form" value="${form}" />
        ${providers.map(({ id, label }) => html`<button name="provider" value="${id}">Continue with ${label}</button>`)}
        <button name="decision" value="deny" class="quiet">Do not sign in</button>
      </form>
      <footer>
        Only continue if you started
        this.${
          memorable
            ? ' If you do, this browser remembers it for 30 days and does not ask again for this application.'
            : null
        }
      </footer>`,
  })
}

function heading({ kind, host }: Redirect): Html {
  if (kind === 'https') return html`Sign in for ${host}?`
  return kind === 'loopback' ? html`Sign in for a program on this computer?` : html`Sign in for ${host}?`
}

const place = ({ kind, host }: Redirect): Html =>
  kind === 'loopback' ? html`<strong>this computer</strong> (<code>${host}</code>)` : html`<strong>${host}</strong>`

/**
 * Whoever sends somebody a link to this page can have any program of theirs, or none, at the other end of it; and any host, when nothing
 * but a registration says who asks, or a document that lies somewhere else: a host that leads on to others is enough for a thief.
 */
function warning(
  { kind, host, listed }: Redirect,
  { client_id, kind: known }: ConsentPageOptions['client'],
): Html | null {
  if (kind === 'https') {
    const describedBy = known === 'document' ? new URL(client_id).hostname : null
    if (describedBy !== null && (listed === describedBy || listed.endsWith(`.${describedBy}`))) return null
    const claim =
      describedBy === null
        ? html`Anybody can register an application here, under any name.`
        : html`You would be sent there because ${describedBy} says so, and nothing shows that ${host} knows of it.`
    return html`<div class="note warn" role="note">
      <p><strong>Do you use ${host}?</strong> ${claim} Continue only if you began this sign-in there.</p>
    </div>`
  }
  return html`<div class="note bad" role="note">
    <p>
      <strong>Did you just start this yourself?</strong> Continue only if you began this sign-in a moment ago, in
      ${kind === 'loopback' ? 'a program on the computer in front of you' : 'an application on this device'}. If
      somebody sent you here by a link or a message, close this page.
    </p>
  </div>`
}

const NO_RESOURCE = html`<div class="note warn" role="note">
  <p>
    <strong>Old application.</strong> It did not say which service it signs in for, so this server cannot tell that you
    meant this one.
  </p>
</div>`

/** A document proves who holds the host at which it lies; a registration proves nothing. */
function applicant({ client_id, name, kind }: ConsentPageOptions['client']): Html {
  const called = name === null ? html`an application without a name` : html`<strong>${name}</strong>`
  if (kind === 'registered') return html`${called}<br /><span class="chip warn">name not verified</span>`
  return html`${called}, as <strong>${new URL(client_id).host}</strong> describes it`
}

const labels = (providers: ConsentPageOptions['providers']): string => providers.map(({ label }) => label).join(' or ')
