import { createHash } from 'node:crypto'
import { isObject, textOf, textsOf, type JsonObject } from './json.ts'

/** How a client proves itself at the token endpoint (RFC 6749 section 2.3). */
export type ClientProof = 'none' | 'client_secret_basic' | 'client_secret_post'

/** One sign-in: who may be asked for what, and the tokens. */
export interface Login {
  /** The identifier of the protected metadata, to the letter (RFC 9728): the only place the token may be sent to. */
  readonly resource: string
  readonly issuer: string
  readonly client_id: string
  /** What was asked for and what was granted. */
  readonly scopes: readonly string[]
  /** What was granted (RFC 6749 section 5.1); a refresh may ask for no more. */
  readonly granted: readonly string[]
  readonly token_endpoint: string
  readonly revocation_endpoint: string | null
  readonly proof: ClientProof
  /** Is `resource` sent to the issuer (RFC 8707)? Some refuse it. */
  readonly resource_indicator: boolean
  /** NumericDate; null: the issuer did not say. */
  readonly expires_at: number | null
  /** Why a person has to sign in again; null: they need not. */
  readonly ended: string | null
  /** Milliseconds since the epoch. */
  readonly updated: number
  readonly access_token: string
  readonly refresh_token: string | null
  readonly client_secret: string | null
}

/** What identifies a login (D39). */
export type LoginKey = Pick<Login, 'resource' | 'issuer' | 'client_id'>

const SECRET = ['access_token', 'refresh_token', 'client_secret'] as const

/** A name for a file; says nothing of what it was made from. */
export const fileName = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 32)

export const idOf = ({ resource, issuer, client_id }: LoginKey): string => fileName(resource, issuer, client_id)

/** What may lie open in the file, and what is secret. */
export function split(login: Login): { readonly open: JsonObject; readonly secret: JsonObject } {
  const open: Record<string, unknown> = { ...login }
  const secret: Record<string, unknown> = {}
  for (const name of SECRET) {
    secret[name] = login[name]
    delete open[name]
  }
  return { open, secret }
}

/** null: not a login of a version we know. */
export function loginOf(open: unknown, secret: unknown): Login | null {
  if (!isObject(open) || !isObject(secret)) return null
  const [resource, issuer, client_id] = [textOf(open['resource']), textOf(open['issuer']), textOf(open['client_id'])]
  const [token_endpoint, access_token] = [textOf(open['token_endpoint']), textOf(secret['access_token'])]
  if (resource === null || issuer === null || client_id === null || token_endpoint === null || access_token === null)
    return null
  return {
    resource,
    issuer,
    client_id,
    scopes: textsOf(open['scopes']),
    granted: textsOf(open['granted']),
    token_endpoint,
    revocation_endpoint: textOf(open['revocation_endpoint']),
    proof: proofOf(open['proof']) ?? 'none',
    resource_indicator: open['resource_indicator'] !== false,
    expires_at: typeof open['expires_at'] === 'number' ? open['expires_at'] : null,
    ended: textOf(open['ended']),
    updated: typeof open['updated'] === 'number' ? open['updated'] : 0,
    access_token,
    refresh_token: textOf(secret['refresh_token']),
    client_secret: textOf(secret['client_secret']),
  }
}

/** A registration at an issuer (RFC 7591), with the redirect address it was made for. */
export interface Registration {
  readonly issuer: string
  readonly client_id: string
  readonly redirect_uri: string
  readonly proof: ClientProof
  readonly client_secret: string | null
}

export function registrationOf(value: unknown): Registration | null {
  if (!isObject(value)) return null
  const [issuer, client_id] = [textOf(value['issuer']), textOf(value['client_id'])]
  const [redirect_uri, proof] = [textOf(value['redirect_uri']), proofOf(value['proof'])]
  if (issuer === null || client_id === null || redirect_uri === null || proof === null) return null
  return { issuer, client_id, redirect_uri, proof, client_secret: textOf(value['client_secret']) }
}

export const proofOf = (value: unknown): ClientProof | null =>
  value === 'none' || value === 'client_secret_basic' || value === 'client_secret_post' ? value : null
