import { html, type Html } from '#base/html.ts'
import type { TenantSummary } from '#tenancy/tenant-search.ts'
import type { UsageCounts } from '#tenancy/usage.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import type { ConsoleDeps } from './deps.ts'
import type { Fields } from './fields.ts'
import { tenantPath } from './frame.ts'
import { dangerOf, seeAsOf } from './operator-tenant-forms.ts'
import { planOf } from './operator-tenant-plan.ts'
import {
  operatorPath,
  type OperatorForm,
  type OperatorPage,
  type OperatorPlace,
  type OperatorSection,
} from './operator-pages.ts'
import { doneNote, head, when } from './parts.ts'
import type { SeeAsCookies } from './see-as.ts'
import { stateChip } from './tenants-page.ts'

const DONE = {
  created: 'The tenant is there. Nobody belongs to it yet.',
  suspended: 'All access of this tenant has ended; its data stays.',
  resumed: 'Its people can work again.',
  doomed: 'It works on until then, and its owners can read when that is.',
  kept: 'It stays.',
  planned: 'Its calls are held to this plan, on every server within a second.',
  stopped: 'You no longer see this tenant as its admin does.',
}

/** One tenant as operators see it: facts and switches, nothing of its data. */
export function operatorTenantSection(
  { registry }: Pick<ConsoleDeps, 'registry'>,
  seeAs: Pick<SeeAsCookies, 'begin' | 'end'>,
): OperatorSection {
  async function summaryOf({ actor, params }: OperatorPlace): Promise<TenantSummary> {
    const slug = params['name'] ?? ''
    const [summary] = (await registry.tenants.search(actor, { slug }, { limit: 1 })).items
    if (summary === undefined) throw new RegistryError('unknown', `there is no tenant ${slug}`)
    return summary
  }

  const page: OperatorPage = {
    path: '/tenants/:name',
    current: '/tenants',
    title: 'Tenant',
    async show(place, view) {
      const summary = await summaryOf(place)
      const tenant = summary.status === 'deleted' ? null : await registry.tenants.get(place.actor, summary.slug)
      const totals = tenant === null ? null : (await registry.usage.report(tenant, place.actor)).totals
      return html`<p class="crumb"><a href="${operatorPath('/tenants')}">Tenants</a></p>
        ${head(summary.name, html`<code>${summary.slug}</code> ${stateChip(summary)}`)} ${doneNote(DONE, view.done)}
        ${totals !== null && numbers(summary, totals)} ${facts(summary, place.now)}
        ${tenant !== null && planOf(place, view, tenant, await registry.plans.list(place.actor))}
        ${tenant !== null && seeAsOf(place, view, summary)} ${tenant !== null && dangerOf(place, view, summary)}`
    },
  }

  /** Runs on the tenant that the path names, and comes back to its page. */
  const form = (
    below: string,
    done: string,
    run: (tenant: Tenant, place: OperatorPlace, fields: Fields) => Promise<unknown>,
  ): OperatorForm => ({
    path: `/tenants/:name/${below}`,
    page,
    async run(place, fields) {
      const tenant = await registry.tenants.get(place.actor, place.params['name'] ?? '')
      await run(tenant, place, fields)
      return operatorPath(`/tenants/${tenant.slug}?done=${done}`)
    },
  })

  const looking: OperatorForm = {
    path: '/tenants/:name/see-as',
    page,
    async run({ actor, params, session }, fields, reply) {
      const tenant = await registry.tenants.get(actor, params['name'] ?? '')
      const look = await registry.seeAs.begin(tenant, actor, session.identity, fields.text('reason'))
      // One at a time: the audit of the other tenant has its end.
      await seeAs.end(reply.request, reply, session, 'left')
      seeAs.begin(reply, session, tenant.slug, look)
      return tenantPath(tenant.slug)
    },
  }

  return {
    pages: [page],
    forms: [
      form('suspend', 'suspended', async (tenant, { actor }, fields) => {
        if (!fields.has('sure')) throw new RegistryError('invalid', 'tick the box to say that you mean it', 'sure')
        await registry.tenants.suspend(tenant, actor, fields.text('suspend_reason'))
      }),
      form('resume', 'resumed', async (tenant, { actor }) => await registry.tenants.resume(tenant, actor)),
      form('delete', 'doomed', async (tenant, { actor }, fields) => {
        await registry.tenants.askDeletion(tenant, actor, fields.text('word'))
      }),
      form('plan', 'planned', async (tenant, { actor }, fields) => {
        const name = fields.text('plan')
        await registry.plans.assign(tenant, actor, name === '' ? null : name)
      }),
      form('keep', 'kept', async (tenant, { actor }) => await registry.tenants.keep(tenant, actor)),
      looking,
    ],
  }
}

const number = (title: string, value: number, more: string): Html =>
  html`<dl class="card stat">
    <dt>${title}</dt>
    <dd>${value.toLocaleString('en')}</dd>
    <dd class="small">${more}</dd>
  </dl>`

const numbers = ({ members, owners, keys, domains }: TenantSummary, { calls, failures }: UsageCounts): Html =>
  html`<div class="cards">
    ${number('People', members, owners === 0 ? 'no owner' : `${owners} ${owners === 1 ? 'owner' : 'owners'}`)}
    ${number('API keys', keys, 'in force')}
    ${number('Calls', calls, `30 days, ${failures.toLocaleString('en')} failed`)}
    ${number('Domains', domains.length, domains.length === 5 ? 'verified, or more' : 'verified')}
  </div>`

const facts = (tenant: TenantSummary, now: number): Html =>
  html`<section class="card">
    <h2>Facts</h2>
    <dl class="facts">
      <dt>Domains</dt>
      <dd>${tenant.domains.length === 0 ? 'none' : tenant.domains.join(', ')}</dd>
      <dt>Last use</dt>
      <dd>${when(tenant.last_used_at, now)}</dd>
      <dt>Created</dt>
      <dd>${when(tenant.created_at, now)}, ${ORIGINS[tenant.origin]}</dd>
      <dt>Placement</dt>
      <dd>${tenant.placement}</dd>
      <dt>Schema version</dt>
      <dd>${tenant.schema_version}</dd>
      ${
        tenant.delete_after !== null &&
        html`<dt>Deleted</dt>
          <dd>${when(tenant.delete_after, now)}</dd>`
      }
    </dl>
  </section>`

const ORIGINS: Readonly<Record<TenantSummary['origin'], string>> = {
  operator: 'by an operator',
  provision: 'by itself, for its domain',
  personal: 'by itself, for one person',
  development: 'for development',
}
