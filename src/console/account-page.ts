import { html, type Html } from '#base/html.ts'
import type { Document } from '#base/page.ts'
import type { RefusalCode } from '#base/refusal.ts'
import { userId } from '#identity/identity.ts'
import type { PersonTenant } from '#tenancy/person-tenants.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import type { ConsoleSession } from './console-session.ts'
import { formToken, framed, OPERATOR_WAYS, tenantPath } from './frame.ts'
import { chip, doneNote, freshHint, head, problemNote, sure, utc } from './parts.ts'
import type { Problem } from './tenant-pages.ts'

/** Who you are, where you belong, and the way out. */
export function accountPage(
  session: ConsoleSession,
  tenants: readonly PersonTenant[],
  { operator, done }: { readonly operator: boolean; readonly done: string | null },
): Document {
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
      ${doneNote(DONE, done)}
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
        ${refusal !== null && outside(refusal.code)} ${tenants.length > 0 && list(tenants, csrf)}
        <p class="small">
          Home is where the address <code>/mcp</code> leads your clients. An invitation is opened
          <a href="/console/invitation">by its link</a>.
        </p>
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
        <p>Signing out everywhere ends your console sessions in every browser, this one too.</p>
        <div class="actions">
          ${form('/console/logout', html`<button class="primary">Sign out</button>`)}
          ${form('/console/logout-everywhere', html`<button class="danger">Sign out everywhere</button>`)}
        </div>
        <h3>Your clients</h3>
        <p>
          Lost a computer? Every token you hold is refused from now on, in all your organisations: Claude, Cursor and
          the rest must sign in again, and you are signed out everywhere. API keys you made keep working.
        </p>
        <div class="actions">
          ${form('/console/account/sign-out-clients', html`<button class="danger">Sign out my clients</button>`)}
        </div>
      </section>`,
  })
}

const DONE = {
  home: 'Your home is changed: the plain address leads there from now on.',
  left: 'You left. Come back by an invitation of its administrators.',
}

const list = (tenants: readonly PersonTenant[], csrf: string): Html =>
  html`<ul class="list">
    ${tenants.map(
      ({ slug, name, role, status, home }) =>
        html`<li>
          <div>
            ${status === 'active' ? html`<a href="${tenantPath(slug)}"><strong>${name}</strong></a>` : html`<strong>${name}</strong>`}
            <div class="small">${slug}${home && ', home'}</div>
          </div>
          <div class="state">${status !== 'requested' && html`<span>${role}</span>`} ${STATES[status]}</div>
          ${status === 'active' && acts({ slug, name, home }, csrf)}
        </li> `,
    )}
  </ul>`

const acts = ({ slug, name, home }: Pick<PersonTenant, 'slug' | 'name' | 'home'>, csrf: string): Html =>
  html`<div class="row end">
    ${
      !home &&
      html`<form method="post" action="/console/account/home">
        ${formToken(csrf)}<input type="hidden" name="organisation" value="${slug}" />
        <button class="tiny" aria-label="Make home: ${name}">Make home</button>
      </form>`
    }
    <a class="button tiny" href="/console/account/leave?organisation=${slug}" aria-label="Leave ${name}">Leave</a>
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

/** Asked once more, on a page of its own: only an administrator can bring somebody back. */
export const leavePage = (
  session: ConsoleSession,
  tenants: readonly PersonTenant[],
  { slug, name }: Pick<Tenant, 'slug' | 'name'>,
  problem: Problem | null,
): Document =>
  framed({
    title: `Leave ${name}`,
    session,
    tenant: null,
    tenants,
    current: '/console/account',
    body: html`<p class="crumb"><a href="/console/account">Your account</a></p>
      ${head(`Leave ${name}?`, 'You lose access to everything in it within a second, and the API keys you made there stop.')}
      ${problemNote(problem)}
      <section class="card danger">
        <p>What you made in its tools stays. Signing in again does not bring you back: only an invitation does.</p>
        <form method="post" action="/console/account/leave">
          ${formToken(session.csrf)}<input type="hidden" name="organisation" value="${slug}" />
          ${sure(`Yes, I want to lose access to ${name}`, problem)} ${freshHint(session)}
          <div class="actions">
            <button class="danger">Leave ${name}</button>
            <a class="button" href="/console/account">Stay</a>
          </div>
        </form>
      </section>`,
  })
