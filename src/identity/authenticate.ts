import { seconds, type Clock } from '#base/clock.ts'
import { ConfigError } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import type { Identity } from './identity.ts'
import { isJwtShaped, parseJwt, peekIssuer } from './jwt-parse.ts'
import type { Provider, VerifyContext } from './provider.ts'

/** Characters. */
const LONGEST_OPAQUE = 4_096
const LONGEST_TOKEN = 8_192
/** The most that a verifier may be configured to forgive, in seconds. */
const MOST_SKEW = 120
/** RFC 6750 section 2.1: b64token. */
const OPAQUE = /^[A-Za-z0-9\-._~+/]+=*$/

export interface AuthenticatorOptions {
  readonly providers: readonly Provider[]
  readonly clock: Clock
}

export interface Authenticator {
  /**
   * Who is it? The token is shown to one provider at most: the one whose exact value, prefix or `iss` it has, in this order; what is left and
   * is no JWT goes to the one provider for opaque tokens, if there is one. A token that is nobody's causes no request.
   * @throws Refusal `token_too_long`, `token_malformed`, `issuer_unknown`, and what the provider throws.
   */
  authenticate(token: string, context: VerifyContext): Promise<Identity>
  /** The issuer strings of all providers that have one, for `authorization_servers` (RFC 9728 section 2), byte for byte, each once. */
  issuers(): readonly string[]
}

interface Routes {
  readonly exact: readonly { readonly matches: (token: string) => boolean; readonly provider: Provider }[]
  readonly prefixes: readonly (readonly [string, Provider])[]
  readonly issuers: ReadonlyMap<string, Provider>
  readonly opaque: Provider | null
}

/** @throws ConfigError when two providers claim one issuer, overlapping prefixes, the opaque tokens (D14) or one id. */
export function createAuthenticator({ providers, clock }: AuthenticatorOptions): Authenticator {
  const routes = readRoutes(providers)
  const issuers = [
    ...new Set(providers.map((provider) => provider.authorization_server).filter((issuer) => issuer !== null)),
  ]

  return {
    async authenticate(token, context) {
      const provider = findProvider(routes, token)
      context.trace?.('provider', true, provider.id)
      const identity = await provider.verify(token, context)
      // Behind every provider's cache: nobody is let in much longer than the token itself says.
      if (identity.exp !== null && seconds(clock) >= identity.exp + MOST_SKEW)
        throw new Refusal('token_expired', { detail: 'exp has passed' })
      return identity
    },
    issuers: () => issuers,
  }
}

function findProvider({ exact, prefixes, issuers, opaque }: Routes, token: string): Provider {
  if (token.length > LONGEST_TOKEN)
    throw new Refusal('token_too_long', { detail: `more than ${LONGEST_TOKEN} characters` })
  const same = exact.find(({ matches }) => matches(token))
  if (same !== undefined) return same.provider
  const prefixed = prefixes.find(([prefix]) => token.startsWith(prefix))
  if (prefixed !== undefined) return checkOpaque(token, prefixed[1])
  if (isJwtShaped(token)) return findByIssuer(issuers, token)
  if (opaque === null)
    throw new Refusal('issuer_unknown', { detail: 'not a JWT, and its prefix is of no configured provider' })
  return checkOpaque(token, opaque)
}

function findByIssuer(issuers: Routes['issuers'], token: string): Provider {
  const iss = peekIssuer(token)
  const provider = iss === null ? undefined : issuers.get(iss)
  if (provider !== undefined) return provider
  // Tells a broken token from a foreign one, for the log.
  parseJwt(token)
  throw new Refusal('issuer_unknown', { detail: 'iss is of no configured provider' })
}

function checkOpaque(token: string, provider: Provider): Provider {
  if (token.length > LONGEST_OPAQUE)
    throw new Refusal('token_too_long', { detail: `an opaque token of more than ${LONGEST_OPAQUE} characters` })
  if (!OPAQUE.test(token)) throw new Refusal('token_malformed', { detail: 'not of the syntax of RFC 6750 section 2.1' })
  return provider
}

function readRoutes(providers: readonly Provider[]): Routes {
  const problems: string[] = []
  const exact: Routes['exact'][number][] = []
  const prefixes: Routes['prefixes'][number][] = []
  const issuers = new Map<string, Provider>()
  const ids = new Set<string>()
  let opaque: Provider | null = null
  const clash = (what: string, first: Provider, second: Provider): void => {
    problems.push(`${what} is claimed by ${first.id} and by ${second.id}`)
  }

  for (const provider of providers) {
    if (ids.has(provider.id)) problems.push(`two providers are called ${provider.id}`)
    ids.add(provider.id)
    for (const shape of provider.tokens) {
      if ('exact' in shape) exact.push({ matches: shape.exact, provider })
      else if ('opaque' in shape) {
        if (opaque !== null) clash('every opaque token without a known prefix', opaque, provider)
        opaque = provider
      } else if ('prefix' in shape) {
        for (const prefix of shape.prefix) {
          const other = prefixes.find(([taken]) => taken.startsWith(prefix) || prefix.startsWith(taken))
          if (other !== undefined && other[1] !== provider) clash(`the token prefix ${prefix}`, other[1], provider)
          prefixes.push([prefix, provider])
        }
      } else {
        for (const iss of shape.iss) {
          const other = issuers.get(iss)
          if (other !== undefined && other !== provider) clash(`the issuer ${iss}`, other, provider)
          issuers.set(iss, provider)
        }
      }
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return { exact, prefixes, issuers, opaque }
}
