import { crc32 } from 'node:zlib'
import { makeApiKey } from '#identity/api-key.ts'
import { seconds } from '#base/clock.ts'
import { forge, makeKey, type SigningKey } from '../identity/support/issuer.ts'
import { gatehouse } from '../support/command.ts'
import {
  startFakeProvider,
  GITHUB_CLIENT,
  INTROSPECTOR,
  type FakeIssuer,
  type FakeProvider,
} from '../support/fake-provider.ts'
import { startFakeServer, type Answer as Answered, type FakeServer } from '../support/fake-provider/server.ts'
import { until } from '../support/until.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { raw, request, type Answer } from './wire.ts'

export const AUDIENCE = 'https://gatehouse.test/mcp'
export const CLIENT = 'gatehouse-client'
export const GOOGLE_CLIENT = '1234-gatehouse.apps.googleusercontent.com'
export const ENTRA_TENANT = '11111111-2222-3333-4444-555555555555'
export const SHARED_ISSUER = 'https://portal.acme.test'
export const SHARED_SECRET = 'a shared secret that is long enough for HS256'

const crowded = (right: Answered): Answered => ({
  ...right,
  body: { keys: [...(right.body as { keys: unknown[] }).keys, ...Array.from({ length: 100 }, () => ({ kty: 'oct' }))] },
})

/** Broken from the start: the server has never seen their keys. */
const BROKEN = [
  ['cold', 'error'],
  ['redirect', 'redirect'],
  ['huge', 'huge'],
  ['bomb', 'bomb'],
  ['trickle', 'trickle'],
  ['crowd', crowded],
] as const

type Claims = Record<string, unknown>
type SignOptions = { readonly claims?: Claims; readonly header?: Claims; readonly key?: SigningKey }

/** Issuers of which each network row breaks one of its own, so that rows do not meet. All ES256, pinned to the tenant acme. */
const FRAGILE = [
  'flood',
  'held',
  'cold',
  'redirect',
  'huge',
  'bomb',
  'crowd',
  'trickle',
  'emptied',
  'namesake',
  'inward',
] as const
export type Fragile = (typeof FRAGILE)[number]

/** The whole server, whoever may vouch for people, and an attacker's server that nobody may ever ask. */
export interface World {
  readonly server: RunningGatehouse
  /** The same on the same database, with limits on. */
  readonly limited: RunningGatehouse
  readonly fake: FakeProvider
  readonly attacker: FakeServer
  /** The issuer `main`: RS256 and ES256, domains acme.test. */
  readonly main: FakeIssuer
  /** Its tokens carry our scopes. Pinned to acme, as `second`, `opaque` and the fragile ones are. */
  readonly scoped: FakeIssuer
  /** Access tokens of RFC 9068 only. */
  readonly second: FakeIssuer
  readonly entra: FakeIssuer
  readonly opaque: FakeIssuer
  readonly fragile: Readonly<Record<Fragile, FakeIssuer>>
  readonly keys: typeof KEYS
  /** Every token that was made here, for the search of the logs. */
  readonly secrets: Set<string>
  advance(milliseconds: number): void
  now(): number
  /** A good token of Alice at `main`, but for what is given. */
  token(options?: SignOptions): string
  /** The same, header and claims as the very text. */
  forged(header: string | Claims, payload: string | Claims | Uint8Array, key?: SigningKey): string
  /** An API key of the tenant acme. */
  key(...options: readonly string[]): Promise<{ readonly id: string; readonly key: string }>
  /** `whoami` over MCP, told by this Authorization header. */
  call(token: string, more?: Readonly<Record<string, string>>): Promise<Answer>
  /** The same with raw header lines instead. */
  rawCall(lines: readonly string[], target?: string): Promise<Answer>
  raw(bytes: string): Promise<Answer>
  close(): Promise<void>
}

const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami', arguments: {} } }
const ACCEPT = 'application/json, text/event-stream'

