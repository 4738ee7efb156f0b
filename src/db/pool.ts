import { connect } from 'node:net'
import pg from 'pg'
import { ConfigError } from '#base/config.ts'
import { DatabaseUnavailable } from './database.ts'
import { named } from './errors.ts'

export interface Login {
  readonly url: string
  /** Instead of the URL's own. */
  readonly user?: string
  readonly password?: string
}

/** Where connections come from. */
export type Source = Pick<pg.Pool, 'connect'>

export interface PoolLimits {
  readonly max: number
  /** Milliseconds after which a connection is replaced: its backend's memory grows with every tenant it met. */
  readonly maxLifetime: number
  /** Uses after which it is replaced, for the same reason: where very many tenants are called, that comes first. Absent or 0: never. */
  readonly maxUses?: number
}

/** How long a caller waits for a connection, in milliseconds: then the database counts as unreachable. */
const PATIENCE = 5_000

/**
 * A connection URL; one without a host names it in its query (`postgres:///db?host=/path`).
 * Throws ConfigError, which unlike URL's own error does not hold the text with its password.
 */
export function parseUrl(url: string): URL {
  try {
    return new URL(url.replace(/^(postgres(?:ql)?:\/\/)(?=\/|$|\?)/, '$1localhost'))
  } catch {
    throw new ConfigError(['DATABASE_URL: is malformed'])
  }
}

/** The URL with another user, or as it is. Works for unix sockets too (`postgres:///db?host=/path`). */
export function connectionConfig({ url, user, password }: Login): pg.ClientConfig {
  const at = parseUrl(url)
  if (user !== undefined) at.username = user
  if (password !== undefined) at.password = password
  if (user !== undefined) for (const name of ['user', 'password']) at.searchParams.delete(name)
  return {
    connectionString: at.toString(),
    connectionTimeoutMillis: PATIENCE,
    application_name: 'gatehouse',
    keepAlive: true,
  }
}

/** A pool whose broken idle connections are dropped quietly: the next caller gets a fresh one, or DatabaseUnavailable. */
export function createPool(login: Login, { max, maxLifetime, maxUses = 0 }: PoolLimits, pipeline = false): pg.Pool {
  const pool = new pg.Pool({
    ...connectionConfig(login),
    max,
    maxLifetimeSeconds: Math.ceil(maxLifetime / 1000),
    maxUses: maxUses === 0 ? Number.POSITIVE_INFINITY : maxUses,
    idleTimeoutMillis: 30_000,
    pipeline,
  })
  pool.on('error', () => {})
  // Also while leased: whoever waits on the connection learns it from the statement's own error.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** Connections that the pool opens from now on log in like this. */
export function relogin(pool: pg.Pool, login: Login): void {
  Object.assign(pool.options, connectionConfig(login))
}

/** One statement and its bound values in extended protocol, where a second statement in the text is an error of Postgres. */
export function extended(text: string, values: readonly unknown[] = []): pg.QueryConfig & { queryMode: 'extended' } {
  return { text, values: [...values], queryMode: 'extended' }
}

/**
 * A connection of the pool. Give it back with `release()`, or with `release(true)` when anything about it is in doubt.
 * Throws DatabaseUnavailable.
 */
export async function lease(pool: Source): Promise<pg.PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw named(error)
  }
}

/**
 * Asks the server to stop what the connection is doing (CancelRequest, Postgres manual 54.2.8; right through PgBouncer too, which
 * knows its own process numbers only). Best effort, at most a second: the connection must be destroyed afterwards.
 */
export async function cancel(client: pg.PoolClient): Promise<void> {
  // pg keeps both on the client without declaring them.
  const target: object = client
  const processID = 'processID' in target ? target.processID : null
  const secretKey = 'secretKey' in target ? target.secretKey : null
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return
  const request = Buffer.alloc(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(80_877_102, 4)
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  const { host, port } = client
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  await new Promise<void>((done) => {
    socket.setTimeout(1_000, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => done())
    socket.on('connect', () => socket.end(request))
    socket.resume()
  })
}

/** Says one statement of ours outside of any transaction. Throws DatabaseUnavailable, also when no answer comes in time. */
export async function say(pool: pg.Pool, text: string): Promise<void> {
  const client = await lease(pool)
  try {
    await within(PATIENCE, 'the database does not answer', async () => await client.query(text))
  } catch (error) {
    client.release(true)
    throw error
  }
  client.release()
}

/** The answer, or DatabaseUnavailable with these words. The work itself goes on: destroy its connection. */
export async function within<T>(milliseconds: number, otherwise: string, work: () => Promise<T>): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const late = setTimeout(() => reject(new DatabaseUnavailable(otherwise)), milliseconds)
    work()
      .catch((error: unknown) => {
        throw named(error)
      })
      .finally(() => clearTimeout(late))
      .then(resolve, reject)
  })
}
