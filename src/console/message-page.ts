import { html } from '#base/html.ts'
import { document, type Document } from '#base/page.ts'
import type { Refusal, RefusalCode } from '#base/refusal.ts'
import type { RegistryError, RegistryErrorCode } from '#tenancy/registry-error.ts'

/** What the registry would not do, where there is no form to say it on. */
export function registryPage({ code, message }: RegistryError, requestId: string): Document {
  const title = TITLES[code] ?? 'That did not work'
  return told(title, `${message.charAt(0).toUpperCase()}${message.slice(1)}.`, requestId)
}

const TITLES: Partial<Record<RegistryErrorCode, string>> = {
  unknown: 'There is no such thing here',
  forbidden: 'Your role does not open this page',
}

/** A refusal as a page of the console: fixed words, never what a provider or a caller wrote (B7, B18). */
export function messagePage({ code, description }: Refusal, requestId: string): Document {
  const { title, text } = WORDS[code] ?? { title: 'That did not work', text: description }
  return told(title, text, requestId)
}

const told = (title: string, text: string, requestId: string): Document =>
  document({
    title: `${title} - Gatehouse console`,
    body: html`<h1>${title}</h1>
      <p class="lead">${text}</p>
      <p><a class="button" href="/console">To the console</a></p>
      <footer>Request ${requestId}</footer>`,
  })

const LOST = {
  title: 'This sign-in cannot be finished',
  text: 'It was not begun in this browser, took longer than ten minutes, or was finished already. Start again.',
}
const UNAVAILABLE = {
  title: 'Not available right now',
  text: 'Something that is needed does not answer. Try again shortly.',
}

const NOT_OPEN = {
  title: 'This organisation is not open to you',
  text: 'There is none at this address, or you do not belong to it.',
}

const WORDS: Partial<Record<RefusalCode, { readonly title: string; readonly text: string }>> = {
  sign_in_lost: LOST,
  grant_invalid: LOST,
  sign_in_denied: {
    title: 'You were not signed in',
    text: 'The provider or you yourself said no. Nothing was changed.',
  },
  origin_refused: {
    title: 'This form was not sent from the console',
    text: 'Nothing was changed. Open the console and try there; if you signed in again meanwhile, the old page is no longer good.',
  },
  // The same for a stranger whether it exists or not (D13).
  tenant_unknown: NOT_OPEN,
  tenant_foreign: NOT_OPEN,
  member_removed: { title: 'You do not belong here any more', text: 'An administrator can invite you again.' },
  evidence_missing: {
    title: 'This sign-in does not show that you belong here',
    text: 'Sign out, and sign in with the account of your company.',
  },
  join_by_request: {
    title: 'You asked to join',
    text: 'An administrator has to let you in. Try again when they have.',
  },
  tenant_suspended: {
    title: 'This organisation is suspended',
    text: 'Nobody gets in at present. Ask the people who run this server.',
  },
  operator_unknown: {
    title: 'This page is for the people who run this server',
    text: 'To look after your organisation, open the console.',
  },
  person_blocked: { title: 'This account is blocked', text: 'Ask the people who run this server.' },
  token_revoked: {
    title: 'Your access was ended',
    text: 'Sign in again; if that does not help, ask your administrator.',
  },
  rate_limited: { title: 'Too many requests', text: 'Wait a minute and try again.' },
  not_found: { title: 'There is no such page', text: 'The address may be mistyped.' },
  provider_unavailable: UNAVAILABLE,
  database_unavailable: UNAVAILABLE,
}