const KEYS = {
  good: makeKey('good'),
  ec: makeKey('ec', 'ES256'),
  /** Whoever attacks: published nowhere. */
  evil: makeKey('good'),
  evilEc: makeKey('ec', 'ES256'),
  encryption: makeKey('encryption'),
  operations: makeKey('operations'),
  short: makeKey('short', 'RS256', 1024),
  published: makeKey('published'),
  twin: makeKey('twin'),
  unlabelled: makeKey('unlabelled'),
} as const

/** What `main` publishes: two good keys among everything that must not count. */
function publishedKeys(): Record<string, unknown>[] {
  const { good, ec, encryption, operations, short, published, twin, unlabelled } = KEYS
  const { alg: _, ...withoutAlg } = unlabelled.jwk
  return [
    good.jwk,
    ec.jwk,
    { ...encryption.jwk, use: 'enc' },
    { ...operations.jwk, use: undefined, key_ops: ['encrypt'] },
    short.jwk,
    { ...good.jwk, kid: 'exponent', e: 'AQ' },
    published.privateKey.export({ format: 'jwk' }),
    { ...published.privateKey.export({ format: 'jwk' }), kid: 'published', alg: 'RS256' },
    {
      kty: 'oct',
      kid: 'secret',
      alg: 'HS256',
      k: Buffer.from('a symmetric key in a public key set').toString('base64url'),
    },
    twin.jwk,
    { ...makeKey('twin').jwk },
    withoutAlg,
  ]
}

