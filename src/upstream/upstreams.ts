import { TtlCache } from '#base/cache.ts'
import type { Clock } from '#base/clock.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Log } from '#base/log.ts'
import { fieldsOf, tenantUrl, type TenantUpstream, type UpstreamConfig } from '#base/upstream.ts'
import { createClient, type ClientParts, type Upstream, type UpstreamCall } from './client.ts'
import { UpstreamError } from './error.ts'
import { createLane } from './lane.ts'
import { createSession, type Session } from './session.ts'
import { pause } from './wait.ts'

export interface UpstreamsOptions extends Partial<Pick<ClientParts, 'pause' | 'trace' | 'observed'>> {
  readonly configs: readonly UpstreamConfig[]
  readonly fetch: Pick<GuardedFetch, 'bytes'>
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
  /** What a tenant (by id) has of its own; null: nothing. */
  readonly own: (tenant: string, upstream: string) => Promise<TenantUpstream | null>
}

/** The APIs that tools may call. */
export interface Upstreams {
  /** What a call's `context.upstream` is. It throws Error, a bug of tool or configuration, when there is no upstream of that name. */
  bind(call: UpstreamCall): (name?: string) => Upstream
}

/** Sessions held; each is a login that another process, or the same one later, can do again. */
const SESSIONS = { max: 10_000, ttl: 43_200_000 }

export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const { configs, clock } = options
  const sessions = new TtlCache<Session>({ max: SESSIONS.max, clock })
  const makers = new Map(configs.map((config) => [config.name, createMaker(config, options, sessions)]))
  return {
    bind:
      (call) =>
      (name = 'default') => {
        const make = makers.get(name)
        if (make !== undefined) return make(call)
        const variable = name === 'default' ? 'UPSTREAM_URL' : `UPSTREAM_${name.toUpperCase()}_URL`
        throw new Error(`there is no upstream ${name}: ${variable} is not set`)
      },
  }
}

function createMaker(
  config: UpstreamConfig,
  options: UpstreamsOptions,
  sessions: TtlCache<Session>,
): (call: UpstreamCall) => Upstream {
  const { name, auth, timeout, maxBytes, concurrency } = config
  const { fetch, clock, log } = options
  const lane = createLane({ upstream: name, clock, concurrency, patience: timeout })

  /**
   * A tenant's own URL is only ever asked with the tenant's own credentials, and by the rules for URLs of strangers (D30); the operator's
   * credentials go to the operator's URL alone.
   */
  async function standing(tenant: string): Promise<Awaited<ReturnType<ClientParts['standing']>>> {
    const own = auth.kind === 'none' ? null : await options.own(tenant, name)
    const fields = own === null ? config.shared : own.fields
    const untrusted = own !== null && own.url !== null
    const url = untrusted && config.tenantMay === 'url' ? tenantUrl(own.url ?? '') : untrusted ? null : config.url
    if (fields === null || url === null || !fits(config, Object.keys(fields))) {
      const detail = own === null ? 'none set' : 'what is set is not of the kind that is configured now'
      throw new UpstreamError('no_credentials', name, { detail })
    }
    const key = own === null ? name : `${name} ${tenant} ${own.version}`
    const held = sessions.get(key)
    if (held !== undefined) return { url, untrusted, session: held }
    const session = createSession(auth, {
      upstream: name,
      url,
      untrusted,
      fields,
      fetch,
      clock,
      timeout,
      told: (status) =>
        log.warn(
          { upstream: name, tenant: own === null ? null : tenant, status },
          'an upstream does not accept the credentials it was given',
        ),
    })
    sessions.set(key, session, SESSIONS.ttl)
    return { url, untrusted, session }
  }

  return (call) =>
    createClient(
      {
        name,
        auth,
        timeout,
        maxBytes,
        lane,
        fetch,
        clock,
        standing: async () => await standing(call.tenant),
        pause: options.pause ?? pause,
        trace: options.trace ?? (() => ({})),
        observed: options.observed ?? (() => {}),
      },
      call,
    )
}

function fits({ auth }: UpstreamConfig, given: readonly string[]): boolean {
  const wanted = fieldsOf(auth)
  return given.length === wanted.length && wanted.every((field) => given.includes(field))
}
