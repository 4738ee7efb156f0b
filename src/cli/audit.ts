import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Option, type Command } from 'commander'
import { auditKey, CONTROL_SCHEMA, type AuditRow } from '#tenancy/audit.ts'
import { AUDIT_FORMATS, type AuditFormat } from '#tenancy/audit-export.ts'
import type { AuditActor } from '#tenancy/audit-people.ts'
import { AUDIT_OUTCOMES, AUDIT_SOURCES, type AuditQuery } from '#tenancy/audit-query.ts'
import { readAudit, type AuditFilters } from '#tenancy/audit-read.ts'
import { verifyAudit, type AuditReport } from '#tenancy/audit-verify.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { defineTail } from './audit-tail.ts'
import type { Define } from './commands.ts'
import { explain } from './failure.ts'
import { duration } from './parse.ts'
import { withRegistry, type Session } from './session.ts'
import { moment, table } from './table.ts'
import { answer, EXIT, tell } from './terminal.ts'

interface Filters {
  /** Milliseconds back from now. */
  readonly since?: number
  readonly until?: number
  readonly action?: string
  readonly actor?: string
  readonly target?: string
  readonly outcome?: AuditRow['outcome']
  readonly source?: 'tools' | 'admin'
}

const withFilters = (command: Command): Command =>
  command
    .option('--since <duration>', 'no further back than this: 24h, 7d', duration)
    .option('--until <duration>', 'only what is older than this', duration)
    .option('--action <name>', 'only this, or all that begin so: create_project, member.added, domain.*')
    .option('--actor <who>', 'of a tenant: only by this user id, email address, key id or name, operator:<name>')
    .option('--target <target>', 'of a tenant: only what was about this')
    .addOption(new Option('--outcome <outcome>', 'only this').choices([...AUDIT_OUTCOMES]))
    .addOption(
      new Option('--source <source>', 'of a tenant: only tool calls and refusals, or only changes').choices([
        ...AUDIT_SOURCES,
      ]),
    )

/** `audit list|export|verify|tail` */
export const define: Define = (command, context) => {
  const { terminal, end } = context
  withFilters(command.command('list [slug]'))
    .description(
      'what happened, the latest first: of one tenant, or without a tenant all administrative changes and refusals',
    )
    .option('--json', 'print one JSON document')
    .action(async (of: string | undefined, { json, ...filters }: Filters & { json?: boolean }, list: Command) => {
      const { actor, target, source, action } = filters
      if (of === undefined && [actor, target, source].some((each) => each !== undefined))
        list.error('error: --actor, --target and --source need a tenant', { exitCode: EXIT.usage })
      if (of === undefined && action?.includes('*') === true)
        list.error('error: without a tenant --action is one whole name', { exitCode: EXIT.usage })
      await withRegistry(terminal, async (session) => {
        const { rows, complete } = of === undefined ? await readAll(session, filters) : await read(session, of, filters)
        if (!complete) {
          tell(terminal, `Only what the registry holds of ${of}: the tenant is suspended, or being moved.`)
          end(EXIT.partial)
        }
        if (rows.length === 0) tell(terminal, 'Nothing is recorded.')
        answer(terminal, json, rows, () =>
          table(
            rows.map((row) => ({
              at: moment(row.at, Date.now()),
              ...(of === undefined ? { slug: row.slug } : {}),
              who: who(row),
              action: row.action,
              target: row.target_name ?? row.target,
              outcome: row.outcome,
              request_id: row.request_id,
            })),
          ),
        )
      })
    })

  withFilters(command.command('export <slug>'))
    .description('everything that matches of one tenant, the latest first, as a file on stdout; is itself recorded')
    .addOption(new Option('--format <format>', 'of the file').choices([...AUDIT_FORMATS]).default('ndjson'))
    .action(async (slug: string, { format, ...filters }: Filters & { format: AuditFormat }) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        const { text } = await registry.audit.export(tenant, actor, queryOf(filters), format)
        await pipeline(Readable.from(text), terminal.stdout, { end: false })
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

  defineTail(command, context)
}

const queryOf = ({ since, until, ...query }: Filters): AuditQuery => ({
  ...query,
  ...(since === undefined ? {} : { since: Date.now() - since }),
  ...(until === undefined ? {} : { until: Date.now() - until }),
})

type Row = Omit<AuditRow, 'at' | 'mac' | 'tenant_id' | 'arguments_digest'> & {
  readonly at: string
  readonly slug: string | null
  readonly actor?: AuditActor
  readonly target_name?: string | null
}

interface Read {
  readonly rows: readonly Row[]
  readonly complete: boolean
}

function who({ iss, sub, key_id: key, actor }: Row): string | null {
  if (key !== null) return `key ${actor?.name ?? key}`
  if (iss === 'operator') return `operator ${sub}`
  return actor?.email ?? actor?.id ?? sub
}

async function read({ registry, actor }: Session, slug: string, filters: Filters): Promise<Read> {
  const tenant = await registry.tenants.get(actor, slug)
  const { items, complete } = await registry.audit.list(tenant, actor, queryOf(filters))
  const rows = items.map(({ actor: by, ...row }) => ({
    slug,
    ...row,
    iss: by.iss,
    sub: by.sub,
    key_id: by.type === 'key' ? by.id : null,
    actor: by,
  }))
  return { rows, complete }
}

/** All that the registry holds: of every tenant, and refusals that belong to none. */
async function readAll({ database, registry, actor }: Session, filters: Filters): Promise<Read> {
  const slugs = new Map((await registry.tenants.list(actor)).map((tenant) => [tenant.id, tenant.slug]))
  const { since, until, action, outcome } = queryOf(filters)
  const wanted: AuditFilters = {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(action === undefined ? {} : { action }),
    ...(outcome === undefined ? {} : { outcome }),
  }
  const { items } = await database.control({ as: 'operator' }, async (db) => await readAudit(db, wanted))
  const rows = items.map(({ mac: _mac, arguments_digest: _digest, tenant_id: tenant, at, ...row }) => ({
    slug: tenant === null ? null : (slugs.get(tenant) ?? null),
    ...row,
    at: new Date(at).toISOString(),
  }))
  return { rows, complete: true }
}

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
