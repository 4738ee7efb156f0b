import { bareHost, isLoopbackHost, isPublicAddress, urlOf } from './address.ts'
import { isIP } from 'node:net'
import type { Client } from './clients.ts'

/** What an authorization server lets a client do, as its metadata says (RFC 8414 section 2). */
export interface IssuerFacts {
  readonly issuer: string
  /** `registration_endpoint`: clients register themselves (RFC 7591). */
  readonly registration: boolean
  /** `client_id_metadata_document_supported`. */
  readonly client_metadata: boolean
  /** `none` in `token_endpoint_auth_methods_supported`: a client needs no secret. */
  readonly public_clients: boolean
  /** `S256` in `code_challenge_methods_supported`; without it clients must not go on (MCP authorization). */
  readonly pkce: boolean
  /** `authorization_response_iss_parameter_supported` (RFC 9207). */
  readonly iss_parameter: boolean
}

export interface OutlookFacts {
  /** The MCP endpoint as people type it. */
  readonly url: string
  /** The one clients use: the first of `authorization_servers`. null: nobody can sign in, only keys. */
  readonly issuer: IssuerFacts | null
  /** Why nobody can sign in there at the moment, whatever the issuer can do; null: nothing is known to be wrong. */
  readonly broken: string | null
}

/**
 * `works`: paste the address and sign in. `client-id`: with an OAuth client that the operator made at the provider. `key`: with an API
 * key only. `no`: not at all.
 */
export type Verdict = 'works' | 'client-id' | 'key' | 'no'

export interface Outlook {
  readonly verdict: Verdict
  /** One sentence without a full stop. */
  readonly why: string
}

/** Gatehouse as the authorization server in front of its providers: it takes every kind of client. */
export const brokerFacts = (publicUrl: string): IssuerFacts => ({
  issuer: publicUrl,
  registration: true,
  client_metadata: true,
  public_clients: true,
  pkce: true,
  iss_parameter: true,
})

/** Providers that register nobody, by host: they also want a secret from every client, except where said. */
const CLOSED: Readonly<Record<string, 'secret' | 'no secret'>> = {
  'accounts.google.com': 'secret',
  'github.com': 'secret',
  'login.microsoftonline.com': 'no secret',
}

const closed = (issuer: string): 'secret' | 'no secret' | undefined => CLOSED[urlOf(issuer)?.hostname ?? '']

/** Is it known here what this issuer lets clients do, so that it need not be asked? */
export const isKnownIssuer = (issuer: string): boolean => closed(issuer) !== undefined

/** What to expect of an issuer that was not asked: for known closed ones the truth, for the rest that it registers clients. */
export const expectedFacts = (issuer: string): IssuerFacts => {
  const known = closed(issuer)
  return {
    issuer,
    registration: known === undefined,
    client_metadata: false,
    public_clients: known !== 'secret',
    pkce: true,
    iss_parameter: false,
  }
}

/** Could a client in somebody else's network reach it: https, and neither this machine nor a private address? Looks no name up. */
export function isPublicUrl(text: string): boolean {
  const url = urlOf(text)
  if (url === null || url.protocol !== 'https:') return false
  const host = bareHost(url)
  if (isIP(host) !== 0) return isPublicAddress(host)
  return !isLoopbackHost(host) && host.includes('.') && !/\.(?:local|localhost|internal|test|home\.arpa)$/.test(host)
}

/** Will this client connect here, and how? Judged by published facts; it asks nobody. */
export function outlook(client: Client, { url, issuer, broken }: OutlookFacts): Outlook {
  if (client.calls === 'cloud' && !isPublicUrl(url))
    return { verdict: 'no', why: 'it calls from its vendor’s network, which reaches public https addresses only' }
  const fallback = (why: string): Outlook =>
    client.header ? { verdict: 'key', why: `with an API key: ${why}` } : { verdict: 'no', why }

  if (client.redirect_uris.length === 0) return fallback('nobody is there to sign in')
  if (broken !== null) return fallback(broken)
  if (issuer === null) return fallback('no provider offers sign-in')
  if (!issuer.pkce) return fallback(`${issuer.issuer} does not say that it knows PKCE with S256`)
  if (issuer.client_metadata && client.client_metadata !== null && fits(client, issuer))
    return { verdict: 'works', why: 'signs in, known by its own metadata document' }
  if (issuer.registration && client.registers) return { verdict: 'works', why: 'signs in, registers itself' }

  const host = urlOf(issuer.issuer)?.host ?? issuer.issuer
  if (client.own_client === 'none') return fallback(`${host} does not register it, and it takes no client id`)
  const needsSecret = closed(issuer.issuer) === 'secret'
  if (client.own_client === 'id' && needsSecret) return fallback(`${host} wants a client secret, and it takes none`)
  const secret = needsSecret ? ' and secret' : issuer.public_clients ? '' : ' (and secret, where it wants one)'
  return { verdict: 'client-id', why: `with a client id${secret} made at ${host}` }
}

/** What some clients ask for before they use their metadata document. */
function fits({ id }: Client, { public_clients, iss_parameter }: IssuerFacts): boolean {
  if (id === 'claude') return public_clients
  return id === 'chatgpt' ? iss_parameter : true
}
