import { LEDGERS } from '#db/migrations.ts'
import { sql } from '#db/sql.ts'
import type { BackupTarget, ControlDb, Database, TableWriter } from '#db/database.ts'
import { schemaName } from '#db/names.ts'
import { uuidv7 } from '#base/id.ts'
import { insertRows } from '#db/rows.ts'
import { auditKey } from '../audit.ts'
import { RegistryError } from '../registry-error.ts'
import type { Manifest } from './format.ts'
import type { OpenBackup } from './read.ts'
import { registryTables } from './registry-columns.ts'
import { reviveRegistry, type RegistryReport } from './registry-rows.ts'
import { notTaken } from './sealed-file.ts'
import { signAgain } from './signatures.ts'

/** Which tenant a backup becomes. */
export interface Destination {
  readonly id: string
  readonly slug: string
  readonly schema: `tenant_${string}`
  readonly placement: string
  /** Its row here is that of a deleted tenant, which comes back. */
  readonly deletedAt: Date | null
  readonly suspended: boolean
}

type Row = Record<string, unknown>

/** The row of `tenants` in the backup. */
export function tenantRow(backup: OpenBackup): Row {
  const [line] = backup.registry.get('tenants') ?? []
  if (line === undefined) throw notTaken('it holds no tenant')
  const row: Row = JSON.parse(line)
  return row
}

/**
 * Where it goes. The same tenant comes back under its slug, id and schema when it was deleted here or was never known here: nothing else can
 * ever have had them (D10). Under another slug it becomes another tenant.
 * Throws RegistryError: conflict (the tenant lives), exists (the slug is or was another's).
 */
export async function destinationOf(
  db: ControlDb,
  {
    manifest,
    row,
    as,
    placement,
    slugPrefix,
    now,
  }: {
    readonly manifest: Manifest
    readonly row: Row
    readonly as: string | null
    readonly placement: string | null
    readonly slugPrefix: string
    readonly now: number
  },
): Promise<Destination> {
  const slug = as ?? manifest.tenant.slug
  const rows = await db.query<{
    id: string
    slug: string
    status: string
    schema: Destination['schema']
    deleted_at: Date | null
  }>(sql`
    SELECT id, slug, status, schema, deleted_at FROM tenants WHERE slug = ${slug} OR id = ${manifest.tenant.id}`)
  const named = rows.find((one) => one.slug === slug)
  const own = rows.find((one) => one.id === manifest.tenant.id)
  const common = { slug, placement: placement ?? String(row['placement']), suspended: row['status'] === 'suspended' }
  if (named !== undefined && named.id !== manifest.tenant.id)
    throw new RegistryError(
      'exists',
      `the slug ${slug} is or was another tenant's; slugs are never reused: give another with --as`,
    )
  if (named !== undefined && named.status !== 'deleted')
    throw new RegistryError(
      'conflict',
      `the tenant ${slug} lives: a backup is never written over it. Restore it as another with --as`,
    )
  if (named !== undefined) return { ...common, id: named.id, schema: named.schema, deletedAt: named.deleted_at }
  const schema = schemaName(slug, slugPrefix)
  if (own === undefined && as === null) return { ...common, id: manifest.tenant.id, schema, deletedAt: null }
  return { ...common, id: uuidv7(now), schema, deletedAt: null }
}

/** The migrations of the backup, Gatehouse's own or those of TOOLS_DIR/sql, have to be the first of ours. Answers how many. */
export function versionOf(migrations: Manifest['migrations'], files: Database['admin']['files']): number {
  for (const [index, { name, sha256 }] of migrations.entries()) {
    const ours = files[index]
    if (ours === undefined) throw notTaken(`it was made by a newer program: ${name} is not known here`)
    if (ours.name !== name || ours.sha256 !== sha256) throw notTaken(`its migration ${name} is not the same file here`)
  }
  return migrations.length
}

