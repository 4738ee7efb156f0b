import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import type { ControlDb, Queryable } from './database.ts'
import { named, sqlState } from './errors.ts'
import { ROLE } from './names.ts'
import { extended, lease } from './pool.ts'
import { isSql } from './sql.ts'

export interface AdminTransactionOptions {
  /** Milliseconds to wait for a lock. */
  readonly lockTimeout?: number
  /** Milliseconds for each statement; default and 0: what the server says. */
  readonly statementTimeout?: number
  /** Is it worth trying again? `work` then starts over in a new transaction. */
  readonly retry?: (error: unknown) => boolean
  /** How often in all; default 12. */
  readonly attempts?: number
  /** Milliseconds before the next attempt, after this many. */
  readonly backOff?: (attempts: number) => number
  /** After an error the connection is ended instead of rolled back: it may stand in the middle of a COPY, which nothing else ends. */
  readonly copies?: boolean
}

const LOCK_TIMEOUT = 10_000
const ATTEMPTS = 12
const soon = (attempts: number): number => attempts * 20

/** Two administrators met: one of them lost and has only to try again. */
const metAnother = (error: unknown): boolean => {
  const state = sqlState(error)
  return state === '40001' || state === '40P01' || (state === 'XX000' && /concurrently/.test(String(error)))
}

/** The same for roles and schemas, which have no IF NOT EXISTS that holds against another database of the same server. */
export const madeAtOnce = (error: unknown): boolean =>
  metAnother(error) || sqlState(error) === '42710' || sqlState(error) === '42P06' || sqlState(error) === '23505'

/** One transaction on the admin connection, tried again where that helps. Throws as database.ts says, and what `work` throws. */
export async function adminTransaction<T>(
  pool: pg.Pool,
  options: AdminTransactionOptions,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const { lockTimeout = LOCK_TIMEOUT, statementTimeout = 0, retry = metAnother, attempts = ATTEMPTS } = options
  const { backOff = soon, copies = false } = options
  const begin = [
    'BEGIN',
    `SET LOCAL search_path = ''`,
    `SET LOCAL lock_timeout = ${lockTimeout}`,
    ...(statementTimeout === 0 ? [] : [`SET LOCAL statement_timeout = ${statementTimeout}`]),
  ].join('; ')
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(pool, begin, copies, work)
    } catch (error) {
      if (attempt >= attempts || !retry(error)) throw named(error)
    }
    await pause(backOff(attempt) * (0.5 + Math.random()))
  }
}

async function once<T>(
  pool: pg.Pool,
  begin: string,
  copies: boolean,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await lease(pool)
  try {
    await client.query(begin)
    const result = await work(client)
    const { command } = await client.query('COMMIT')
    if (command !== 'COMMIT') throw new Error(`the server answered COMMIT with ${command}`)
    client.release()
    return result
  } catch (error) {
    if (copies) client.release(true)
    else
      await client.query('ROLLBACK').then(
        () => client.release(),
        () => client.release(true),
      )
    throw error
  }
}

/** Lets `change` write the registry as the operator, within the admin's transaction, and comes back to the admin. */
export const asOperator = async <T>(client: pg.PoolClient, change: (db: ControlDb) => Promise<T>): Promise<T> =>
  await asRole(client, ROLE.operator, 'gatehouse', change)

/** The same as the owner of the registry or of a tenant's schema. The caller has looked at the schema's name. */
export const asOwnerOf = async <T>(
  client: pg.PoolClient,
  schema: string,
  change: (db: Queryable) => Promise<T>,
): Promise<T> => await asRole(client, ROLE.owner, schema, change)

async function asRole<T>(
  client: pg.PoolClient,
  role: string,
  schema: string,
  change: (db: Queryable) => Promise<T>,
): Promise<T> {
  await client.query(`SET LOCAL ROLE ${role}; SET LOCAL search_path = ${schema}, pg_temp`)
  let open = true
  try {
    return await change({
      async query<Row extends object>(statement: Parameters<Queryable['query']>[0]) {
        if (!open) throw new Error('this transaction is over')
        if (!isSql(statement)) throw new TypeError('db.query takes only what the sql`...` template made')
        const { rows }: pg.QueryResult<Row> = await client.query<Row>(extended(statement.text, statement.values))
        return rows
      },
    })
  } finally {
    open = false
    await client.query(`SET LOCAL ROLE NONE; SET LOCAL search_path = ''`).catch(() => {})
  }
}
