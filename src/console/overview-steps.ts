import { html, type Html } from '#base/html.ts'
import type { Place } from './tenant-pages.ts'

/** What was done of what a new organisation begins with. */
interface Progress {
  readonly proved: boolean
  readonly invited: boolean
  readonly connected: boolean
  readonly key: boolean
}

interface Step {
  readonly done: boolean
  readonly title: string
  readonly text: string
  readonly link: string
  readonly to: string
}

/** The way in for a new organisation; gone when all that everybody needs is done (a key is for some). */
export function firstSteps({ path }: Place, { proved, invited, connected, key }: Progress): Html | null {
  if (proved && invited && connected) return null
  const steps: readonly Step[] = [
    {
      done: proved,
      title: 'Prove your domain',
      text: 'A record in its DNS shows that it is yours, and colleagues with a work address come in by themselves.',
      link: 'Claim a domain',
      to: path('/domains'),
    },
    {
      done: invited,
      title: 'Invite a colleague',
      text: 'A second pair of hands, and somebody who can let you back in.',
      link: 'Invite somebody',
      to: path('/people/invitations'),
    },
    {
      done: connected,
      title: 'Connect a client',
      text: 'Paste the address below into your MCP client, sign in, and ask it what it can do here.',
      link: 'To the address',
      to: '#connect',
    },
    {
      done: key,
      title: 'Make a key, if a program needs one',
      text: 'For CI, scripts and servers: nobody can sign in there.',
      link: 'API keys',
      to: path('/keys'),
    },
  ]
  const count = steps.filter(({ done }) => done).length
  return html`<section class="card" id="first-steps">
    <h2>First steps <span class="soft">${count} of ${steps.length} done</span></h2>
    <ol class="steps">
      ${steps.map(
        ({ done, title, text, link, to }) =>
          html`<li class="${done ? 'done' : ''}">
            <div>
              <p><strong>${title}</strong>${done && html`<span class="unseen"> (done)</span>`}</p>
              ${!done && html`<p class="soft">${text} <a href="${to}">${link}</a></p>`}
            </div>
          </li> `,
      )}
    </ol>
  </section>`
}
