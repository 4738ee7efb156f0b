import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '#base/clock.ts'
import { Refusal } from '#base/refusal.ts'
import { createSeal } from '#base/seal.ts'
import type { Identity } from '#identity/identity.ts'
import type { Upstream } from './upstream.ts'

/** Seconds from the login page to the callback. */
export const SESSION_FLOW_LIFE = 600

/** One sign-in to the console under way, sealed in this browser's cookie (D24). */
const SessionFlow = z.strictObject({
  provider: z.string().max(64),
  state: z.string().length(43),
  nonce: z.string().length(43),
  code_verifier: z.string().length(43),
  /** A path of the console, checked. */
  return_to: z.string().max(512),
  /** Milliseconds; when the provider was told to ask the person anew, else null. */
  asked: z.number().int().nullable(),
})

export interface SessionFlowOptions {
  readonly publicUrl: string
  readonly secrets: readonly string[]
  readonly clock: Clock
  readonly upstreams: readonly Upstream[]
}

/** What a provider sent the browser back with; each parameter at most once. */
export interface Arrival {
  readonly state: string
  readonly code: string | null
  readonly iss: string | null
  readonly error: string | null
}

export interface SessionFlows {
  /**
   * @param fresh the provider is to ask the person anew.
   * @throws Refusal `request_malformed` (no such provider), `provider_unavailable`.
   */
  begin(asked: { readonly provider: string; readonly return_to: string; readonly fresh: boolean }): Promise<{
    /** Where the browser goes. */
    readonly url: string
    /** What the browser must bring back, and under which name. */
    readonly cookie: string
    readonly sealed: string
  }>
  /** The name of the cookie of the sign-in with this state. */
  cookie(state: string): string
  /**
   * Everything local is judged before the provider is asked, so that no guess can burn a code (D24, D28).
   * @param sealed the cookie's value.
   * @throws Refusal `sign_in_lost` (not begun in this browser, too late, another provider), `sign_in_denied` (the provider or the person said
   * no), `grant_invalid`, `provider_unavailable`.
   */
  finish(
    provider: string,
    arrival: Arrival,
    sealed: string,
  ): Promise<{ readonly identity: Identity; readonly return_to: string; readonly asked: number | null }>
}

const random = (): string => randomBytes(32).toString('base64url')
/** The seal's binding: a flow of an MCP client's sign-in never opens as one of the console, nor one of another state. */
const bindingOf = (state: string): string => `console ${state}`

/** Signing in to the console is an OpenID Connect code flow of our own, with PKCE and nonce; the browser that began it must finish it. */
export function createSessionFlows({ publicUrl, secrets, clock, upstreams }: SessionFlowOptions): SessionFlows {
  const seal = createSeal({
    purpose: 'flow',
    issuer: publicUrl,
    schema: SessionFlow,
    life: SESSION_FLOW_LIFE,
    secrets,
    clock,
  })
  const redirectUri = (provider: string): string => `${publicUrl}/console/callback/${provider}`
  const upstream = (id: string): Upstream | undefined => upstreams.find((one) => one.id === id)
  // With an http PUBLIC_URL (loopback) browsers would refuse the prefix.
  const prefix = publicUrl.startsWith('https:') ? '__Host-' : ''
  const cookie = (state: string): string =>
    `${prefix}gh_console_${createHash('sha256').update(state).digest('base64url').slice(0, 22)}`

  return {
    cookie,
    async begin({ provider, return_to, fresh }) {
      const at = upstream(provider)
      if (at === undefined) throw new Refusal('request_malformed', { detail: 'no such provider to sign in with' })
      const secret = { state: random(), nonce: random(), code_verifier: random() }
      const url = await at.authorizationUrl({ ...secret, redirect_uri: redirectUri(provider), fresh })
      const flow = { provider, ...secret, return_to, asked: fresh ? clock.now() : null }
      return { url, cookie: cookie(secret.state), sealed: seal.seal(flow, bindingOf(secret.state)) }
    },
    async finish(provider, { state, code, iss, error }, sealed) {
      const flow = seal.open(sealed, bindingOf(state))
      const at = upstream(provider)
      if (flow === null || flow.state !== state || flow.provider !== provider || at === undefined)
        throw new Refusal('sign_in_lost', { detail: 'the cookie of this sign-in is missing, old, or of another one' })
      // Before anything of the answer is believed, an error too (RFC 9207 section 2.4).
      await at.assertIssuer(iss)
      if (error !== null) throw new Refusal('sign_in_denied', { detail: `${provider} answered ${errorWord(error)}` })
      if (code === null || code === '') throw new Refusal('sign_in_lost', { detail: 'neither a code nor an error' })
      const { nonce, code_verifier, return_to, asked } = flow
      const { identity } = await at.redeem({ code, redirect_uri: redirectUri(provider), nonce, code_verifier })
      return { identity, return_to, asked }
    },
  }
}

/** RFC 6749 section 4.1.2.1: a word; anything else is somebody's text. */
const errorWord = (error: string): string => (/^[a-z_]{1,64}$/.test(error) ? error : 'an error that is no word')
