import { html } from '#base/html.ts'
import { document, type Document } from '#base/page.ts'
import { people } from './dev-people.ts'

/** Who do you want to be? One button per person; works without JavaScript. */
export const accountPage = (action: string, redirectUri: string): Document =>
  document({
    title: 'Sign in - Gatehouse development',
    body: html`<h1>Who do you want to be?</h1>
      <p class="lead">You will be sent back to <code>${new URL(redirectUri).host || redirectUri}</code>.</p>
      <form method="post" action="${action}">
        ${[...people.values()].map(
          ({ sub, name, email, note }) =>
            html`<button class="choice" name="account" value="${sub}">
              <strong>${name}</strong><span>${email} &middot; ${note}</span>
            </button> `,
        )}
      </form>
      <footer>
        Development sign-in: it exists on this machine only, and ends when you configure a real provider.
      </footer>`,
  })

export const devErrorPage = (message: string): Document =>
  document({
    title: 'Sign-in failed - Gatehouse development',
    body: html`<h1>Sign-in did not work</h1>
      <p>${message}</p>
      <p class="lead">Go back to your MCP client and start the sign-in there again.</p>`,
  })
