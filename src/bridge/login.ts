import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  initiateDeviceAuthorization,
  pollDeviceAuthorizationGrant,
  randomPKCECodeVerifier,
  randomState,
  type Configuration,
  type TokenEndpointResponse,
} from 'openid-client'
import type { Clock } from '#base/clock.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import { listenForCallback, type Callback } from './callback.ts'
import { discover, type Discovered } from './discovery.ts'
import { BridgeFailure } from './failure.ts'
import { guardFor } from './guard.ts'
import { errorCodeOf, issuerFailure, issuerOf, type IssuerClient } from './issuer.ts'
import { scopesOf, textOf, textsOf, union } from './json.ts'
import type { Login } from './login-record.ts'
import type { Outgoing } from './outgoing.ts'
import { pasted } from './paste.ts'
import { printable } from './printable.ts'
import { knownClient, register, type GivenClient } from './registration.ts'
import type { Store } from './store.ts'

export interface LoginRequest {
  readonly url: URL
  readonly client: GivenClient
  /** Asked for instead of what the server names; null: what the server names. */
  readonly scopes: readonly string[] | null
  /** `browser`: comes back to this machine. `paste`: the person brings the address. `device`: a code is typed elsewhere (RFC 8628). */
  readonly way: 'browser' | 'paste' | 'device'
  /** Where the browser comes back; null: any port. */
  readonly port: number | null
  /** Which of several issuers; null: the first. */
  readonly issuer: string | null
  /** false: for issuers that refuse RFC 8707. */
  readonly resourceIndicator: boolean
  /** Registers anew even if a registration is held. */
  readonly registerAnew: boolean
  /** More for the authorization request, as some issuers want it (`access_type=offline`). */
  readonly extra: Readonly<Record<string, string>>
  /** Milliseconds that the person has. */
  readonly timeout: number
}

export interface LoginParts {
  readonly store: Store
  readonly clock: Clock
  readonly outgoing: Outgoing
  readonly tell: (line: string) => void
  /** Shows the page to the person; the address was told already. */
  readonly open: (url: URL) => void
  /** Lines the person types, for `paste`. */
  readonly input: AsyncIterable<unknown>
}

/**
 * Signs a person in and keeps the result for every local client.
 * @throws BridgeFailure: `refused` when a rule was broken or somebody said no, `unavailable` when somebody did not answer or the time
 * was up, `usage` when this issuer needs a client that was not given.
 */
export async function login(request: LoginRequest, parts: LoginParts): Promise<Login> {
  const { url, issuer, way, timeout } = request
  const { store, clock, tell } = parts
  // Before anybody signs in: can it be kept at all?
  await store.where()
  const fetch = await guardFor(url)
  const deadline = AbortSignal.timeout(timeout)
  try {
    const found = await discover(url, { outgoing: parts.outgoing, fetch }, issuer)
    const { server } = found
    const scopes = await scopesFor(request, found, store)
    const byDevice = way === 'device' && server.device_authorization_endpoint !== undefined
    if (way === 'device' && !byDevice)
      tell(`${server.issuer} knows no sign-in with a device code: bring the address of the last page instead.`)
    const attempt = { request, parts, found, scopes, fetch, deadline }
    const { tokens, client } = byDevice ? await withDevice(attempt) : await withBrowser(attempt)
    if (tokens.token_type !== 'bearer')
      throw new BridgeFailure('refused', `${server.issuer} issued a token of a kind this program cannot send`)
    const made: Login = {
      ...client,
      resource: found.resource,
      issuer: found.issuer,
      granted: tokens.scope === undefined ? scopes : scopesOf(tokens.scope),
      scopes: union(scopes, scopesOf(tokens.scope)),
      token_endpoint: textOf(server.token_endpoint) ?? '',
      revocation_endpoint: textOf(server.revocation_endpoint),
      resource_indicator: request.resourceIndicator,
      expires_at: tokens.expires_in === undefined ? null : Math.floor(clock.now() / 1000) + tokens.expires_in,
      ended: null,
      updated: clock.now(),
      access_token: tokens.access_token,
      refresh_token: tokens.refresh_token ?? null,
    }
    await store.alone(made, async () => await store.save(made))
    await store.saveMissing(url, [])
    return made
  } finally {
    await fetch.close()
  }
}

interface Attempt {
  readonly request: LoginRequest
  readonly parts: LoginParts
  readonly found: Discovered
  readonly scopes: readonly string[]
  readonly fetch: GuardedFetch
  readonly deadline: AbortSignal
}

interface SignedIn {
  readonly tokens: TokenEndpointResponse
  readonly client: Pick<Login, 'client_id' | 'client_secret' | 'proof'>
}

/**
 * Scopes to ask for (MCP basic/authorization, scope selection): what the person says, else what the server's refusal names, else all
 * the resource offers. With them what calls were refused for, and then what was asked before, so that a step up loses nothing; and
 * `offline_access` where the issuer lists it, because without it everybody signs in again every hour.
 */
