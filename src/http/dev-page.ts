import { people } from './dev-people.ts'
import { escapeHtml } from './html.ts'

/**
 * No form-action on purpose: Chromium applies it to the whole chain of redirects after a form, and that chain ends at the client's
 * own callback on another origin.
 */
export const DEV_PAGE_CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

const STYLE = `
  :root { color-scheme: light dark; --ink: #1b2130; --soft: #5b6478; --line: #d9dde6; --paper: #fff; --ground: #f3f5f9; --mark: #2f5bea }
  @media (prefers-color-scheme: dark) { :root { --ink: #e9ecf4; --soft: #a2abbf; --line: #343c4d; --paper: #1c2230; --ground: #12161f; --mark: #8ba6ff } }
  * { box-sizing: border-box }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--ground); color: var(--ink);
    font: 16px/1.5 system-ui, sans-serif }
  main { width: 100%; max-width: 26rem; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: 14px }
  h1 { margin: 0; font-size: 1.35rem; line-height: 1.3 }
  p { margin: .5rem 0 1.25rem; color: var(--soft) }
  p:last-child { margin: 1.25rem 0 0; font-size: .85rem }
  code { color: var(--ink); overflow-wrap: anywhere }
  form { display: grid; gap: .6rem }
  button { display: grid; gap: .1rem; width: 100%; padding: .8rem 1rem; text-align: left; font: inherit; color: inherit;
    background: none; border: 1px solid var(--line); border-radius: 10px; cursor: pointer }
  button:hover { border-color: var(--mark) }
  button:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px }
  button strong { font-weight: 600 }
  button span { color: var(--soft); font-size: .9rem }`

const page = (title: string, content: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - Gatehouse development</title>
<style>${STYLE}
</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`

/** Who do you want to be? One button per person; works without JavaScript. */
export function accountPage(action: string, redirectUri: string): string {
  const buttons = [...people.values()].map(
    ({ sub, name, email, note }) =>
      `<button name="account" value="${sub}"><strong>${escapeHtml(name)}</strong><span>${escapeHtml(email)} &middot; ${escapeHtml(note)}</span></button>`,
  )
  return page(
    'Sign in',
    `<h1>Who do you want to be?</h1>
<p>You will be sent back to <code>${escapeHtml(new URL(redirectUri).host || redirectUri)}</code>.</p>
<form method="post" action="${escapeHtml(action)}">
${buttons.join('\n')}
</form>
<p>Development sign-in: it exists on this machine only, and ends when you configure a real provider.</p>`,
  )
}

export const devErrorPage = (message: string): string =>
  page(
    'Sign-in failed',
    `<h1>Sign-in did not work</h1>
<p>${escapeHtml(message)}</p>
<p>Go back to your MCP client and start the sign-in there again.</p>`,
  )
