import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How a token is signed. */
export type Algorithm = 'RS256' | 'ES256' | 'EdDSA'
export type Claims = Readonly<Record<string, unknown>>

/** An OpenID issuer on this machine: discovery, keys, and tokens made as fast as may be. */
export interface Issuer {
  readonly url: string
  readonly jwksUri: string
  /** An access token for the next twelve hours. */
  token(algorithm: Algorithm, claims: Claims): string
  close(): Promise<void>
}

export const AUDIENCE = 'gatehouse-bench'

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const lifetime = (): Claims => {
  const now = Math.floor(Date.now() / 1000)
  return { iat: now, exp: now + 43_200 }
}

const HOW: Readonly<Record<Algorithm, (text: Buffer, key: KeyObject) => Buffer>> = {
  RS256: (text, key) => sign('sha256', text, key),
  ES256: (text, key) => sign('sha256', text, { key, dsaEncoding: 'ieee-p1363' }),
  EdDSA: (text, key) => sign(null, text, key),
}

/** A token of the shared secret (HS256). */
export function sharedToken(secret: string, claims: Claims): string {
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...lifetime(), ...claims })}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

export async function startIssuer(): Promise<Issuer> {
  const keys = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: generateKeyPairSync('ed25519'),
  }
  const algorithms: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA']
  const jwks = {
    keys: algorithms.map((alg) => ({ ...keys[alg].publicKey.export({ format: 'jwk' }), kid: alg, alg, use: 'sig' })),
  }
  const server = createServer((request, response) => {
    const found = request.url === '/jwks' ? jwks : discovery()
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(found))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const discovery = (): object => ({
    issuer: url,
    jwks_uri: `${url}/jwks`,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
  })
  return {
    url,
    jwksUri: `${url}/jwks`,
    token(algorithm, claims) {
      const text = `${part({ alg: algorithm, typ: 'JWT', kid: algorithm })}.${part({ iss: url, aud: AUDIENCE, ...lifetime(), ...claims })}`
      return `${text}.${HOW[algorithm](Buffer.from(text), keys[algorithm].privateKey).toString('base64url')}`
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