async function scopesFor({ url, scopes }: LoginRequest, found: Discovered, store: Store): Promise<readonly string[]> {
  const missing = await store.missing(url)
  const before = missing.length === 0 ? null : await store.find(url)
  const named = scopes ?? (found.challenged.length > 0 ? found.challenged : found.offered)
  const offline = textsOf(found.server.scopes_supported).filter((scope) => scope === 'offline_access')
  return union(named, before?.scopes ?? [], missing, offline)
}

async function withBrowser(attempt: Attempt): Promise<SignedIn> {
  const { request, parts, found, scopes, fetch, deadline } = attempt
  const state = randomState()
  const verifier = randomPKCECodeVerifier()
  const { client, callback } = await clientAndCallback(attempt, state)
  try {
    const issuer = issuerOf(found.server, client, fetch)
    const resource = request.resourceIndicator ? { resource: found.resource } : {}
    const page = buildAuthorizationUrl(issuer, {
      ...request.extra,
      redirect_uri: callback.redirectUri,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
      ...resource,
    })
    const paste = request.way !== 'browser'
    parts.tell(`Open this page to sign in:\n\n  ${page.href}\n`)
    if (paste) parts.tell('Then paste the address of the page where you end, even if that page does not load:')
    else parts.open(page)
    const arrival = await Promise.race([
      callback.arrival,
      ...(paste ? [pasted(parts.input, callback.redirectUri, state, parts.tell)] : []),
      over(deadline, request.timeout),
    ])
    try {
      const checks = { pkceCodeVerifier: verifier, expectedState: state }
      const tokens = await authorizationCodeGrant(issuer, arrival.url, checks, resource)
      arrival.show('well')
      return { tokens, client }
    } catch (error) {
      arrival.show('badly')
      if (errorCodeOf(error) === 'invalid_client') await parts.store.forgetRegistration(found.issuer)
      throw asRefusal(error)
    }
  } finally {
    callback.close()
  }
}

/** The client, and an ear at the address it is registered with: a held registration counts only while its port is free. */
async function clientAndCallback(
  { request, parts, found, fetch }: Attempt,
  state: string,
): Promise<{ readonly client: IssuerClient; readonly callback: Callback }> {
  const { store } = parts
  const port = request.port ?? 0
  const known = knownClient(found.server, request.client)
  if (known !== null) return { client: known, callback: await listen(port, state) }
  const before = await store.find(request.url)
  const lost = before?.ended === 'invalid_client' || before?.ended === 'unauthorized_client'
  const held = request.registerAnew || lost ? null : await store.registration(found.issuer)
  if (held !== null) {
    const heldPort = Number(new URL(held.redirect_uri).port)
    const callback =
      request.port === null || request.port === heldPort ? await listenForCallback(heldPort, state) : null
    if (callback !== null) return { client: held, callback }
  }
  const callback = await listen(port, state)
  try {
    const client = await register(found.server, callback.redirectUri, fetch)
    await store.saveRegistration(client)
    return { client, callback }
  } catch (error) {
    callback.close()
    throw error
  }
}

async function listen(port: number, state: string): Promise<Callback> {
  const callback = await listenForCallback(port, state)
  if (callback === null) throw new BridgeFailure('unavailable', `port ${port} is taken; choose another with --port`)
  return callback
}

async function withDevice(attempt: Attempt): Promise<SignedIn> {
  const { request, parts, found, scopes, fetch, deadline } = attempt
  const known = knownClient(found.server, request.client)
  const held = request.registerAnew ? null : await parts.store.registration(found.issuer)
  const client = known ?? held ?? (await register(found.server, 'http://127.0.0.1/callback', fetch))
  const issuer: Configuration = issuerOf(found.server, client, fetch)
  const resource = request.resourceIndicator ? { resource: found.resource } : {}
  try {
    const scope = scopes.length === 0 ? {} : { scope: scopes.join(' ') }
    const device = await initiateDeviceAuthorization(issuer, { ...resource, ...scope })
    parts.tell(`Open ${printable(device.verification_uri)} on any device and type this code:\n`)
    parts.tell(`  ${printable(device.user_code)}\n`)
    const tokens = await Promise.race([
      pollDeviceAuthorizationGrant(issuer, device, resource, { signal: deadline }),
      over(deadline, request.timeout),
    ])
    return { tokens, client }
  } catch (error) {
    throw asRefusal(error)
  }
}

/** Rejects when the person's time is up. */
async function over(deadline: AbortSignal, timeout: number): Promise<never> {
  await new Promise((resolve) => deadline.addEventListener('abort', resolve, { once: true }))
  throw new BridgeFailure('unavailable', `nobody signed in within ${Math.round(timeout / 1000)} seconds`)
}

/** In a sign-in a broken answer is not taken. */
const asRefusal = (error: unknown): BridgeFailure => issuerFailure(error, 'the sign-in failed', 'refused')
