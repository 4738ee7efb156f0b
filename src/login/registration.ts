import { z } from 'zod'
import { seconds, type Clock } from '#base/clock.ts'
import type { LoginConfig } from '#base/config-login.ts'
import { isScope } from '#base/config-values.ts'
import { Refusal } from '#base/refusal.ts'
import { createSeal, type Seal } from '#base/seal.ts'
import { claimedName } from './client-name.ts'
import { createRedirectRules, portless } from './redirect.ts'

/** What a registered client_id holds, sealed: nothing is stored. */
const Registration = z.strictObject({
  name: z.string().max(160).nullable(),
  redirect_uris: z.array(z.string().max(2048)).min(1).max(5),
})
export type Registration = z.infer<typeof Registration>

/** Redirects of one registration (D27); loopback ones that differ in the port only are one. */
const MOST_REDIRECTS = 5
/** Characters of a client_id (D27). */
const MOST_CLIENT_ID = 1500
/**
 * Ten years. A client keeps its client_id for good and does not register again when it fails, so it ends with the secrets it was made
 * under, when the operator drops them (D25), or by the operator's lists; not by age.
 */
const LIFE = 10 * 365 * 86_400

export interface RegistrationOptions {
  /** PUBLIC_URL. */
  readonly publicUrl: string
  /** SESSION_SECRET: the first seals, all open. */
  readonly secrets: readonly string[]
  readonly clock: Clock
  readonly login: LoginConfig
}

export const registrationSeal = ({ publicUrl, secrets, clock }: RegistrationOptions): Seal<Registration> =>
  createSeal({ purpose: 'registration', issuer: publicUrl, schema: Registration, life: LIFE, secrets, clock })

/**
 * What a client sends (RFC 7591 section 2), as far as it matters here; the rest is ignored as section 2 allows. Some libraries write
 * null for what they do not have.
 */
const Asked = z.looseObject({
  redirect_uris: z.array(z.string()).min(1).max(100),
  client_name: z.string().nullish(),
  scope: z.string().max(1024).nullish(),
})

export interface Registrar {
  /**
   * A new client (RFC 7591 section 3.2.1): public whatever it asked for, with the redirects of its list that are allowed here.
   * Does NOT prove who it is: its name stays a claim.
   * @throws Refusal `registration_invalid` (its form, or too long), `redirect_invalid` (none of its redirects is allowed).
   */
  register(body: unknown): Promise<object>
}

export function createRegistrar(options: RegistrationOptions): Registrar {
  const seal = registrationSeal(options)
  const rules = createRedirectRules(options.login)
  return {
    async register(body) {
      const asked = Asked.safeParse(body)
      if (!asked.success) throw new Refusal('registration_invalid', { detail: placeOf(asked.error) })
      const { client_name, scope } = asked.data
      const redirect_uris = kept(rules.allowed(asked.data.redirect_uris, null))
      if (redirect_uris.length === 0)
        throw new Refusal('redirect_invalid', { detail: 'none of the redirect URIs is allowed here' })
      const name = claimedName(client_name ?? undefined)
      const client_id = seal.seal({ name, redirect_uris: distinct(redirect_uris) })
      if (client_id.length > MOST_CLIENT_ID)
        throw new Refusal('registration_invalid', { detail: `a client_id of ${client_id.length} characters` })
      return {
        client_id,
        client_id_issued_at: seconds(options.clock),
        redirect_uris,
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        ...(name === null ? {} : { client_name: name }),
        ...(scope != null && scope !== '' && scope.split(' ').every(isScope) ? { scope } : {}),
      }
    },
  }
}

/** One of each that means another place. */
const distinct = (redirect_uris: readonly string[]): string[] => [...new Set(redirect_uris.map(portless))]

/** The first of them, in the client's order and spelling, that make no more than five. The answer names them, so the client sees which. */
function kept(redirect_uris: readonly string[]): string[] {
  const all = [...new Set(redirect_uris)]
  const places = new Set(distinct(all).slice(0, MOST_REDIRECTS))
  return all.filter((uri) => places.has(portless(uri)))
}

/** Where in the body it is wrong; never what stands there. */
const placeOf = (error: z.ZodError): string => error.issues[0]?.path.map(String).join('.') || 'not an object'
