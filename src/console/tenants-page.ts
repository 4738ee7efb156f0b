import { html, type Html } from '#base/html.ts'
import { foundTenant } from '#tenancy/founding.ts'
import { isUuid } from '#base/id.ts'
import type { TenantSummary } from '#tenancy/tenant-search.ts'
import type { ConsoleDeps } from './deps.ts'
import { formToken } from './frame.ts'
import {
  operatorPath,
  type OperatorForm,
  type OperatorPage,
  type OperatorPlace,
  type OperatorSection,
} from './operator-pages.ts'
import { chip, copyLine, empty, freshHint, head, input, pages, problemNote, select, when } from './parts.ts'
import type { View } from './tenant-pages.ts'

/** Tenants on one page. */
const PAGE = 25
const STATUSES = ['active', 'suspended', 'deleted'] as const

const statusOf = (text: string): TenantSummary['status'] | undefined => STATUSES.find((status) => status === text)

/** All tenants, found by slug, name or domain, and a new one. */
export function tenantsSection({ registry }: Pick<ConsoleDeps, 'registry'>): OperatorSection {
  const list: OperatorPage = {
    path: '/tenants',
    title: 'Tenants',
    async show({ actor, now }, { query }) {
      const [text, status, after] = [query.text('q').slice(0, 200), statusOf(query.text('status')), query.text('after')]
      const found = await registry.tenants.search(
        actor,
        { text, ...(status === undefined ? {} : { status }) },
        // A mistyped cursor is the first page.
        { limit: PAGE, ...(isUuid(after) ? { after } : {}) },
      )
      const waiting = (await registry.claims.waiting(actor)).length
      const filtered = text !== '' || status !== undefined
      const link = (more: Record<string, string>): string =>
        `${operatorPath('/tenants')}?${new URLSearchParams({ ...(text === '' ? {} : { q: text }), ...(status === undefined ? {} : { status }), ...more }).toString()}`
      return html`${head(
        'Tenants',
        'Every organisation on this server, the newest first.',
        html`<a class="button primary" href="${operatorPath('/new-tenant')}">New tenant</a>`,
      )}
      ${
        waiting > 0 &&
        html`<div class="note warn">
          <p>
            <strong>${waiting} domain ${waiting === 1 ? 'claim waits' : 'claims wait'}.</strong>
            <a href="${operatorPath('/claims')}">Decide</a>
          </p>
        </div>`
      }
      ${filters(text, status)} ${found.items.length === 0 ? nothing(filtered) : table(found.items, now)}
      ${pages(isUuid(after) ? link({}) : null, found.next === null ? null : link({ after: found.next }))}`
    },
  }

  const create: OperatorPage = {
    path: '/new-tenant',
    current: '/tenants',
    title: 'New tenant',
    show: async (place, view) => newTenant(place, view),
  }

  const creating: OperatorForm = {
    path: '/new-tenant',
    page: create,
    async run({ actor }, fields) {
      const [slug, name, owner] = [fields.text('slug'), fields.text('name'), fields.text('owner')]
      const { tenant, invitation } = await foundTenant(registry, actor, {
        slug,
        ...(name === '' ? {} : { name }),
        owner: owner === '' ? null : owner,
      })
      const to = operatorPath(`/tenants/${tenant.slug}`)
      if (invitation === null) return `${to}?done=created`
      return {
        title: 'Tenant created',
        body: html`${head(`${tenant.name} is ready`, 'Hand this link to its first owner. It is shown this once.')}
          <section class="card">
            <h2>Invitation of ${invitation.email}</h2>
            ${copyLine('invitation', 'Link', invitation.link)}
            <p>
              Only who signs in with this address, verified, can accept it, and only until
              ${invitation.expires_at.slice(0, 10)}.
            </p>
            <div class="actions"><a class="button primary" href="${to}">To the tenant</a></div>
          </section>`,
      }
    },
  }

  return { pages: [list, create], forms: [creating] }
}

