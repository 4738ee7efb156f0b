import type pg from 'pg'
import { deriveKey } from '#base/derive.ts'
import { DatabaseUnavailable, TenantBusy } from './database.ts'
import { named, sqlState } from './errors.ts'
import { createPool, relogin, type Source } from './pool.ts'

export interface TenantLoginsOptions {
  /** Whose user and password are replaced by the tenant's own. */
  readonly url: (server: string) => string
  /** SESSION_SECRET, all of it: the first is what `migrate` sets, the others are tried while it is being changed. */
  readonly secrets: readonly string[]
  /** Connections of all tenants together, in this process. */
  readonly connections: number
  /** Milliseconds; 0: never. */
  readonly maxLifetime: number
  readonly pipeline: boolean
  /** Milliseconds that a call waits for room; default 5 s. */
  readonly patience?: number
}

export interface TenantLogins {
  /**
   * Where to get connections that are logged in as the tenant itself, until `leave` is called. Waits for its turn when all connections are
   * taken. Throws TenantBusy, or the signal's reason.
   */
  enter(server: string, schema: string, signal?: AbortSignal): Promise<{ readonly source: Source; leave(): void }>
  /** Connections that there may be. */
  readonly budget: number
  /** Connections that are reserved at present, never above the budget. */
  readonly reserved: number
  close(): Promise<void>
}

/** Connections of one tenant on one server. */
export const LOGIN_POOL_MAX = 2
const PATIENCE = 5_000
const MOST_WAITING = 1_000
/** A connection whose other end is gone never finishes saying goodbye. */
const GOODBYE = 1_000

/** The password of a tenant's own login role (D16). Nobody ever types it. */
export const tenantPassword = (secret: string, schema: string): string =>
  deriveKey(secret, 'tenant-login-password', schema).toString('base64url')

/** 28P01: another password. 28000: no login, as for a tenant that is fenced. */
export const isLoginRefused = (error: unknown): boolean =>
  error instanceof DatabaseUnavailable && (sqlState(error.cause) ?? '').startsWith('28')

interface Own {
  readonly key: string
  readonly pool: pg.Pool
  readonly source: Source
  calls: number
}

interface Waiter {
  readonly key: string
  readonly admit: () => void
}

/**
 * Small pools, one for each tenant and server, within one budget for the process. Only a pool without calls is ever ended, the one that was
 * idle longest first, and its connections are closed before others are opened. First come, first served: when there is no room, calls of
 * tenants that have a pool wait behind those that have none, so that busy tenants cannot keep theirs for ever.
 */
export function createTenantLogins(options: TenantLoginsOptions): TenantLogins {
  const { patience = PATIENCE } = options
  const most = Math.max(1, Math.floor(options.connections / LOGIN_POOL_MAX))
  /** In the order of their last use. */
  const pools = new Map<string, Own>()
  const waiting: Waiter[] = []
  let ending = 0
  let closed = false

  /** Takes a place in the tenant's pool, made when there is room for it; null: there is none yet. */
  function take(key: string): Own | null {
    const found = pools.get(key)
    if (found === undefined && pools.size + ending >= most) return null
    const own = found ?? make(key)
    own.calls += 1
    pools.delete(key)
    pools.set(key, own)
    return own
  }

  function make(key: string): Own {
    const [server = '', schema = ''] = key.split(' ')
    const logins = options.secrets.map((secret) => ({
      url: options.url(server),
      user: schema,
      password: tenantPassword(secret, schema),
    }))
    let present = 0
    const limits = { max: LOGIN_POOL_MAX, maxLifetime: options.maxLifetime }
    const pool = createPool(logins[0] ?? { url: options.url(server), user: schema }, limits, options.pipeline)
    const source = {
      async connect() {
        for (let tries = 1; ; tries += 1) {
          const used = present
          try {
            return await pool.connect()
          } catch (error) {
            const told = named(error)
            if (!isLoginRefused(told) || tries >= logins.length) throw told
            // Another call may have gone on to the next password meanwhile.
            if (present === used) present = (used + 1) % logins.length
            const next = logins[present]
            if (next !== undefined) relogin(pool, next)
          }
        }
      },
    }
    return { key, pool, source, calls: 0 }
  }

  /** Ends the pool that was idle longest; its connections count until they are closed. */
  function evict(): boolean {
    const idle = [...pools.values()].find(({ calls }) => calls === 0)
    if (idle === undefined) return false
    pools.delete(idle.key)
    ending += 1
    void goodbye(idle.pool).finally(() => {
      ending -= 1
      serve()
    })
    return true
  }

  function serve(): void {
    for (let [head] = waiting; head !== undefined; [head] = waiting) {
      if (!pools.has(head.key) && pools.size + ending >= most) {
        // One that is being ended already is room for the first; it is served then.
        if (ending === 0) evict()
        return
      }
      waiting.shift()
      head.admit()
    }
  }

  async function room(key: string, signal: AbortSignal | undefined): Promise<Own> {
    if (waiting.length >= MOST_WAITING) throw new TenantBusy('too many calls wait for connections of their own')
    return await new Promise<Own>((resolve, reject) => {
      const forget = (): void => {
        clearTimeout(late)
        signal?.removeEventListener('abort', abort)
      }
      const waiter = {
        key,
        admit: () => {
          forget()
          const own = take(key)
          if (own === null) reject(new Error('there was room and there is none'))
          else resolve(own)
        },
      }
      const leave = (reason: unknown): void => {
        forget()
        const at = waiting.indexOf(waiter)
        if (at !== -1) waiting.splice(at, 1)
        reject(reason instanceof Error ? reason : new Error('aborted', { cause: reason }))
        serve()
      }
      const late = setTimeout(leave, patience, new TenantBusy('no connections came free for this tenant in time'))
      const abort = (): void => leave(signal?.reason)
      signal?.addEventListener('abort', abort)
      waiting.push(waiter)
      serve()
    })
  }

  return {
    budget: most * LOGIN_POOL_MAX,
    async enter(server, schema, signal) {
      signal?.throwIfAborted()
      if (closed) throw new DatabaseUnavailable('the database was closed')
      const key = `${server} ${schema}`
      const own = (waiting.length === 0 ? take(key) : null) ?? (await room(key, signal))
      let left = false
      return {
        source: own.source,
        leave() {
          if (left) return
          left = true
          own.calls -= 1
          serve()
        },
      }
    },
    get reserved() {
      return (pools.size + ending) * LOGIN_POOL_MAX
    },
    async close() {
      closed = true
      const all = [...pools.values()]
      pools.clear()
      await Promise.allSettled(all.map(async ({ pool }) => await pool.end()))
    },
  }
}

async function goodbye(pool: pg.Pool): Promise<void> {
  let late: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    late = setTimeout(resolve, GOODBYE).unref()
  })
  await Promise.race([pool.end().catch(() => {}), patience])
  clearTimeout(late)
}
