import { Readable } from 'node:stream'
import type { Database } from '#db/database.ts'
import { toldOf } from '../archive/lines.ts'
import { authorOf, createLedger, needOperator, type LedgerOptions } from '../ledger.ts'
import { RegistryError } from '../registry-error.ts'
import type { Actor } from '../registry.ts'
import { isSlug } from '../slug.ts'
import { tenantNote } from '../tenant-record.ts'
import type { Tenant } from '../tenant.ts'
import type { Manifest } from './format.ts'
import { openBackup } from './read.ts'
import type { RegistryReport } from './registry-rows.ts'
import { destinationOf, fillSchema, registerRestored, tenantRow, versionOf } from './restore.ts'
import { seal } from './sealed-file.ts'
import { takeBackup } from './take.ts'

export interface BackupOptions extends LedgerOptions {
  /** SESSION_SECRET: the first seals, any opens. */
  readonly secrets: readonly string[]
  /** config.database.slugPrefix */
  readonly slugPrefix: string
}

interface RestoreInput {
  /** Another slug: the backup becomes another tenant. */
  readonly as?: string
  /** The Postgres server it goes to; absent: the one of the backup. */
  readonly placement?: string
}

interface RestoreReport {
  readonly slug: string
  readonly from: Manifest['tenant'] & Pick<Manifest, 'taken_at' | 'gatehouse'> & { readonly schema_version: number }
  /** Rows by table of the schema. */
  readonly rows: Readonly<Record<string, number>>
  /** What became of the registry's rows. */
  readonly registry: RegistryReport
  /** Rows of the audit that were signed again, because schema or id are others now. */
  readonly audit_signed_again: number
}

interface BackupCheck {
  readonly from: RestoreReport['from']
  /** By `registry/members`, `data/projects`. */
  readonly rows: Readonly<Record<string, number>>
}

/** A tenant as a file from which it can be brought back whole (docs/operations/backup.md). Operators only. */
export interface Backups {
  /**
   * A sealed stream to be read once. In the audit before the first octet. What cannot be finished ends in an error, and what was written by
   * then is no backup. conflict: the embedded database.
   */
  backup(tenant: Tenant, actor: Actor): Promise<Readable>
  /**
   * All or nothing, and never over a tenant that lives. invalid: no backup, another secret's, changed, cut off, or of other migrations;
   * exists: the slug is or was another tenant's; conflict: the tenant lives, or the embedded database.
   */
  restore(actor: Actor, source: Readable | AsyncIterable<Uint8Array>, input?: RestoreInput): Promise<RestoreReport>
  /** Reads all of a backup and writes nothing. invalid: as of `restore`, but for what only the database can refuse. */
  check(actor: Actor, source: Readable | AsyncIterable<Uint8Array>): Promise<BackupCheck>
}

export function createBackups(options: BackupOptions): Backups {
  const { database, clock, secrets, slugPrefix } = options
  const ledger = createLedger(options)
  const [secret] = secrets
  if (secret === undefined) throw new Error('there is no SESSION_SECRET to seal with')
  return {
    async backup(tenant, actor) {
      needOperator(actor)
      needServer(database)
      await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async () => [
        undefined,
        { ...tenantNote(tenant, 'tenant.backed_up'), changes: [] },
      ])
      return Readable.from(seal(takeBackup(database, clock, tenant), secret), { objectMode: false })
    },
    async restore(actor, source, { as = null, placement = null } = {}) {
      needOperator(actor)
      needServer(database)
      if (as !== null && !isSlug(as))
        throw new RegistryError(
          'invalid',
          `${JSON.stringify(as)} is no slug: a-z first, then a-z 0-9 _, at most 41 characters`,
        )
      const backup = await openBackup(source, secrets)
      const { manifest } = backup
      const now = clock.now()
      const version = versionOf(manifest.migrations, database.admin.files)
      const tools = versionOf(manifest.tools, database.admin.toolFiles)
      const destination = await database.control(
        { as: 'operator', access: 'read' },
        async (db) => await destinationOf(db, { manifest, row: tenantRow(backup), as, placement, slugPrefix, now }),
      )
      const { id, slug } = destination
      let registry: RegistryReport = {}
      let signed = 0
      const detail = { taken_at: manifest.taken_at, from: manifest.tenant.slug, as: slug }
      const note = {
        action: 'tenant.restored',
        target: slug,
        detail,
        changes: [{ table: 'tenants', tenant: id, id } as const],
      }
      await ledger
        .within(id, authorOf(actor), note, async (inside) => {
          await database.admin.restore(
            destination,
            { version, tools, fenced: destination.suspended },
            async (db) => {
              registry = await registerRestored(db, backup, destination, now)
              await inside(db)
            },
            async (target) => {
              signed = (await fillSchema(target, backup, destination, secrets)).signed
            },
          )
        })
        .catch((error: unknown) => {
          throw toldOf(error)
        })
      return { slug, from: fromOf(manifest), rows: dataOf(backup.rows()), registry, audit_signed_again: signed }
    },
    async check(actor, source) {
      needOperator(actor)
      const backup = await openBackup(source, secrets)
      for await (const _piece of backup.data()) continue
      return { from: fromOf(backup.manifest), rows: backup.rows() }
    },
  }
}

const fromOf = ({ tenant, taken_at, gatehouse, migrations }: Manifest): RestoreReport['from'] => ({
  ...tenant,
  taken_at,
  gatehouse,
  schema_version: migrations.length,
})

const dataOf = (rows: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(rows).flatMap(([name, count]) => (name.startsWith('data/') ? [[name.slice(5), count]] : [])),
  )

/** The embedded database speaks no COPY. */
function needServer(database: Database): void {
  if (database.kind === 'embedded')
    throw new RegistryError(
      'conflict',
      'the embedded database has no backups of single tenants: stop the server and copy DATA_DIR',
    )
}
