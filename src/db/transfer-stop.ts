import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { named, sqlState } from './errors.ts'
import { insideNamed } from './inside.ts'
import { ROLE } from './names.ts'
import { lease } from './pool.ts'
import { readMark, writeMark, type SchemaMark } from './schema-mark.ts'
import { nameOf } from './table-copy.ts'
import { revokeRights } from './tenant-schema.ts'
import { TransferFailed } from './transfer-failed.ts'

export interface ShuttingOptions {
  /** Milliseconds in all until every writer has ended; tried again and again, so that nobody waits long meanwhile. */
  readonly patience: number
  /** Milliseconds from the first writer that waits to the end. */
  readonly limit: number
}

export interface Shutting {
  /** Throws when the time is over, and nothing holds the writers up any more. To be asked before every step that others see. */
  still(): void
  shut(mark: SchemaMark): Promise<void>
}

/**
 * Shorter than deadlock_timeout (1 s): whoever uses tables in another order is let go on instead of being ended by Postgres.
 */
const LOCK_TIMEOUT = 250
const BETWEEN = 400
/** Longer than deadlock_timeout: an autovacuum that holds a table is ended by Postgres for whoever has waited as long, and no sooner. */
const VACUUM_TIMEOUT = 3_000

/**
 * Holds up everybody who would write to a tenant's tables while `work` runs; reads go on. `shut` then waits out readers too, takes the tenant's
 * rights and marks the schema, all in the same transaction: from its commit on every statement is fenced (D18), and nobody is cut off in
 * the middle of a transaction. When anything fails, or this process dies, the locks are gone and nothing has changed.
 * Throws TransferFailed `busy`.
 */
export async function shutting<T>(
  pool: pg.Pool,
  schema: string,
  { patience, limit }: ShuttingOptions,
  work: (steps: Shutting) => Promise<T>,
): Promise<T> {
  const client = await lease(pool)
  let held = true
  const letGo = (destroy: boolean): void => {
    if (held) client.release(destroy)
    held = false
  }
  let late: NodeJS.Timeout | undefined
  try {
    const tables = await holdWriters(client, schema, Date.now() + patience)
    const deadline = Date.now() + limit
    // The locks go at once; `work` ends at its next step.
    late = setTimeout(letGo, limit, true)
    const still = (): void => {
      if (!held) throw busy(`writes were held up for ${limit} ms`)
    }
    const result = await work({
      still,
      async shut(mark) {
        still()
        await waitOutReaders(client, tables, deadline)
        still()
        // From here on there is no way back but by the caller's hand.
        clearTimeout(late)
        await revokeRights(client, schema)
        await client.query(`SET LOCAL ROLE ${ROLE.owner}`)
        await writeMark(client, schema, mark)
        const { command } = await client.query('COMMIT')
        if (command !== 'COMMIT') throw new Error(`the server answered COMMIT with ${command}`)
      },
    })
    letGo(false)
    return result
  } catch (error) {
    if (error instanceof TransferFailed) throw error
    throw held ? named(error) : busy(`writes were held up for ${limit} ms`)
  } finally {
    clearTimeout(late)
    letGo(true)
  }
}

const busy = (why: string): TransferFailed =>
  new TransferFailed('busy', `${why}: given up, the tenant works on at the source`)

const isLocked = (error: unknown): boolean => ['55P03', '40P01'].includes(sqlState(error) ?? '')

/** All writers have ended, and new ones wait. Answers the tables. */
async function holdWriters(client: pg.PoolClient, schema: string, deadline: number): Promise<readonly string[]> {
  for (;;) {
    await client.query(
      `BEGIN; SET LOCAL search_path = ''; SET LOCAL lock_timeout = ${LOCK_TIMEOUT}; SET LOCAL statement_timeout = 0;
      SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL ROLE ${ROLE.owner}`,
    )
    // The audit last, as every call writes it last: a call that is nearly done can end.
    const { rows } = await client.query<{ name: string }>(
      `SELECT relname::text AS name FROM pg_catalog.pg_class
        WHERE oid = ANY (${insideNamed('pg_class')}) AND relkind IN ('r', 'p') AND NOT relispartition
        ORDER BY relname LIKE 'audit%', relname`,
      [schema],
    )
    const tables = rows.map(({ name }) => nameOf(schema, name))
    try {
      // Also the lock of the schema itself: whoever wants to know how this ends waits until it has.
      await readMark(client, schema)
      // Keeps (auto)vacuum off and nobody else, so that nobody waits while this does.
      await client.query(`SET LOCAL lock_timeout = ${VACUUM_TIMEOUT}`)
      await client.query(`LOCK TABLE ${tables.join(', ')} IN SHARE UPDATE EXCLUSIVE MODE`)
      await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT}`)
      await client.query(`LOCK TABLE ${tables.join(', ')} IN SHARE ROW EXCLUSIVE MODE`)
      return tables
    } catch (error) {
      await client.query('ROLLBACK')
      if (!isLocked(error)) throw error
      if (Date.now() > deadline) throw busy('a write of this tenant, or maintenance of one of its tables, did not end')
    }
    await pause(BETWEEN * (0.5 + Math.random()))
  }
}

async function waitOutReaders(client: pg.PoolClient, tables: readonly string[], deadline: number): Promise<void> {
  for (;;) {
    await client.query('SAVEPOINT readers')
    try {
      await client.query(`LOCK TABLE ${tables.join(', ')} IN ACCESS EXCLUSIVE MODE`)
      return
    } catch (error) {
      await client.query('ROLLBACK TO readers')
      if (!isLocked(error)) throw error
      if (Date.now() > deadline) throw busy('a read of this tenant did not end')
    }
    await pause(50)
  }
}