export async function startWorld(): Promise<World> {
  // Stands still but for `advance`, so that no row depends on how fast this machine is.
  let now = Date.now()
  const clock = { now: () => now }
  const fake = await startFakeProvider({ clock })
  const attacker = await startFakeServer()
  const main = fake.issuer({ path: 'main', algorithm: 'RS256' })
  const scoped = fake.issuer({ path: 'scoped' })
  const opaque = fake.issuer({ path: 'opaque' })
  const entra = fake.issuer({ path: `entra/${ENTRA_TENANT}/v2.0` })
  const second = fake.issuer({ path: 'second' })
  const fragile = Object.fromEntries(
    FRAGILE.map((path) => [
      path,
      fake.issuer({ path, ...(path === 'inward' ? { metadata: { jwks_uri: 'http://169.254.169.254/keys' } } : {}) }),
    ]),
  ) as Record<Fragile, FakeIssuer>
  // The document names another issuer, so its keys must never be used.
  fake.behave('namesake/discovery', (right) => ({ ...right, body: { ...(right.body as object), issuer: second.iss } }))
  await main.serveKeys(publishedKeys())
  for (const [name, how] of BROKEN) fake.behave(`${name}/jwks`, how)

  const issuer = (name: string, at: FakeIssuer, more: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries({ ISSUER: at.iss, AUDIENCE, ...more }).map(([setting, value]) => [
        `OIDC_${name.toUpperCase()}_${setting}`,
        value,
      ]),
    )
  const common = {
    UNMAPPED_DOMAINS: 'reject',
    PERSONAL_TENANTS: 'off',
    ...issuer('main', main, { CLIENT_ID: CLIENT, DOMAINS: 'acme.test,kiosk.test', ALGORITHMS: 'RS256,ES256' }),
  }
  const env = {
    ...common,
    GOOGLE_CLIENT_ID: GOOGLE_CLIENT,
    GITHUB_CLIENT_ID: GITHUB_CLIENT.clientId,
    GITHUB_CLIENT_SECRET: GITHUB_CLIENT.clientSecret,
    JWT_SECRET_KEY: SHARED_SECRET,
    JWT_ISSUER: SHARED_ISSUER,
    JWT_AUDIENCE: AUDIENCE,
    JWT_DOMAINS: 'acme.test',
    ...issuer('scoped', scoped, { TENANT: 'acme', SCOPES: 'true' }),
    ...issuer('second', second, { TENANT: 'acme', TOKEN_USE: 'access_token' }),
    ...issuer('entra', entra, { DOMAINS: 'acme.test', TENANT_IDS: ENTRA_TENANT }),
    ...issuer('opaque', opaque, {
      TENANT: 'acme',
      INTROSPECTION: 'true',
      INTROSPECTION_CLIENT_ID: INTROSPECTOR.clientId,
      INTROSPECTION_CLIENT_SECRET: INTROSPECTOR.clientSecret,
    }),
    ...Object.assign(
      {},
      ...FRAGILE.map((name) => issuer(name, fragile[name], { TENANT: 'acme', ALGORITHMS: 'ES256' })),
    ),
  } as Readonly<Record<string, string>>
  const parts = { clock, endpoints: fake.endpoints }
  const server = await startGatehouse({ kind: 'postgres', env: { ...env, RATE_LIMIT: 'off' }, parts })
  const limited = await startGatehouse({ kind: 'postgres', env: common, parts, beside: server })
  for (const line of [
    'tenant create acme',
    'tenant create globex',
    'domain add acme acme.test --asserted-by main,google,entra',
    'domain add acme kiosk.test --asserted-by main',
  ]) {
    const { exit, stderr } = await gatehouse(server, line)
    if (exit !== 0) throw new Error(`${line}: ${stderr}`)
  }

  const secrets = new Set<string>()
  const kept = (token: string): string => {
    secrets.add(token)
    return token
  }
  const { host } = new URL(server.url)
  await until(() => fake.hits('google/jwks') > 0 && FRAGILE.every((name) => fake.hits(`${name}/discovery`) > 0), 10_000)
  const world: World = {
    server,
    limited,
    fake,
    attacker,
    main,
    scoped,
    second,
    entra,
    opaque,
    fragile,
    keys: KEYS,
    secrets,
    advance: (milliseconds) => void (now += milliseconds),
    now: () => seconds(clock),
    token: ({ claims = {}, header = {}, key = KEYS.good } = {}) => {
      const now = seconds(clock)
      const said = { alg: key.alg, kid: key.kid, typ: 'JWT', ...header }
      return kept(forge(key, said, { ...alice(main.iss), aud: AUDIENCE, iat: now, exp: now + 3600, ...claims }))
    },
    forged: (header, payload, key = KEYS.good) => kept(forge(key, header, payload)),
    async key(...options) {
      const made = await gatehouse(server, ['key', 'create', 'acme', '--name', 'row', '--json', ...options])
      if (made.exit !== 0) throw new Error(made.stderr)
      const { id, key }: { id: string; key: string } = made.json()
      return { id, key: kept(key) }
    },
    async call(token, more = {}) {
      kept(token)
      const answer = await fetch(server.mcp, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: ACCEPT, authorization: `Bearer ${token}`, ...more },
        body: JSON.stringify(CALL),
      })
      return { status: answer.status, headers: answer.headers, text: await answer.text() }
    },
    rawCall: async (lines, target = 'POST /mcp') =>
      await raw(
        server.url,
        request(
          target,
          [`Host: ${host}`, 'Content-Type: application/json', `Accept: ${ACCEPT}`, ...lines],
          JSON.stringify(CALL),
        ),
      ),
    raw: async (bytes) => await raw(server.url, bytes),
    async close() {
      await limited.close()
      await server.close()
      await fake.close()
      await attacker.close()
    },
  }
  return world
}

export const alice = (iss: string): Record<string, unknown> => ({
  iss,
  sub: 'alice-1',
  email: 'alice@acme.test',
  email_verified: true,
})

/** A key that is well formed, with the id of one and the secret of another. */
export function withSecretOf(key: string, other: string = makeApiKey().key): string {
  const [id, secret] = [key.split('_')[2] ?? '', other.split('_')[3] ?? '']
  const body = `gh_key_${id}_${secret}`
  return `${body}_${crc32(body).toString(16).padStart(8, '0')}`
}
