import type { Readable } from 'node:stream'
import type pg from 'pg'
import { adminTransaction, asOperator, asOwnerOf } from './admin-connection.ts'
import type { Administration, Queryable } from './database.ts'
import { insideNamed } from './inside.ts'
import { setVersion } from './migration-record.ts'
import { TOOL_LEDGER, type Migration } from './migrations.ts'
import { ROLE } from './names.ts'
import { extended } from './pool.ts'
import { tablesIn, type Table } from './rows.ts'
import { COPY_SETTINGS, nameOf, tableIn, tableOut, withSnapshot } from './table-copy.ts'
import {
  bringUp,
  createTenantSchema,
  dropTenantSchema,
  openTenant,
  shutTenant,
  type TenantRole,
} from './tenant-schema.ts'

/** Where a sequence stands. */
interface SequenceState {
  readonly name: string
  readonly last: string
  readonly called: boolean
}

/** A tenant's schema at one moment. */
export interface BackupSource {
  /** Each after those it refers to. */
  readonly tables: readonly Table[]
  readonly sequences: readonly SequenceState[]
  /** Migrations that made it, the first first. */
  readonly applied: readonly { readonly name: string; readonly sha256: string }[]
  /** The same of TOOLS_DIR/sql. */
  readonly tools: readonly { readonly name: string; readonly sha256: string }[]
  /** The rows of a table as COPY writes them. To be read to its end before the next. */
  rows(table: Table): Readable
}

/** A tenant's schema that is being filled. */
export interface BackupTarget {
  readonly tables: readonly Table[]
  /** What `rows` gave, a piece at a time: see `TableWriter`. One table at a time. */
  open(table: Pick<Table, 'name' | 'columns'>): TableWriter
  sequence(state: SequenceState): Promise<void>
  /** The schema as its owner. */
  within<T>(work: (db: Queryable) => Promise<T>): Promise<T>
}

export interface TableWriter {
  /** Goes on when it was taken. */
  write(piece: Uint8Array): Promise<void>
  /** How many rows there were. */
  end(): Promise<number>
}

interface TenantBackupOptions {
  readonly pool: (placement: string) => pg.Pool
  readonly roleOf: (schema: string) => TenantRole
  readonly migrations: readonly Migration[]
}

export function createTenantBackup({
  pool,
  roleOf,
  migrations,
}: TenantBackupOptions): Pick<Administration, 'snapshot' | 'restore'> {
  return {
    async snapshot({ schema, placement }, work) {
      return await withSnapshot(pool(placement), schema, async ({ client, tables }) => {
        const { rows: applied } = await client.query<{ name: string; sha256: string }>(
          `SELECT name, sha256 FROM ${nameOf(schema, 'schema_migrations')} ORDER BY version`,
        )
        const tools = tables.some(({ name }) => name === TOOL_LEDGER)
          ? (
              await client.query<{ name: string; sha256: string }>(
                `SELECT name, sha256 FROM ${nameOf(schema, TOOL_LEDGER)} ORDER BY version`,
              )
            ).rows
          : []
        const sequences = await sequencesOf(client, schema)
        return await work({ tables, sequences, applied, tools, rows: (table) => tableOut(client, schema, table) })
      })
    },

    async restore({ schema, placement }, { version, tools, fenced }, register, fill) {
      const role = roleOf(schema)
      const build = async (client: pg.PoolClient): Promise<void> => {
        await client.query(COPY_SETTINGS)
        await createTenantSchema(
          client,
          { ...role, tools: (role.tools ?? []).slice(0, tools) },
          migrations.slice(0, version),
        )
        await fill(targetOf(client, schema, await tablesOf(client, schema)))
        await bringUp(client, role, migrations)
        await (fenced ? shutTenant : openTenant)(client, role)
      }
      const enlist = async (client: pg.PoolClient): Promise<void> => {
        await asOperator(client, register)
        await asOperator(
          client,
          async (db) => await setVersion(db, schema, { tenant: migrations.length, tools: role.tools?.length ?? 0 }),
        )
      }
      // The backup is read once: nothing here can be tried again.
      const once = { attempts: 1, copies: true }
      if (placement === 'default')
        return await adminTransaction(pool('default'), once, async (client) => {
          await enlist(client)
          await build(client)
        })
      await adminTransaction(pool(placement), once, build)
      try {
        await adminTransaction(pool('default'), {}, enlist)
      } catch (error) {
        await adminTransaction(pool(placement), {}, async (client) => await dropTenantSchema(client, role))
        throw error
      }
    },
  }
}

async function sequencesOf(client: pg.PoolClient, schema: string): Promise<readonly SequenceState[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname::text AS name FROM pg_catalog.pg_class c
      WHERE c.oid = ANY (${insideNamed('pg_class')}) AND c.relkind = 'S' ORDER BY 1`,
    [schema],
  )
  const states: SequenceState[] = []
  for (const { name } of rows) {
    const { rows: found } = await client.query<Omit<SequenceState, 'name'>>(
      `SELECT last_value::text AS last, is_called AS called FROM ${nameOf(schema, name)}`,
    )
    states.push(...found.map((state) => ({ name, ...state })))
  }
  return states
}

const tablesOf = async (client: pg.PoolClient, schema: string): Promise<readonly Table[]> =>
  await asOwnerOf(client, schema, async (db) => await tablesIn(db))

function targetOf(client: pg.PoolClient, schema: string, tables: readonly Table[]): BackupTarget {
  return {
    tables,
    open: (table) => writerTo(client, schema, table),
    async sequence({ name, last, called }) {
      await client.query(`SET LOCAL ROLE ${ROLE.owner}`)
      await client.query(
        extended('SELECT pg_catalog.setval($1::regclass, $2::bigint, $3)', [nameOf(schema, name), last, called]),
      )
      await client.query('SET LOCAL ROLE NONE')
    },
    within: async (work) => await asOwnerOf(client, schema, work),
  }
}

function writerTo(client: pg.PoolClient, schema: string, table: Pick<Table, 'name' | 'columns'>): TableWriter {
  const began = client.query(`SET LOCAL ROLE ${ROLE.owner}`)
  let stream: ReturnType<typeof tableIn> | null = null
  let failure: unknown = null
  const begin = async (): Promise<ReturnType<typeof tableIn>> => {
    await began
    if (stream === null) {
      stream = tableIn(client, schema, table)
      stream.on('error', (error) => (failure ??= error))
    }
    return stream
  }
  const settle = async (
    act: (into: ReturnType<typeof tableIn>, done: (error?: Error | null) => void) => void,
  ): Promise<void> => {
    const into = await begin()
    if (failure !== null) throw failure
    await new Promise<void>((resolve, reject) => {
      into.once('error', reject)
      act(into, (error) => {
        into.off('error', reject)
        if (error) reject(error)
        else resolve()
      })
    })
  }
  return {
    async write(piece) {
      await settle((into, done) => into.write(piece, done))
    },
    async end() {
      await settle((into, done) => {
        into.once('finish', () => done())
        into.end()
      })
      await client.query('SET LOCAL ROLE NONE')
      return stream?.rowCount ?? 0
    },
  }
}
