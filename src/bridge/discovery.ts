import type { ServerMetadata } from 'openid-client'
import { urlOf } from '#base/address.ts'
import { FetchFailed, type GuardedFetch } from '#base/fetch.ts'
import { bearerChallenge, type Challenge } from './challenge.ts'
import { BridgeFailure } from './failure.ts'
import { isObject, textOf, textsOf, type JsonObject } from './json.ts'
import { modernMeta } from './meta.ts'
import type { Outgoing, OutgoingRequest } from './outgoing.ts'
import { covers, isSafe, shown } from './target.ts'

/** Who issues tokens for a server, and what it wants. */
export interface Discovered {
  /** To the letter as published: it is sent back so (RFC 8707). */
  readonly resource: string
  readonly issuer: string
  readonly server: ServerMetadata
  /** What the server's own refusal asked for; empty when it named none. */
  readonly challenged: readonly string[]
  /** `scopes_supported` of the protected resource; empty when it names none. */
  readonly offered: readonly string[]
}

export interface DiscoveryParts {
  readonly outgoing: Outgoing
  readonly fetch: GuardedFetch
}

/**
 * Asks the server without a token and follows what it says: RFC 9728 metadata, then RFC 8414 or OpenID metadata of the issuer, in the
 * order of the MCP specification (basic/authorization). Checked: the resource covers the URL (D39), the issuer equals its own metadata
 * to the letter, PKCE S256 is offered, the endpoints are safe to use.
 * @param wanted the issuer to take when the server names several; the first by default.
 * @throws BridgeFailure `refused` for what breaks a rule, `unavailable` for what did not answer.
 */
export async function discover(url: URL, parts: DiscoveryParts, wanted: string | null): Promise<Discovered> {
  const challenge = await probe(url, parts.outgoing)
  const metadata = await protectedResource(url, challenge, parts.fetch)
  const resource = textOf(metadata['resource'])
  if (resource === null || !covers(resource, url))
    throw new BridgeFailure(
      'refused',
      `the metadata of ${shown(url)} speaks of another resource: no token is asked for`,
    )
  const issuers = textsOf(metadata['authorization_servers'])
  const issuer = wanted === null ? issuers[0] : issuers.find((one) => one === wanted)
  if (issuer === undefined)
    throw new BridgeFailure(
      'refused',
      `${shown(url)} names no such authorization server; it names: ${issuers.join(', ')}`,
    )
  return {
    resource,
    issuer,
    server: await authorizationServer(issuer, parts.fetch),
    challenged: challenge?.scopes ?? [],
    offered: textsOf(metadata['scopes_supported']),
  }
}

/** The refusal of a request that everybody needs a right for; null when there was none. */
async function probe(url: URL, outgoing: Outgoing): Promise<Challenge | null> {
  const message = { jsonrpc: '2.0', id: 'sign-in', method: 'tools/list', params: { _meta: modernMeta() } }
  const signal = AbortSignal.timeout(10_000)
  const asked: OutgoingRequest = {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/list',
    },
    body: JSON.stringify(message),
    signal,
  }
  const answer = await outgoing.send(url, asked).catch((error: unknown) => {
    if (signal.aborted) throw new BridgeFailure('unavailable', `${shown(url)} did not answer in time`)
    throw error
  })
  answer.body.destroy()
  return answer.status === 401 ? bearerChallenge(answer.headers['www-authenticate']) : null
}

/** RFC 9728 section 3: where the refusal says, else at the path of the server, else at the root. */
async function protectedResource(url: URL, challenge: Challenge | null, fetch: GuardedFetch): Promise<JsonObject> {
  const path = url.pathname.replace(/\/$/, '')
  const wellKnown = `${url.origin}/.well-known/oauth-protected-resource`
  const named = challenge?.resourceMetadata ?? null
  const places = named === null ? [`${wellKnown}${path}${url.search}`, wellKnown] : [named]
  const found = await firstOf([...new Set(places)], fetch)
  if (found !== null) return found.document
  throw new BridgeFailure(
    'refused',
    challenge === null
      ? `${shown(url)} asks for no sign-in and publishes no metadata for one (RFC 9728)`
      : `${shown(url)} wants a sign-in but its metadata is not where it should be (RFC 9728)`,
  )
}

/** RFC 8414 section 3.1 and OpenID Discovery section 4, in the order of the MCP specification. */
async function authorizationServer(issuer: string, fetch: GuardedFetch): Promise<ServerMetadata> {
  const url = urlOf(issuer)
  if (url === null || !isSafe(url) || url.search !== '' || url.hash !== '')
    throw new BridgeFailure('refused', 'the authorization server that is named is not a https URL')
  const path = url.pathname.replace(/\/$/, '')
  const at = (name: string): string => `${url.origin}/.well-known/${name}${path}`
  const places = [at('oauth-authorization-server'), at('openid-configuration')]
  if (path !== '') places.push(`${url.origin}${path}/.well-known/openid-configuration`)
  const found = await firstOf(places, fetch)
  if (found === null) throw new BridgeFailure('refused', `${shown(url)} publishes no metadata (RFC 8414)`)
  const { document } = found
  // RFC 8414 section 3.3, to the letter: otherwise one issuer could speak for another.
  if (document['issuer'] !== issuer)
    throw new BridgeFailure('refused', `${shown(url)} calls itself by another name in its metadata: it is not believed`)
  if (!textsOf(document['code_challenge_methods_supported']).includes('S256'))
    throw new BridgeFailure(
      'refused',
      `${shown(url)} does not say that it checks PKCE with S256: no sign-in without it`,
    )
  for (const name of ENDPOINTS) {
    const endpoint = document[name]
    const needed = name === 'authorization_endpoint' || name === 'token_endpoint'
    if (endpoint === undefined && !needed) continue
    const to = urlOf(textOf(endpoint) ?? '')
    if (to === null || !isSafe(to))
      throw new BridgeFailure('refused', `the ${name} of ${shown(url)} is not a https URL`)
  }
  return { ...document, issuer }
}

const ENDPOINTS = [
  'authorization_endpoint',
  'token_endpoint',
  'registration_endpoint',
  'device_authorization_endpoint',
  'revocation_endpoint',
] as const

/** The first place that has a document. "Not here" is 3xx (which is not followed) and 4xx; anything else is no answer at all. */
async function firstOf(
  places: readonly string[],
  fetch: GuardedFetch,
): Promise<{ readonly document: JsonObject } | null> {
  for (const place of places) {
    try {
      const { body } = await fetch.json(place)
      if (isObject(body)) return { document: body }
    } catch (error) {
      if (!(error instanceof FetchFailed)) throw error
      const absent = error.kind === 'status' && error.status !== null && error.status < 500 && error.status !== 429
      if (absent || error.kind === 'not_json') continue
      throw new BridgeFailure(error.kind === 'refused' ? 'refused' : 'unavailable', error.message)
    }
  }
  return null
}
