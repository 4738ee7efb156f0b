import { html } from '#base/html.ts'
import { document, type Document } from '#base/page.ts'

export interface LoginPage {
  readonly providers: readonly { readonly id: string; readonly label: string }[]
  /** A checked path of the console. */
  readonly returnTo: string
  /** Signed in already, and to prove it once more. */
  readonly fresh: boolean
  /** They just signed out. */
  readonly left: boolean
}

/** A button also where there is only one provider: nobody is sent anywhere by opening a link. */
export const loginPage = ({ providers, returnTo, fresh, left }: LoginPage): Document =>
  document({
    title: 'Sign in - Gatehouse console',
    body: html`<h1>${fresh ? 'Confirm that it is you' : 'Sign in to the console'}</h1>
      ${left && SIGNED_OUT}
      <p class="lead">
        ${
          fresh
            ? 'What comes next cannot be undone, or gives access to others. Sign in once more to go on.'
            : 'For the people who look after an organisation here. To use its tools, connect your MCP client instead.'
        }
      </p>
      ${providers.length === 0 ? NOBODY : buttons(providers, returnTo, fresh)}`,
  })

const SIGNED_OUT = html`<div class="note" role="status">
  <p><strong>You are signed out here.</strong> Your browser may still be signed in at the provider.</p>
</div>`

const NOBODY = html`<div class="note warn">
  <p>
    <strong>Nobody can sign in yet.</strong> Give a provider a client of its own, for example
    <code>GOOGLE_CLIENT_ID</code> and <code>GOOGLE_CLIENT_SECRET</code>.
  </p>
</div>`

const buttons = (providers: LoginPage['providers'], returnTo: string, fresh: boolean) =>
  html`<form method="post" action="/console/login">
    <input type="hidden" name="return_to" value="${returnTo}" />
    ${fresh && html`<input type="hidden" name="fresh" value="1" />`}
    ${providers.map(
      ({ id, label }, at) =>
        html`<button class="${at === 0 ? 'primary' : ''}" name="provider" value="${id}">
          Continue with ${label}
        </button> `,
    )}
  </form>`
