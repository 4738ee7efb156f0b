import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { DIRECT_LANE } from '../support/direct-lane.ts'
import { query } from '../support/cluster.ts'
import { startFakeProvider } from '../support/fake-provider.ts'
import { freePort } from '../support/free-port.ts'
import { startPostgres } from '../support/postgres.ts'
import { startReplica, type Replica } from '../support/processes.ts'
import { startBouncer, type Bouncer } from './bouncer.ts'
import { Ledger } from './ledger.ts'
import { newMark } from './mark.ts'
import { openRegistry, type OpenRegistry } from './registry.ts'

export interface StormOptions {
  readonly tenants: number
  readonly processes: number
  readonly calls: number
  /** Calls under way at once. */
  readonly callers: number
  /** How Node starts the program: its source, or what was built. */
  readonly program: readonly string[]
  /** The executable of PgBouncer to put between servers and Postgres; null: straight. */
  readonly bouncer: string | null
}

/** Cut off from this moment of its COMMIT until `to`, where it was let in again; milliseconds since the epoch. */
export interface Window {
  readonly from: number
  to: number
}

export interface Token {
  readonly kind: 'oidc' | 'shared-secret' | 'api-key' | 'static-key'
  readonly text: string
  /** Of an API key. */
  readonly id: string | null
  /** When it was revoked. */
  readonly closed: Window[]
}

export interface StormTenant {
  readonly slug: string
  readonly mark: string
  readonly ledger: Ledger
  readonly tokens: Token[]
  readonly closed: Window[]
}

export interface World {
  readonly tenants: readonly StormTenant[]
  readonly replicas: readonly Replica[]
  readonly registry: OpenRegistry
  /** Any SQL as superuser. */
  sql<Row extends object>(text: string): Promise<Row[]>
  /** A new API key of a tenant. */
  key(tenant: StormTenant): Promise<Token>
  close(): Promise<void>
}

const HOUR = 3_600_000

/** Postgres, an issuer, the servers, and tenants with people and keys. */
export async function makeWorld(options: StormOptions): Promise<World> {
  const ends: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end()
  }
  try {
    // With the moment of each COMMIT: a cut-off counts from there.
    const cluster = await startPostgres({ track_commit_timestamp: 'on' })
    ends.push(async () => await cluster.stop())
    const direct = `postgres://postgres@localhost/storm?host=${encodeURIComponent(cluster.host)}`
    await query(direct.replace('/storm', '/postgres'), 'CREATE DATABASE storm')
    const bouncer = options.bouncer === null ? null : await startBouncer(options.bouncer, cluster)
    if (bouncer !== null) ends.push(async () => await bouncer.stop())
    const fake = await startFakeProvider()
    ends.push(async () => await fake.close())
    const issuer = fake.issuer({ path: 'oidc' })
    const dataDir = await mkdtemp(join(tmpdir(), 'storm-'))
    ends.push(async () => await rm(dataDir, { recursive: true, force: true }))

    const ports = await Promise.all(Array.from({ length: options.processes }, freePort))
    const publicUrl = `http://127.0.0.1:${ports[0]}`
    const secret = randomBytes(32).toString('hex')
    const staticKey = randomBytes(32).toString('hex')
    const env = {
      PUBLIC_URL: publicUrl,
      DATA_DIR: dataDir,
      SESSION_SECRET: randomBytes(32).toString('hex'),
      RATE_LIMIT: 'off',
      ...DIRECT_LANE,
      LOG_LEVEL: 'error',
      OIDC_ISSUER: issuer.iss,
      OIDC_AUDIENCE: `${publicUrl}/mcp`,
      OIDC_DOMAINS: '*',
      JWT_SECRET_KEY: secret,
      JWT_ISSUER: 'https://shared.storm.test',
      JWT_TRUST_TENANT_CLAIM: 'true',
      API_KEY: staticKey,
      API_KEY_TENANT: 'storm_0',
    }
    const replicas = await Promise.all(
      ports.map(async (port) => {
        const replica = await startReplica(
          { ...env, ...databaseOf(direct, bouncer), PORT: String(port) },
          { program: options.program },
        )
        ends.push(async () => await replica.end('SIGKILL'))
        return replica
      }),
    )
    const registry = await openRegistry({ ...env, PORT: String(ports[0]), DATABASE_URL: direct })
    ends.push(registry.close)

    const key = async ({ slug }: Pick<StormTenant, 'slug'>): Promise<Token> => {
      const { text, id } = await registry.key(slug)
      return { kind: 'api-key', text, id, closed: [] }
    }
    const tenants: StormTenant[] = []
    for (let number = 0; number < options.tenants; number++) {
      const [slug, mark] = [`storm_${number}`, newMark()]
      await registry.tenant(slug, `storm-${number}.test`)
      const person = { sub: `${mark}-person`, email: `person@storm-${number}.test`, email_verified: true }
      const at = { aud: `${publicUrl}/mcp`, client_id: 'storm', scope: 'openid' }
      const exp = Math.floor((Date.now() + 2 * HOUR) / 1000)
      const oidc = await issuer.sign({ ...person, ...at, exp }, { typ: 'at+jwt' })
      const shared = await new SignJWT({ tenant: slug })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuer(env.JWT_ISSUER)
        .setSubject(`${mark}-system`)
        .setAudience(at.aud)
        .setIssuedAt()
        .setExpirationTime(exp)
        .sign(Buffer.from(secret))
      tenants.push({
        slug,
        mark,
        ledger: new Ledger(),
        closed: [],
        tokens: [
          { kind: 'oidc', text: oidc, id: null, closed: [] },
          { kind: 'shared-secret', text: shared, id: null, closed: [] },
          await key({ slug }),
          await key({ slug }),
          ...(number === 0 ? [{ kind: 'static-key' as const, text: staticKey, id: null, closed: [] }] : []),
        ],
      })
    }
    return { tenants, replicas, registry, key, sql: async (text) => await query(direct, text), close }
  } catch (error) {
    await close()
    throw error
  }
}

const databaseOf = (direct: string, bouncer: Bouncer | null): Record<string, string> =>
  bouncer === null
    ? { DATABASE_URL: direct }
    : { DATABASE_URL: bouncer.url('storm'), DATABASE_DIRECT_URL: direct, DATABASE_ADMIN_URL: direct }
