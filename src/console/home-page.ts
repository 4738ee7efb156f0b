import { html, type Html } from '#base/html.ts'
import { document, type Document } from '#base/page.ts'
import type { RefusalCode } from '#base/refusal.ts'
import { userId } from '#identity/identity.ts'
import type { PersonTenant } from '#tenancy/person-tenants.ts'
import type { ConsoleSession } from './console-session.ts'
import { FORM_TOKEN } from './form-token.ts'

/** Who you are, where you belong, and the way out. */
export function homePage(
  { session, identity, principal, refusal, csrf }: ConsoleSession,
  tenants: readonly PersonTenant[],
): Document {
  const form = (action: string, button: Html): Html =>
    html`<form method="post" action="${action}">
      <input type="hidden" name="${FORM_TOKEN}" value="${csrf}" />${button}
    </form>`
  return document({
    title: 'Gatehouse console',
    width: 'wide',
    body: html`<h1>${identity.name ?? identity.email ?? 'Signed in'}</h1>
      <dl class="facts">
        ${
          identity.email !== null &&
          html`<dt>Email</dt>
            <dd>${identity.email}</dd>`
        }
        <dt>Signed in with</dt>
        <dd>${identity.provider}</dd>
        <dt>User id</dt>
        <dd><code>${userId(identity)}</code></dd>
        <dt>Since</dt>
        <dd><time datetime="${new Date(session.signed_in).toISOString()}">${utc(session.signed_in)}</time></dd>
      </dl>
      <h2>Your organisations</h2>
      ${refusal !== null && outside(refusal.code)} ${tenants.length > 0 && table(tenants)}
      ${
        principal !== null &&
        html`<h2>What you may do in ${principal.tenant.name}</h2>
          <ul class="chips">
            ${[...principal.scopes].sort().map((scope) => html`<li>${scope}</li> `)}
          </ul>`
      }
      <h2>Sign out</h2>
      ${form('/console/logout', html`<button class="primary">Sign out</button>`)}
      <p class="small">Lost a computer? This ends your console sessions in every browser, this one too.</p>
      ${form('/console/logout-everywhere', html`<button class="danger">Sign out everywhere</button>`)}`,
  })
}

const utc = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

const table = (tenants: readonly PersonTenant[]): Html =>
  html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th scope="col">Organisation</th>
          <th scope="col">Your role</th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        ${tenants.map(
          ({ slug, name, role, status, home }) =>
            html`<tr>
              <td><strong>${name}</strong> <span class="small">${slug}${home && ', home'}</span></td>
              <td>${status === 'requested' ? '' : role}</td>
              <td>${STATES[status]}</td>
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`

const STATES = {
  active: html`<span class="chip good">active</span>`,
  requested: html`<span class="chip warn">waiting for approval</span>`,
  suspended: html`<span class="chip bad">suspended</span>`,
} as const

/** A person who proved who they are is told why nothing is open to them: what they can do about it differs. */
const outside = (code: RefusalCode): Html =>
  html`<div class="note warn">
    <p><strong>No organisation is open to you at present.</strong> ${REASONS[code] ?? 'Ask your administrator.'}</p>
  </div>`

const REASONS: Partial<Record<RefusalCode, string>> = {
  tenant_unknown: 'None is known for your account. Ask your administrator for an invitation.',
  tenant_suspended: 'It is suspended. Ask the people who run this server.',
  member_removed: 'You were removed from it. Ask its administrator.',
  evidence_missing: 'Your sign-in no longer shows that you belong to it: sign in with the account of your company.',
  join_by_request: 'You asked to join; an administrator has to approve.',
}
