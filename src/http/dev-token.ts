import { createPrivateKey, sign } from 'node:crypto'
import { ConfigError } from '#base/config.ts'
import { uuidv7 } from '#base/id.ts'
import { people, personClaims } from './dev-people.ts'
import { openDevState } from './dev-state.ts'

/** Seconds an access token of the development issuer lives. */
export const DEV_TOKEN_TTL = 3600
/** Where the development issuer lives: its issuer is PUBLIC_URL followed by this. */
export const DEV_PREFIX = '/dev'

export interface DevTokenRequest {
  /** Absolute path of DATA_DIR. */
  readonly dataDir: string
  /** No trailing slash. */
  readonly publicUrl: string
  /** One of the people of the development issuer. */
  readonly email: string
  /** Milliseconds since the epoch; default now. */
  readonly now?: number
}

const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * An access token exactly as the development issuer signs it (RFC 9068), made from its key in DATA_DIR: for scripts and a first `curl`.
 * Makes the key when there is none yet, so it may run before the server. Throws ConfigError for an address nobody has.
 */
export async function mintDevToken({ dataDir, publicUrl, email, now = Date.now() }: DevTokenRequest): Promise<string> {
  const person = [...people.values()].find((one) => one.email === email)
  if (person === undefined) {
    throw new ConfigError([
      `nobody has the address ${email} here; there are ${[...people.values()].map((one) => one.email).join(', ')}`,
    ])
  }
  const { key } = await openDevState(dataDir)
  const iat = Math.floor(now / 1000)
  const claims = {
    iss: `${publicUrl}${DEV_PREFIX}`,
    aud: `${publicUrl}/mcp`,
    sub: person.sub,
    client_id: 'dev-token',
    jti: uuidv7(now),
    iat,
    exp: iat + DEV_TOKEN_TTL,
    ...personClaims(person),
  }
  const signed = `${segment({ alg: 'ES256', typ: 'at+jwt', kid: key.kid })}.${segment(claims)}`
  const signature = sign('sha256', Buffer.from(signed), {
    key: createPrivateKey({ key, format: 'jwk' }),
    dsaEncoding: 'ieee-p1363',
  })
  return `${signed}.${signature.toString('base64url')}`
}
