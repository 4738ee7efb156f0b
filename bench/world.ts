import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SETTINGS } from '#base/settings.ts'
import { openRegistry, type OpenRegistry } from '../tests/storm/registry.ts'
import { query } from '../tests/support/cluster.ts'
import { freePort } from '../tests/support/free-port.ts'
import { startPostgres } from '../tests/support/postgres.ts'
import { BUILT } from '../tests/support/processes.ts'
import type { Cores } from './cores.ts'
import { AUDIENCE, startIssuer, type Issuer } from './issuer.ts'
import { startServer, type Running } from './processes.ts'

/** Everything on this machine that a measurement needs besides the generator. */
export interface World {
  readonly issuer: Issuer
  /** Whoever is measured: a person of the tenant `acme`, RS256. */
  readonly token: string
  /** Of HS256 tokens; they carry `tenant`. */
  readonly secret: string
  readonly sharedIssuer: string
  /** Of the first tenant. */
  readonly staticKey: string
  /** Folder of Postgres' socket. */
  readonly socket: string
  /** The database, as this user. */
  databaseUrl(user: string): string
  /** Any SQL as superuser. */
  sql<Row extends object>(text: string): Promise<Row[]>
  readonly registry: OpenRegistry
  /** Gatehouse as it was built. The same settings give the same process, unless a fresh one is wanted. */
  gatehouse(settings?: Settings, start?: HowToStart): Promise<Running>
  /** A file of bench/servers/ (TypeScript) or bench/peers/ (JavaScript). */
  server(file: string, env?: Settings): Promise<Running>
  /** A file that goes with the world. */
  file(name: string, content: string): Promise<string>
  close(): Promise<void>
}

interface HowToStart {
  /** Arguments of Node. */
  readonly node?: readonly string[]
  /** A file for what it prints. */
  readonly output?: string
  /** Another process, even if one with these settings runs. */
  readonly fresh?: boolean
}

type Settings = Readonly<Record<string, string>>

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
export const TOOLS = at('tools')

/** Without and with the line per request. The older setting does the same until there is one for it. */
export const LOG_OFF: Settings = 'REQUEST_LOG' in SETTINGS ? { REQUEST_LOG: 'off' } : { LOG_LEVEL: 'warn' }
export const LOG_ON: Settings = { LOG_LEVEL: 'info' }

/**
 * Postgres, an issuer, one tenant `acme`; servers are started when they are asked for.
 *
 * @param settings of every Gatehouse, beside those that a measurement needs
 */
export async function makeWorld(cores: Cores | null, settings: Settings): Promise<World> {
  const ends: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end()
  }
  try {
    const cluster = await startPostgres({
      max_connections: '300',
      shared_buffers: '512MB',
      max_locks_per_transaction: '256',
    })
    ends.push(async () => await cluster.stop())
    const databaseUrl = (user: string): string =>
      `postgres://${user}@localhost/bench?host=${encodeURIComponent(cluster.host)}`
    await query(databaseUrl('postgres').replace('/bench', '/postgres'), 'CREATE DATABASE bench')
    const home = await mkdtemp(join(tmpdir(), 'bench-'))
    await chmod(home, 0o700)
    ends.push(async () => await rm(home, { recursive: true, force: true }))
    const issuer = await startIssuer()
    ends.push(issuer.close)
    const secret = randomBytes(32).toString('hex')
    const sharedIssuer = 'https://shared.bench.test'
    const staticKey = randomBytes(32).toString('hex')
    const env = {
      DATA_DIR: home,
      DATABASE_URL: databaseUrl('postgres'),
      SESSION_SECRET: randomBytes(32).toString('hex'),
      OIDC_ISSUER: issuer.url,
      OIDC_AUDIENCE: AUDIENCE,
      OIDC_DOMAINS: '*',
      JWT_SECRET_KEY: secret,
      JWT_ISSUER: sharedIssuer,
      JWT_AUDIENCE: AUDIENCE,
      JWT_TRUST_TENANT_CLAIM: 'true',
      API_KEY: staticKey,
      API_KEY_TENANT: 'acme',
      RATE_LIMIT: 'off',
      TOOLS_DIR: TOOLS,
      ...settings,
    }
    const started = new Map<string, Promise<Running>>()
    /** One process for one key; it ends with the world. */
    const once = async (key: string, start: () => Promise<Running>): Promise<Running> => {
      const known = started.get(key)
      if (known !== undefined) return await known
      const running = start().then((server) => {
        ends.push(server.end)
        return server
      })
      started.set(key, running)
      return await running
    }
    const gatehouse: World['gatehouse'] = async (settings = LOG_OFF, { node = [], output, fresh = false } = {}) =>
      await once(fresh ? randomUUID() : JSON.stringify(settings), async () => {
        const port = await freePort()
        return await startServer({
          args: [...node, ...BUILT, 'serve'],
          env: { ...env, PUBLIC_URL: `http://127.0.0.1:${port}`, ...settings },
          port,
          ready: '/readyz',
          cores,
          ...(output === undefined ? {} : { output }),
        })
      })
    // The first start migrates, so that there is a registry to make tenants in.
    await gatehouse()
    const registry = await openRegistry({ ...env, PUBLIC_URL: 'http://127.0.0.1:3000' })
    ends.push(registry.close)
    await registry.tenant('acme', 'acme.test')
    const person = { sub: 'alice', email: 'alice@acme.test', email_verified: true, name: 'Alice Archer' }
    const token = issuer.token('RS256', person)
    return {
      issuer,
      token,
      secret,
      sharedIssuer,
      staticKey,
      socket: cluster.host,
      databaseUrl,
      sql: async (text) => await query(databaseUrl('postgres'), text),
      registry,
      gatehouse,
      server: async (file, settings = {}) =>
        await once(JSON.stringify([file, settings]), async () => {
          const port = await freePort()
          const loader = file.endsWith('.ts') ? ['--import', 'tsx'] : []
          const known = { TOKEN: token, ISSUER: issuer.url, AUDIENCE, JWKS_URI: issuer.jwksUri }
          return await startServer({ args: [...loader, at(file)], env: { ...known, ...settings }, port, cores })
        }),
      async file(name, content) {
        const path = join(home, name)
        await writeFile(path, content)
        return path
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