const filters = (text: string, status: string | undefined): Html =>
  html`<form class="filters" method="get" role="search">
    ${input({ name: 'q', label: 'Slug, name or domain', value: text, type: 'search', maxlength: 200 })}
    ${select({
      name: 'status',
      label: 'State',
      value: status ?? '',
      options: [
        ['', 'All but deleted'],
        ['active', 'Active'],
        ['suspended', 'Suspended'],
        ['deleted', 'Deleted'],
      ],
    })}
    <button>Search</button>
  </form>`

const nothing = (filtered: boolean): Html =>
  filtered
    ? empty(
        'Nothing found',
        'No tenant has this in its slug, name or domains.',
        html`<a class="button" href="${operatorPath('/tenants')}">All tenants</a>`,
      )
    : empty(
        'No tenants yet',
        'Make the first one, and invite its owner.',
        html`<a class="button primary" href="${operatorPath('/new-tenant')}">New tenant</a>`,
      )

/** A tenant's state as a word. */
export function stateChip({ status, delete_after }: Pick<TenantSummary, 'status' | 'delete_after'>): Html {
  if (status === 'deleted') return chip('', 'deleted')
  if (delete_after !== null) return chip('bad', 'to be deleted')
  return status === 'active' ? chip('good', 'active') : chip('warn', 'suspended')
}

const table = (items: readonly TenantSummary[], now: number): Html =>
  html`<section class="card">
    <div class="scroll" tabindex="0" role="region" aria-label="Tenants">
      <table class="full">
        <thead>
          <tr>
            <th scope="col">Tenant</th>
            <th scope="col">State</th>
            <th scope="col" class="roomy">Domains</th>
            <th scope="col" class="right roomy">People</th>
            <th scope="col" class="roomy">Last use</th>
            <th scope="col" class="roomy">Created</th>
          </tr>
        </thead>
        <tbody>
          ${items.map(
            (tenant) =>
              html`<tr>
                <th scope="row" class="thing">
                  <a href="${operatorPath(`/tenants/${tenant.slug}`)}">${tenant.name}</a>
                  <div class="small mono">${tenant.slug}</div>
                </th>
                <td>${stateChip(tenant)}</td>
                <td class="roomy">${domainWords(tenant)}</td>
                <td class="right roomy">${tenant.members}</td>
                <td class="roomy">${when(tenant.last_used_at, now)}</td>
                <td class="roomy">${when(tenant.created_at, now)}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </section>`

function domainWords({ domains: [first, ...more] }: TenantSummary): Html {
  if (first === undefined) return html`<span class="soft">none</span>`
  return html`${first}${more.length > 0 && html` <span class="small nowrap">and more</span>`}`
}

const newTenant = ({ csrf, session }: OperatorPlace, { values, problem }: View): Html =>
  html`<p class="crumb"><a href="${operatorPath('/tenants')}">Tenants</a></p>
    ${head('New tenant', 'An empty organisation with a schema of its own.')}
    <section class="card">
      ${problemNote(problem)}
      <form method="post" action="${operatorPath('/new-tenant')}">
        ${formToken(csrf)}
        ${input({
          name: 'slug',
          label: 'Slug',
          value: values.text('slug'),
          hint: 'A letter a-z, then a-z 0-9 _, at most 41 characters. It is part of addresses, and is never renamed or used again.',
          problem,
          required: true,
          maxlength: 41,
        })}
        ${input({ name: 'name', label: 'Name', value: values.text('name'), hint: 'What people read; can be changed. Empty: the slug.', problem, maxlength: 200 })}
        ${input({
          name: 'owner',
          label: 'First owner',
          type: 'email',
          value: values.text('owner'),
          hint: 'You get a link to hand over: who signs in with this address and accepts becomes the owner. Empty: nobody yet.',
          problem,
          maxlength: 320,
        })}
        ${freshHint(session)}
        <div class="actions">
          <button class="primary">Create tenant</button><a class="button" href="${operatorPath('/tenants')}">Cancel</a>
        </div>
      </form>
    </section>`