/** The registry's rows, within the transaction that makes the tenant. */
export async function registerRestored(
  db: ControlDb,
  backup: OpenBackup,
  { id, slug, schema, placement, deletedAt, suspended }: Destination,
  now: number,
): Promise<RegistryReport> {
  const row = tenantRow(backup)
  const report: RegistryReport = {}
  const [plan] = await db.query(sql`SELECT 1 FROM plans WHERE name = ${row['plan'] ?? null}`)
  if (row['plan'] != null && plan === undefined) report['plan'] = { 'left out: there is no such plan here': 1 }
  const at = new Date(now)
  const fresh = {
    ...row,
    id,
    slug,
    schema,
    placement,
    status: suspended ? 'suspended' : 'active',
    suspended_at: suspended ? at.toISOString() : null,
    plan: plan === undefined ? null : row['plan'],
    // A backup from before tools could be switched off has none.
    tools_off: namesIn(row['tools_off']),
  }
  if (deletedAt === null) {
    const columns = registryTables().find(({ name }) => name === 'tenants')?.columns ?? []
    await insertRows(db, { name: 'tenants' }, columns, [JSON.stringify(fresh)])
  } else {
    // What an owner turned off after the backup stays off.
    const revived = await db.query(sql`
      UPDATE tenants SET status = ${fresh.status}, name = ${String(row['name'])}, placement = ${placement}, deleted_at = NULL,
        suspended_at = ${suspended ? at : null}, mcp_admin = mcp_admin AND ${row['mcp_admin'] === true},
        operator_access = operator_access AND ${row['operator_access'] === true}, plan = ${fresh.plan ?? null},
        tools_off = ARRAY(SELECT DISTINCT unnest(tools_off || ${fresh.tools_off}::text[]) ORDER BY 1)
      WHERE id = ${id} AND status = 'deleted' RETURNING id`)
    if (revived.length === 0) throw new RegistryError('conflict', `the tenant ${slug} is not deleted any more`)
  }
  const revival = { from: String(row['id']), to: id, now, takenAt: Date.parse(backup.manifest.taken_at), deletedAt }
  return { ...report, ...(await reviveRegistry(db, revival, backup.registry)) }
}

/** The schema's rows, within the same transaction. Throws when the backup is not whole, so that nothing of it stays. */
export async function fillSchema(
  target: BackupTarget,
  backup: OpenBackup,
  destination: Destination,
  secrets: readonly string[],
): Promise<{ readonly signed: number }> {
  const { manifest } = backup
  assertSame(manifest, target)
  let table = ''
  let writer: TableWriter | undefined
  for await (const piece of backup.data()) {
    if (writer === undefined || piece.table !== table) {
      await writer?.end()
      table = piece.table
      const columns = manifest.tables.find(({ name }) => name === piece.table)?.columns ?? []
      writer = target.open({ name: piece.table, columns })
    }
    await writer.write(piece.content)
  }
  await writer?.end()
  for (const state of manifest.sequences) await target.sequence(state)
  const [secret = ''] = secrets
  const { schema, id } = manifest.tenant
  if (schema === destination.schema && id === destination.id) return { signed: 0 }
  const signed = await target.within(
    async (db) =>
      await signAgain(db, {
        from: secrets.map((one) => auditKey(one, schema)),
        to: auditKey(secret, destination.schema),
        tenant: { from: id, to: destination.id },
      }),
  )
  return { signed }
}

/** Tables and columns of a schema that migrations of the same files made are the same; somebody's own changes are not in them. */
const namesIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : []

function assertSame({ tables }: Manifest, target: BackupTarget): void {
  const here = target.tables.filter(({ name }) => !LEDGERS.includes(name))
  for (const { name, columns } of tables) {
    const known = here.find((table) => table.name === name)
    if (known === undefined) throw notTaken(`no migration makes its table ${name}`)
    const odd =
      columns.find((column) => !known.columns.includes(column)) ??
      known.columns.find((column) => !columns.includes(column))
    if (odd !== undefined) throw notTaken(`the column ${odd} of its table ${name} is not what migrations make`)
  }
}
