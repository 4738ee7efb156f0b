import { html, type Html } from '#base/html.ts'
import type { Document } from '#base/page.ts'
import type { RefusalCode } from '#base/refusal.ts'
import { userId } from '#identity/identity.ts'
import type { PersonTenant } from '#tenancy/person-tenants.ts'
import type { ConsoleSession } from './console-session.ts'
import { formToken, framed, OPERATOR_WAYS, tenantPath } from './frame.ts'
import { chip, head, utc } from './parts.ts'

/** Who you are, where you belong, and the way out. */
export function accountPage(session: ConsoleSession, tenants: readonly PersonTenant[], operator: boolean): Document {
  const { identity, principal, refusal, csrf } = session
  const form = (action: string, button: Html): Html =>
    html`<form method="post" action="${action}">${formToken(csrf)}${button}</form>`
  return framed({
    title: 'Your account',
    session,
    tenant: null,
    tenants,
    current: '/console/account',
    more: operator ? OPERATOR_WAYS : null,
    body: html`${head(identity.name ?? identity.email ?? 'Signed in', 'Who you are here, and where you belong.')}
      <section class="card">
        <h2>You</h2>
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
          <dd>
            <time datetime="${new Date(session.session.signed_in).toISOString()}"
              >${utc(session.session.signed_in)}</time
            >
          </dd>
        </dl>
      </section>
      <section class="card">
        <h2>Your organisations</h2>
        ${refusal !== null && outside(refusal.code)} ${tenants.length > 0 && table(tenants)}
      </section>
      ${
        principal !== null &&
        html`<section class="card">
          <h2>What you may do in ${principal.tenant.name}</h2>
          <ul class="chips">
            ${[...principal.scopes].sort().map((scope) => html`<li>${scope}</li> `)}
          </ul>
        </section>`
      }
      <section class="card">
        <h2>Sign out</h2>
        <p>Lost a computer? Signing out everywhere ends your console sessions in every browser, this one too.</p>
        <div class="actions">
          ${form('/console/logout', html`<button class="primary">Sign out</button>`)}
          ${form('/console/logout-everywhere', html`<button class="danger">Sign out everywhere</button>`)}
        </div>
      </section>`,
  })
}

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
              <td>
                ${status === 'active' ? html`<a href="${tenantPath(slug)}"><strong>${name}</strong></a>` : html`<strong>${name}</strong>`}
                <span class="small">${slug}${home && ', home'}</span>
              </td>
              <td>${status === 'requested' ? '' : role}</td>
              <td>${STATES[status]}</td>
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`

const STATES = {
  active: chip('good', 'active'),
  requested: chip('warn', 'waiting for approval'),
  suspended: chip('bad', 'suspended'),
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
