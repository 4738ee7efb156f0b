import { html, type Html } from '#base/html.ts'
import { document, type Document } from '#base/page.ts'

/** Whom somebody can sign in with, and where they go then. */
export interface SignInChoices {
  readonly providers: readonly { readonly id: string; readonly label: string }[]
  /** A checked path of the console. */
  readonly returnTo: string
  /** The provider is to ask anew who they are: to prove it once more, or to be somebody else. */
  readonly fresh: boolean
}

export interface LoginPage extends SignInChoices {
  /** They just signed out: here, or with all their clients. */
  readonly left: 'here' | 'clients' | null
}

/** A button also where there is only one provider: nobody is sent anywhere by opening a link. */
export const loginPage = ({ providers, returnTo, fresh, left }: LoginPage): Document =>
  document({
    title: 'Sign in - Gatehouse console',
    body: html`<h1>${fresh ? 'Confirm that it is you' : 'Sign in to the console'}</h1>
      ${left !== null && SIGNED_OUT[left]}
      <p class="lead">
        ${
          fresh
            ? 'What comes next cannot be undone, or gives access to others. Sign in once more to go on.'
            : 'For the people who look after an organisation here. To use its tools, connect your MCP client instead.'
        }
      </p>
      ${signInButtons({ providers, returnTo, fresh })}`,
  })

const SIGNED_OUT = {
  here: html`<div class="note" role="status">
    <p><strong>You are signed out here.</strong> Your browser may still be signed in at the provider.</p>
  </div>`,
  clients: html`<div class="note" role="status">
    <p><strong>You are signed out everywhere.</strong> Every client must sign in again, and so must you.</p>
  </div>`,
} as const

const NOBODY = html`<div class="note warn">
  <p>
    <strong>Nobody can sign in yet.</strong> Give a provider a client of its own, for example
    <code>GOOGLE_CLIENT_ID</code> and <code>GOOGLE_CLIENT_SECRET</code>.
  </p>
</div>`

/** One button per provider. No page with these may have a `form-action`: the way leads to the provider (D27). */
export const signInButtons = ({ providers, returnTo, fresh }: SignInChoices): Html =>
  providers.length === 0
    ? NOBODY
    : html`<form method="post" action="/console/login">
        <input type="hidden" name="return_to" value="${returnTo}" />
        ${fresh && html`<input type="hidden" name="fresh" value="1" />`}
        ${providers.map(
          ({ id, label }, at) =>
            html`<button class="${at === 0 ? 'primary' : ''}" name="provider" value="${id}">
              Continue with ${label}
            </button> `,
        )}
      </form>`
