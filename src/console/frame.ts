import { html, type Html } from '#base/html.ts'
import { MARK, documentOf, type Document } from '#base/page.ts'
import type { PersonTenant } from '#tenancy/person-tenants.ts'
import { SCRIPT_URL, STYLE_URL } from './assets.ts'
import type { ConsoleSession } from './console-session.ts'
import { FORM_TOKEN } from './form-token.ts'
import { ICONS } from './icons.ts'

/** Nothing inline, nothing from elsewhere. Forms go to ourselves: the way to a provider begins on the login page, which has its own policy. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** A page that the bar beside leads to. */
interface Way {
  /** Below `/console/t/{slug}`. */
  readonly path: string
  readonly label: string
  readonly icon: Html
  /** Shown to those who have it; null: everybody. */
  readonly scope: string | null
}

const WAYS: readonly Way[] = [
  { path: '', label: 'Overview', icon: ICONS.overview, scope: null },
  { path: '/domains', label: 'Domains', icon: ICONS.domains, scope: 'tenant:admin' },
  { path: '/people', label: 'People', icon: ICONS.people, scope: null },
  { path: '/keys', label: 'API keys', icon: ICONS.keys, scope: null },
  { path: '/audit', label: 'Audit log', icon: ICONS.audit, scope: 'audit:read' },
  { path: '/usage', label: 'Usage', icon: ICONS.usage, scope: null },
  { path: '/settings', label: 'Settings', icon: ICONS.settings, scope: null },
]

/** Where operators work (D3), beside whatever page they are on. */
export const OPERATOR_WAYS: NonNullable<Frame['more']> = {
  title: 'Operator',
  ways: [
    { path: '/console/operator/tenants', label: 'Tenants', icon: ICONS.tenants },
    { path: '/console/operator/claims', label: 'Domain claims', icon: ICONS.domains },
    { path: '/console/operator/providers', label: 'Providers', icon: ICONS.providers },
    { path: '/console/operator/migrations', label: 'Migrations', icon: ICONS.migrations },
  ],
}

/** One thing at the top of a page, told by its first word and its colour. */
export interface Strip {
  readonly tone: 'warn' | 'bad'
  readonly body: Html
}

export interface Frame {
  /** Of the window, and of the page that is open for screen readers. */
  readonly title: string
  readonly session: Pick<ConsoleSession, 'identity' | 'csrf'>
  /** Where the person is; null: in no tenant (account, operator pages). */
  readonly tenant: { readonly slug: string; readonly name: string; readonly scopes: ReadonlySet<string> } | null
  /** All tenants of the person, to change between them. */
  readonly tenants: readonly PersonTenant[]
  /** Path of the page that is open, as the ways have it. */
  readonly current: string
  /** More ways, under a heading of their own: whole paths. */
  readonly more?: { readonly title: string; readonly ways: readonly Omit<Way, 'scope'>[] } | null
  readonly strips?: readonly Strip[]
  readonly body: Html
}

export const tenantPath = (slug: string): string => `/console/t/${slug}`

/** A page of the console with all that stands around it. */
export function framed({ title, session, tenant, tenants, current, more = null, strips = [], body }: Frame): Document {
  const ways = tenant === null ? [] : WAYS.filter(({ scope }) => scope === null || tenant.scopes.has(scope))
  const alone = ways.length === 0 && more === null
  const side = html`<nav class="side" aria-label="Console">
    ${
      tenant !== null &&
      ways.map(({ path, label, icon }) => way(`${tenantPath(tenant.slug)}${path}`, label, icon, path === current))
    }
    ${
      more !== null &&
      html`<h2>${more.title}</h2>
        ${more.ways.map(({ path, label, icon }) => way(path, label, icon, path === current))}`
    }
  </nav>`
  return documentOf({
    title: `${title} - ${tenant?.name ?? 'Gatehouse console'}`,
    className: 'console',
    style: `<link rel="stylesheet" href="${STYLE_URL}">`,
    script: `<script src="${SCRIPT_URL}"></script>\n`,
    policy: POLICY,
    body: html`<a class="skip" href="#page">Skip to the page</a>
      <header class="top">
        <p class="brand">
          <a href="/console" aria-label="Gatehouse console">${MARK}<span class="name">Gatehouse</span></a>
        </p>
        ${(tenant !== null || tenants.length > 0) && tenantMenu(tenant, tenants)} ${accountMenu(session)}
      </header>
      ${
        strips.length > 0 &&
        html`<aside aria-label="Notices">
          ${strips.map((strip) => html`<div class="strip ${strip.tone}">${strip.body}</div>`)}
        </aside>`
      }
      <div class="shell ${alone && 'alone'}">
        ${!alone && side}
        <main id="page" tabindex="-1">${body}</main>
      </div>
      <p id="said" class="unseen" role="status" aria-live="polite"></p>`,
  })
}

const way = (href: string, label: string, icon: Html, open: boolean): Html =>
  html`<a href="${href}" ${open && html`aria-current="page"`}>${icon}${label}</a> `

const tenantMenu = (tenant: Frame['tenant'], tenants: readonly PersonTenant[]): Html =>
  html`<details class="menu">
    <summary>${tenant?.name ?? 'Organisations'}</summary>
    <div>
      ${tenants
        .filter(({ status }) => status === 'active')
        .map(
          ({ slug, name }) =>
            html`<a href="${tenantPath(slug)}" ${slug === tenant?.slug && html`aria-current="true"`}>${name}</a> `,
        )}
      <a href="/console/account">All organisations and your account</a>
    </div>
  </details>`

const accountMenu = ({ identity, csrf }: Frame['session']): Html =>
  html`<details class="menu account">
    <summary>${identity.name ?? identity.email ?? 'Account'}</summary>
    <div>
      ${identity.email !== null && html`<p class="small">${identity.email}</p>`}
      <a href="/console/account">Your account</a>
      <form method="post" action="/console/logout">${formToken(csrf)}<button>Sign out</button></form>
    </div>
  </details>`

/** The field without which no form of the console is taken (D31). */
export const formToken = (csrf: string): Html => html`<input type="hidden" name="${FORM_TOKEN}" value="${csrf}" />`
