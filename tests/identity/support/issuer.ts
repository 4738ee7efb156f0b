import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { pino } from 'pino'
import { createGuardedFetch, type GuardedFetch } from '#base/fetch.ts'
import { createKeySet, type KeySet, type KeySetOptions } from '#identity/jwks.ts'
import { createTestClock, type TestClock } from './clock.ts'
import { json, startServer, type TestServer } from './server.ts'

export const ISSUER = 'https://idp.example'
export const AUDIENCE = 'https://gatehouse.example/mcp'
const silent = pino({ level: 'silent' })

export interface SigningKey {
  readonly kid: string
  readonly alg: 'RS256' | 'ES256' | 'EdDSA'
  readonly privateKey: KeyObject
  /** As it is published. */
  readonly jwk: Record<string, unknown>
}

export function makeKey(kid: string, alg: SigningKey['alg'] = 'RS256', bits = 2048): SigningKey {
  const { privateKey, publicKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: bits })
      : alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519')
  return { kid, alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } }
}

export const b64 = (value: string | Uint8Array): string => Buffer.from(value).toString('base64url')

/** A correctly signed compact JWS over whatever is given: objects become JSON, strings and bytes stay as they are. */
export function forge(
  key: SigningKey,
  header: Record<string, unknown> | string,
  payload: Record<string, unknown> | string | Uint8Array,
): string {
  const raw = (part: typeof payload): string | Uint8Array =>
    typeof part === 'string' || part instanceof Uint8Array ? part : JSON.stringify(part)
  const input = `${b64(raw(header))}.${b64(raw(payload))}`
  const data = Buffer.from(input)
  const signature =
    key.alg === 'ES256'
      ? sign('sha256', data, { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
      : sign(key.alg === 'EdDSA' ? null : 'sha256', data, key.privateKey)
  return `${input}.${b64(signature)}`
}

export function forgeHmac(
  secret: string | Uint8Array,
  header: Record<string, unknown>,
  payload: Record<string, unknown>,
): string {
  const input = `${b64(JSON.stringify(header))}.${b64(JSON.stringify(payload))}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** Claims that pass, at this time. */
export function goodClaims(clock: TestClock, more: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(clock.now() / 1000)
  return { iss: ISSUER, sub: 'alice', aud: AUDIENCE, iat: now - 10, exp: now + 3600, ...more }
}

export interface Issuer {
  readonly clock: TestClock
  readonly fetch: GuardedFetch
  /** Serves the key set at every path. */
  readonly server: TestServer
  readonly key: SigningKey
  /** Publishes these keys from now on. */
  publish(keys: readonly unknown[], headers?: Record<string, string>): void
  keySet(options?: Partial<KeySetOptions>): KeySet
  /** A good token, but for what is given. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): string
  close(): Promise<void>
}

/** An issuer whose keys are served over real HTTP and whose time stands still. */
export async function startIssuer(key: SigningKey = makeKey('k1')): Promise<Issuer> {
  const clock = createTestClock()
  const server = await startServer(json({ keys: [key.jwk] }))
  const fetch = createGuardedFetch({ allowPrivate: true })
  return {
    clock,
    fetch,
    server,
    key,
    publish: (keys, headers) => server.answer(json({ keys }, headers)),
    keySet: (options = {}) =>
      createKeySet({
        issuer: ISSUER,
        jwksUri: async () => await Promise.resolve(`${server.url}/jwks`),
        algorithms: ['RS256'],
        fetch,
        clock,
        log: silent,
        ...options,
      }),
    token: (claims = {}, header = {}) =>
      forge(key, { alg: key.alg, kid: key.kid, typ: 'JWT', ...header }, goodClaims(clock, claims)),
    async close() {
      await fetch.close()
      await server.close()
    },
  }
}
