import { html, type Html } from '#base/html.ts'
import type { ConsoleDeps } from './deps.ts'
import { tenantPath, type Strip } from './frame.ts'
import { doneNote, head, utc, when } from './parts.ts'
import { facts, limits } from './settings-facts.ts'
import { dangerOf, exportForm, nameForm, switchesForm } from './settings-forms.ts'
import { namesTicked, toolsForm } from './settings-tools.ts'
import type { Place, TenantForm, TenantPage, TenantSection } from './tenant-pages.ts'

const DONE = {
  name: 'That is its name from now on.',
  switches: 'It holds everywhere within a second.',
  tools: 'Everybody here has these tools from now on, within a second.',
  asked: 'Everybody in it can see when it is deleted.',
  kept: 'It stays.',
}

/** What an organisation is called and may do, its data as a file, and its end. Everybody may read it; owners change it. */
export function settingsSection({ registry, desk }: Pick<ConsoleDeps, 'registry' | 'desk'>): TenantSection {
  const { tenants, domains, tools } = registry
  const page: TenantPage = {
    path: '/settings',
    title: 'Settings',
    scope: null,
    async show(place, view) {
      const { tenant, actor } = place
      const [record, claimed] = [await tenants.show(actor, tenant.slug), await domains.list(tenant, actor)]
      const owner = place.may('tenant:owner')
      const admin = place.may('tenant:admin')
      return html`${head('Settings', lead(place))} ${doneNote(DONE, view.done)}
      ${admin && nameForm(place, view, record)} ${facts(place, record, claimed)}
      ${owner && switchesForm(place, view, record)} ${admin && toolsForm(place, view, await tools.list(tenant, actor))}
      ${limits(place.tenant, desk.limits)} ${owner && exportForm(place, view)}
      ${dangerOf(place, view, record, tenants.deleteDays)}`
    },
  }
  const form = (below: string, scope: string, fresh: boolean, run: TenantForm['run']): TenantForm => ({
    path: `/settings/${below}`,
    page,
    scope,
    fresh,
    run,
  })
  return {
    pages: [page],
    forms: [
      form('name', 'tenant:admin', false, async ({ tenant, actor }, fields) => {
        await tenants.rename(tenant, actor, fields.text('name'))
        return '/settings?done=name'
      }),
      form('switches', 'tenant:owner', true, async ({ tenant, actor }, fields) => {
        const input = { mcp_admin: fields.has('mcp_admin'), operator_access: fields.has('operator_access') }
        await tenants.setSettings(tenant, actor, input)
        return '/settings?done=switches'
      }),
      form('tools', 'tenant:admin', false, async ({ tenant, actor }, fields) => {
        await tools.set(tenant, actor, namesTicked(fields))
        return '/settings?done=tools'
      }),
      form('export', 'tenant:owner', true, async ({ tenant, actor, now }) => ({
        headers: {
          'content-type': 'application/gzip',
          'content-disposition': `attachment; filename="${tenant.slug}-${utc(now).slice(0, 10)}.tar.gz"`,
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
        },
        body: await desk.archive.exportTenant(tenant, actor),
      })),
      form('delete', 'tenant:owner', true, async ({ tenant, actor }, fields) => {
        await tenants.askDeletion(tenant, actor, fields.text('word'))
        return '/settings?done=asked'
      }),
      form('keep', 'tenant:owner', true, async ({ tenant, actor }) => {
        await tenants.keep(tenant, actor)
        return '/settings?done=kept'
      }),
    ],
  }
}

const lead = (place: Place): string =>
  place.may('tenant:owner')
    ? 'What this organisation is called, what may be done in it, and how it ends.'
    : 'How this organisation is set. Owners change it.'

/** On every page of an organisation that is to be deleted: when, and where that is taken back. */
export const deletionStrips = async ({ tenant, now }: Pick<Place, 'tenant' | 'now'>): Promise<readonly Strip[]> =>
  tenant.deleteAfter === null ? [] : [{ tone: 'bad', body: deletionStrip(tenant.slug, tenant.deleteAfter, now) }]

const deletionStrip = (slug: string, after: string, now: number): Html =>
  html`<strong>This organisation is to be deleted</strong> ${when(after, now)}, with everything in it.
    <a href="${tenantPath(slug)}/settings#danger">See more</a>`
