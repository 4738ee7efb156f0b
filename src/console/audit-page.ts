import { html, type Html } from '#base/html.ts'
import type { AuditPage } from '#tenancy/audit-desk.ts'
import { AUDIT_FORMATS } from '#tenancy/audit-export.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import { entryItem } from './audit-entry.ts'
import {
  addressOf,
  filterChips,
  filterForm,
  filtersOf,
  hiddenFilters,
  queryOf,
  shortcuts,
  type AuditFilters,
} from './audit-filters.ts'
import type { ConsoleDeps } from './deps.ts'
import { formToken } from './frame.ts'
import { empty, head, pages, problemNote } from './parts.ts'
import type { Place, Problem, TenantForm, TenantPage, TenantSection } from './tenant-pages.ts'

const PATH = '/audit'
const PAGE = 50

/** What happened in the organisation: filters that stand in the address, entries that open, the whole of it as a file. */
export function auditSection({ registry, auditDays }: Pick<ConsoleDeps, 'registry' | 'auditDays'>): TenantSection {
  const page: TenantPage = {
    path: PATH,
    title: 'Audit log',
    scope: 'audit:read',
    async show(place, { query, values, problem }) {
      // Of an export that was refused the filters stand in its form.
      const asked = problem === null ? query : values
      const filters = filtersOf(asked)
      const after = asked.text('after')
      const found = problem === null ? await look(place, filters, after) : problem
      const wrong = 'items' in found ? null : found
      const list = place.path(PATH)
      return html`${head(
        'Audit log',
        html`Who did what in ${place.tenant.name}: tool calls, refused requests, and changes by admins. Entries are kept
        for ${auditDays} days. Reading this log is recorded in it.`,
        exportForm(place, filters),
      )}
      ${shortcuts(list, filters, place.now)} ${problemNote(wrong)} ${filterForm(list, filters, wrong)}
      ${filterChips(list, filters)} ${'items' in found && entries(place, found, filters, after)}`
    },
  }

  async function look({ tenant, actor }: Place, filters: AuditFilters, after: string): Promise<AuditPage | Problem> {
    try {
      const from = after === '' ? {} : { after }
      return await registry.audit.list(tenant, actor, queryOf(filters), { limit: PAGE, ...from })
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'invalid') throw error
      return { form: PATH, message: error.message, field: error.field === 'cursor' ? null : error.field }
    }
  }

  const form: TenantForm = {
    path: `${PATH}/export`,
    page,
    scope: 'audit:read',
    fresh: true,
    async run({ tenant, actor }, fields) {
      const wanted = fields.text('format')
      const format = AUDIT_FORMATS.find((each) => each === wanted)
      if (format === undefined) throw new RegistryError('invalid', 'an export is csv or ndjson')
      const made = await registry.audit.export(tenant, actor, queryOf(filtersOf(fields)), format)
      return {
        headers: {
          'content-type': made.media_type,
          'content-disposition': `attachment; filename="${made.filename}"`,
        },
        body: made.text,
      }
    },
  }

  return { pages: [page], forms: [form] }
}

const exportForm = ({ path, csrf }: Place, filters: AuditFilters): Html =>
  html`<form method="post" action="${path(`${PATH}/export`)}" class="row">
    ${formToken(csrf)}${hiddenFilters(filters)}
    <button name="format" value="csv">Export CSV</button>
    <button name="format" value="ndjson">Export NDJSON</button>
  </form>`

function entries(place: Place, { items, next, complete }: AuditPage, filters: AuditFilters, after: string): Html {
  const list = place.path(PATH)
  if (items.length === 0) return nothing(place, filters, after)
  return html`${
      !complete &&
      html`<div class="note warn">
        <p>
          <strong>Not all of it.</strong> Tool calls cannot be read right now; administration can. Try again shortly.
        </p>
      </div>`
    }
    <ol class="log">
      ${items.map((entry) => entryItem(entry, list, place.now))}
    </ol>
    ${pages(after === '' ? null : addressOf(list, filters), next === null ? null : addressOf(list, filters, next))}`
}

function nothing({ path, tenant }: Place, filters: AuditFilters, after: string): Html {
  const all = html`<a class="button" href="${path(PATH)}">Show everything</a>`
  if (after !== '') return empty('Nothing older', 'This was the end of the list.', all)
  const { source, ...others } = filters
  if (source === 'tools' && Object.keys(others).length === 0)
    return empty(
      'No tool was called yet',
      'Calls show here about a second after they were made.',
      html`<a class="button primary" href="/t/${tenant.slug}">Connect a client</a>`,
    )
  return empty(
    'Nothing matches',
    'Drop a filter, or take a longer time. An action can be a beginning, such as delete_*.',
    all,
  )
}
