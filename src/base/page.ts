import { createHash } from 'node:crypto'
import { html, htmlText, type Html } from './html.ts'
import { PAGE_LOOK } from './page-look.ts'

export interface DocumentOptions {
  /** Of the window; the heading is the body's own. */
  readonly title: string
  readonly body: Html
  /** `narrow` (default): one question in the middle of the window. `wide`: something to read. */
  readonly width?: 'narrow' | 'wide'
  /** A constant of ours, never made from input: it is allowed by its digest. The page must be usable without it. */
  readonly script?: string
}

/** A page with the headers it must be sent with, so that content and policy cannot differ. */
export interface Document {
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** CSP 3 section 2.3.1: a digest of exactly what stands between the tags. */
const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const STYLE_DIGEST = digest(PAGE_LOOK)

/**
 * No form-action on purpose: Chromium applies it to the whole chain of redirects after a form, and that chain ends at the client's
 * own callback on another origin (D27).
 */
const policy = (script: string | undefined): string =>
  [
    "default-src 'none'",
    `style-src ${STYLE_DIGEST}`,
    ...(script === undefined ? [] : [`script-src ${digest(script)}`]),
    'img-src data:',
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

/** A whole page in the house's style. Everything in it is escaped that `html` did not make; style and script are allowed by digest only. */
export const document = ({ title, body, width = 'narrow', script }: DocumentOptions): Document =>
  documentOf({
    title,
    style: `<style>${PAGE_LOOK}</style>`,
    body: html`<main class="${width}">${BRAND} ${body}</main>`,
    script: script === undefined ? '' : `<script>${script}</script>`,
    policy: policy(script),
  })

export interface BareDocument {
  readonly title: string
  /** What the head holds for the look: markup of ours, never from input. */
  readonly style: string
  readonly body: Html
  /** At the end of the body: markup of ours, never from input. */
  readonly script: string
  readonly policy: string
  /** Of the body element. */
  readonly className?: string
}

/** The same with a look, a layout and a policy of the caller's: for pages that are more than one card. */
export function documentOf({ title, style, body, script, policy, className = '' }: BareDocument): Document {
  const head = html`<meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title}</title>`
  const attributes = html`${className !== '' && html` class="${className}"`}`
  return {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      // Under no-referrer a browser posts a form with `Origin: null`, which the door must refuse. Other sites are told nothing.
      'referrer-policy': 'same-origin',
    },
    text: `<!doctype html>
<html lang="en">
<head>
${htmlText(head)}
${style}
</head>
<body${htmlText(attributes)}>
${htmlText(body)}
${script}</body>
</html>
`,
  }
}

/** A gate between two towers; drawn in the colour of the text. */
export const MARK = html`<svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
  <path fill="currentColor" d="M2 2h2v2h1V2h2v4h6V2h2v2h1V2h2v16h-5v-5a3 3 0 0 0-6 0v5H2z" />
</svg>`

const BRAND = html`<p class="brand">${MARK}Gatehouse</p>`
