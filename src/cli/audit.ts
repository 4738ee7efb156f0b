import { Option } from 'commander'
import { TenantFenced } from '#db/database.ts'
import { auditKey, CONTROL_SCHEMA, type AuditRow } from '#tenancy/audit.ts'
import { readAudit, type AuditFilters } from '#tenancy/audit-read.ts'
import { verifyAudit, type AuditReport } from '#tenancy/audit-verify.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import type { Define } from './commands.ts'
import { explain } from './failure.ts'
import { duration } from './parse.ts'
import { withRegistry, type Session } from './session.ts'
import { moment, table } from './table.ts'
import { answer, EXIT, tell } from './terminal.ts'

interface ListOptions {
  readonly json?: boolean
  readonly since?: number
  readonly action?: string
  readonly outcome?: AuditRow['outcome']
}

/** `audit list|verify` */
export const define: Define = (command, { terminal, end }) => {
  command
    .command('list [slug]')
    .description(
      'what happened, the latest first: of one tenant, or without a tenant all administrative changes and refusals',
    )
    .option('--since <duration>', 'no further back than this: 24h, 7d', duration)
    .option('--action <name>', 'only this: create_project, member.added, refused.token_expired')
    .addOption(new Option('--outcome <outcome>', 'only this').choices(['ok', 'refused', 'failed']))
    .option('--json', 'print one JSON document')
    .action(async (of: string | undefined, { json, since, action, outcome }: ListOptions) => {
      await withRegistry(terminal, async (session) => {
        const filters: AuditFilters = {
          ...(since === undefined ? {} : { since: Date.now() - since }),
          ...(action === undefined ? {} : { action }),
          ...(outcome === undefined ? {} : { outcome }),
        }
        const { rows, unread } = await read(session, of, filters)
        if (unread !== null) {
          tell(terminal, unread)
          end(EXIT.partial)
        }
        if (rows.length === 0) tell(terminal, 'Nothing is recorded.')
        answer(terminal, json, rows, () =>
          table(
            rows.map(({ at, slug, iss, sub, key_id, action, target, outcome, request_id }) => ({
              at: moment(at, Date.now()),
              ...(of === undefined ? { slug } : {}),
              who: key_id === null ? (iss === 'operator' ? `operator ${sub}` : sub) : `key ${key_id}`,
              action,
              target,
              outcome,
              request_id,
            })),
          ),
        )
      })
    })

  command
    .command('verify [slug]')
    .description(
      'tell whether rows were altered or deleted since they were written; without a tenant everything is verified',
    )
    .option('--json', 'print one JSON document')
    .action(async (slug: string | undefined, { json }: { json?: boolean }) => {
      await withRegistry(terminal, async (session) => {
        const { reports, unread } = await verify(session, slug)
        for (const line of unread) tell(terminal, line)
        answer(terminal, json, reports, () =>
          table(
            reports.map(({ slug, rows, checkpoints, altered, missing, broken, uncovered, intact }) => ({
              audit: slug ?? '(registry)',
              intact,
              rows,
              checkpoints,
              altered: altered.length,
              missing: missing.length,
              broken: broken.length,
              uncovered,
            })),
          ),
        )
        if (reports.some(({ intact }) => !intact)) end(EXIT.failed)
        else if (unread.length > 0) end(EXIT.partial)
      })
    })
}

type Row = Omit<AuditRow, 'at' | 'mac' | 'tenant_id'> & { readonly at: string; readonly slug: string | null }

interface Read {
  readonly rows: readonly Row[]
  /** Why the tenant's own part is missing, as a sentence. */
  readonly unread: string | null
}

/** Of a tenant what lies in its own schema and what the registry says of it; without one, all of the registry. */
async function read(
  { database, registry, actor }: Session,
  slug: string | undefined,
  filters: AuditFilters,
): Promise<Read> {
  const slugs = new Map((await registry.tenants.list(actor)).map((tenant) => [tenant.id, tenant.slug]))
  const tenant = slug === undefined ? null : await registry.tenants.get(actor, slug)
  const registered = await database.control({ as: 'operator' }, async (db) => {
    return await readAudit(db, tenant === null ? filters : { ...filters, tenant_id: tenant.id })
  })
  let own: readonly AuditRow[] = []
  let unread: string | null = null
  try {
    if (tenant !== null)
      own = (await database.tenant(tenant, { access: 'read' }, async (db) => await readAudit(db, filters))).items
  } catch (error) {
    if (!(error instanceof TenantFenced)) throw error
    unread = `Only what the registry holds of ${slug}: ${explain(error)}.`
  }
  const rows = [
    ...own.map((row) => shown(row, slug ?? null)),
    ...registered.items.map((row) => shown(row, row.tenant_id === null ? null : (slugs.get(row.tenant_id) ?? null))),
  ]
  return { rows: rows.sort((a, b) => (a.id < b.id ? 1 : -1)), unread }
}

const shown = ({ mac: _mac, tenant_id: _tenant, at, ...row }: AuditRow, slug: string | null): Row => ({
  slug,
  ...row,
  at: new Date(at).toISOString(),
})

interface Verified {
  /** slug null: the registry's own. */
  readonly reports: readonly (AuditReport & { readonly slug: string | null })[]
  /** Those that could not be read, as sentences. */
  readonly unread: readonly string[]
}

async function verify({ config, database, registry, actor }: Session, slug: string | undefined): Promise<Verified> {
  const keys = (schema: string): readonly Buffer[] => config.sessionSecrets.map((secret) => auditKey(secret, schema))
  const ofTenant = async (tenant: Tenant): Promise<AuditReport> =>
    await database.tenant(
      tenant,
      { access: 'read', timeout: 300_000 },
      async (db) => await verifyAudit(db, keys(tenant.schema)),
    )
  if (slug !== undefined) {
    const tenant = await registry.tenants.get(actor, slug)
    return { reports: [{ slug, ...(await ofTenant(tenant)) }], unread: [] }
  }
  const control = await database.control({ as: 'operator' }, async (db) => await verifyAudit(db, keys(CONTROL_SCHEMA)))
  const reports: (AuditReport & { slug: string | null })[] = [{ slug: null, ...control }]
  const unread: string[] = []
  for (const { status, slug } of await registry.tenants.list(actor)) {
    if (status === 'deleted') continue
    try {
      reports.push({ slug, ...(await ofTenant(await registry.tenants.get(actor, slug))) })
    } catch (error) {
      unread.push(`${slug}: not verified: ${explain(error)}`)
    }
  }
  return { reports, unread }
}
