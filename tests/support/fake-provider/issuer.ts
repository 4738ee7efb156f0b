import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import type { Clock } from '#base/clock.ts'
import { seconds } from '#base/clock.ts'
import type { Answer, FakeServer, Question } from './server.ts'

export type Claims = Readonly<Record<string, unknown>>
type SigningKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

export interface IssuerOptions {
  /** Where it is served and the first part of its endpoints' names: `<path>/discovery`, `/jwks`, `/introspect`, `/userinfo`. */
  readonly path: string
  /** Default: its URL. Something else for issuers whose real name the product holds as a constant (Google, Auth0). */
  readonly iss?: string
  readonly jwksPath?: string
  readonly algorithm?: 'RS256' | 'ES256' | 'EdDSA'
  /** Changes the discovery document. */
  readonly metadata?: Claims
}

/** An OpenID issuer with real keys. Endpoints: `<path>/discovery`, `<path>/jwks`, `<path>/introspect`, `<path>/userinfo`. */
export interface FakeIssuer {
  readonly iss: string
  readonly url: string
  /** Where its keys are. */
  readonly jwksUri: string
  /**
   * A JWT: `iss`, `iat` (now) and `exp` (in an hour) are set unless given; a claim given as undefined is left out.
   * Header: `alg`, `kid` and `typ: 'JWT'` likewise.
   */
  sign(claims: Claims, header?: Claims): Promise<string>
  /** New key; the old one leaves the key set unless `keepOld`. Returns the new kid. */
  rotate(options?: { readonly keepOld?: boolean }): Promise<string>
  /** Replaces what the JWKS endpoint serves. */
  serveKeys(keys: readonly JWK[]): Promise<void>
  keys(): Promise<readonly JWK[]>
  /** An opaque token whose introspection answers `answer` (RFC 7662), beside active, iat, exp and iss; undefined leaves out. */
  grantOpaque(answer: Claims): string
  revokeOpaque(token: string): void
  /** What userinfo answers for a token, opaque or not. */
  setUserinfo(token: string, answer: Claims): void
}

/** The only client that may introspect. */
export const INTROSPECTOR = { clientId: 'gatehouse', clientSecret: 'introspection-secret' } as const

const defined = (claims: Claims): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))

export const bearerOf = ({ headers }: Question): string => /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? ''

export const basicOf = ({ headers }: Question): string =>
  Buffer.from(/^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '', 'base64').toString()

export function addIssuer(server: FakeServer, clock: Clock, options: IssuerOptions): FakeIssuer {
  const algorithm = options.algorithm ?? 'ES256'
  const url = `${server.url}/${options.path}`
  const iss = options.iss ?? url
  const jwksPath = options.jwksPath ?? `/${options.path}/jwks`
  const introspections = new Map<string, Claims>()
  const people = new Map<string, Claims>()
  let served: readonly JWK[] = []
  let signing: { readonly kid: string; readonly key: SigningKey } | null = null

  async function rotate({ keepOld = false } = {}): Promise<string> {
    const { publicKey, privateKey } = await generateKeyPair(algorithm)
    const kid = randomUUID()
    served = [...(keepOld ? served : []), { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' }]
    signing = { kid, key: privateKey }
    return kid
  }
  // Made when first needed: a test that signs nothing should not wait for an RSA key.
  let first: Promise<string> | null = null
  const ready = async (): Promise<void> => void (await (first ??= rotate()))

  server.route('GET', `/${options.path}/.well-known/openid-configuration`, `${options.path}/discovery`, () => ({
    status: 200,
    body: defined({
      issuer: iss,
      jwks_uri: `${server.url}${jwksPath}`,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      userinfo_endpoint: `${url}/userinfo`,
      introspection_endpoint: `${url}/introspect`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [algorithm],
      code_challenge_methods_supported: ['S256'],
      ...options.metadata,
    }),
  }))
  server.route('GET', jwksPath, `${options.path}/jwks`, async () => {
    await ready()
    return { status: 200, body: { keys: served } }
  })
  server.route('POST', `/${options.path}/introspect`, `${options.path}/introspect`, (question): Answer => {
    if (basicOf(question) !== `${INTROSPECTOR.clientId}:${INTROSPECTOR.clientSecret}`) {
      return { status: 401, body: { error: 'invalid_client' } }
    }
    const answer = introspections.get(new URLSearchParams(question.body).get('token') ?? '')
    return { status: 200, body: answer ?? { active: false } }
  })
  server.route('GET', `/${options.path}/userinfo`, `${options.path}/userinfo`, (question): Answer => {
    const person = people.get(bearerOf(question))
    return person === undefined ? { status: 401, body: { error: 'invalid_token' } } : { status: 200, body: person }
  })

  return {
    iss,
    url,
    jwksUri: `${server.url}${jwksPath}`,
    async sign(claims, header = {}) {
      await ready()
      if (signing === null) throw new Error('no key was made')
      const now = seconds(clock)
      return await new SignJWT(defined({ iss, iat: now, exp: now + 3600, ...claims }))
        .setProtectedHeader({ alg: algorithm, ...defined({ typ: 'JWT', kid: signing.kid, ...header }) })
        .sign(signing.key)
    },
    async rotate(options) {
      await ready()
      return await rotate(options)
    },
    async serveKeys(keys) {
      await ready()
      served = keys
    },
    async keys() {
      await ready()
      return served
    },
    grantOpaque(answer) {
      const token = `opaque-${randomUUID()}`
      const now = seconds(clock)
      introspections.set(token, defined({ active: true, iss, iat: now, exp: now + 3600, ...answer }))
      return token
    },
    revokeOpaque: (token) => void introspections.delete(token),
    setUserinfo: (token, answer) => void people.set(token, answer),
  }
}
