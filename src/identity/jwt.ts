import { compactVerify } from 'jose'
import { TtlCache } from '#base/cache.ts'
import { seconds, type Clock } from '#base/clock.ts'
import { ConfigError } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import { isAsymmetric } from './algorithms.ts'
import type { KeySet } from './jwks.ts'
import { checkAudience, checkClaims, checkTimes, type JwtClaims } from './jwt-claims.ts'
import { parseJwt, type JwsHeader } from './jwt-parse.ts'
import type { VerifyContext } from './provider.ts'
import { tokenDigest } from './token-digest.ts'

export type { JwtClaims }
type Trace = NonNullable<VerifyContext['trace']>

/** Verified results held per issuer. */
const MOST_REMEMBERED = 10_000
/** Milliseconds for which a verified result is held at most. */
const REMEMBERED_FOR = 60_000
/** RFC 7518 section 3.2: a secret of HS256 has at least the size of its hash. */
const SHORTEST_SECRET = 32

/** Header types per kind of token; null is "no typ". */
const TYPES = {
  any: [null, 'jwt', 'at+jwt'],
  id_token: [null, 'jwt'],
  /** RFC 9068 section 4 */
  access_token: ['at+jwt'],
} as const satisfies Record<string, readonly (string | null)[]>

export interface JwtVerifierOptions {
  /** Compared byte for byte. */
  readonly issuer: string | readonly string[]
  /** Instead of equality with `issuer`, for Entra's `{tenantid}`. Runs before the signature is checked: decide by equality only. */
  readonly issuerMatches?: (iss: string, claims: Readonly<Record<string, unknown>>) => boolean
  /** The issuer's key set, or the secrets of HS256 (each at least 32 bytes; all verify). */
  readonly keys: KeySet | HmacSecrets
  /** Asymmetric ones with a key set, HS256 alone with secrets. */
  readonly algorithms: readonly string[]
  /**
   * One of these must be in `aud`; or a rule of the provider's own that throws Refusal (`audience_mismatch`, `client_mismatch`).
   * It runs on verified claims; `typ` is the header's, lower case, without `application/`, null when absent.
   */
  readonly audience: readonly string[] | ((claims: JwtClaims, typ: string | null) => void)
  /** 'any' (default): typ absent, JWT or at+jwt; 'id_token': absent or JWT; 'access_token': at+jwt (RFC 9068). */
  readonly types?: keyof typeof TYPES
  /** The claim that is read as `sub`; default `sub`. */
  readonly subjectClaim?: string
  readonly clock: Clock
  /** Seconds of clock difference to forgive; default 30, at most 120. */
  readonly skew?: number
}

interface HmacSecrets {
  readonly secrets: readonly string[]
}

export interface JwtVerifier {
  /**
   * Proves a JWT of this issuer: form, type, algorithm, issuer, signature, claims, audience, in this order. A result is
   * remembered for at most 60 s, its times are checked each time, and it counts no more once the issuer's keys are others.
   * Revocation, replay (`jti`) and scopes are not looked at. With `trace` nothing remembered is used.
   * @throws Refusal `token_too_long`, `token_malformed`, `header_refused`, `type_refused`, `algorithm_refused`, `issuer_unknown`,
   * `key_unknown`, `signature_invalid`, `claims_invalid`, `token_expired`, `token_not_yet_valid`, `token_bound`, `audience_mismatch`,
   * `provider_unavailable`, and what a rule of the provider's own throws.
   */
  verify(token: string, trace?: Trace): Promise<JwtClaims>
  /** Drops every remembered result. */
  forget(): void
}

/** @throws ConfigError when the options would let through what nobody meant: no audience, HS256 beside published keys, a weak secret. */
export function createJwtVerifier(options: JwtVerifierOptions): JwtVerifier {
  const { keys, algorithms, audience, clock, subjectClaim = 'sub', types = 'any', skew = 30 } = options
  const issuers = typeof options.issuer === 'string' ? [options.issuer] : options.issuer
  const matches = options.issuerMatches ?? ((iss: string) => issuers.includes(iss))
  refuseUnsafe(options, issuers, skew)
  let forgotten = 0
  /** Grows with every change of the keys and every `forget`. */
  const generation = (): number => forgotten + ('secrets' in keys ? 0 : keys.generation())
  const remembered = new TtlCache<{ readonly claims: JwtClaims; readonly generation: number }>({
    max: MOST_REMEMBERED,
    clock,
  })

  async function prove(token: string, trace: Trace | undefined): Promise<JwtClaims> {
    const { header, claims } = await step(trace, 'form', '', () => parseJwt(token))
    const allowed: readonly (string | null)[] = TYPES[types]
    await step(trace, 'type', header.typ ?? 'no typ', () => {
      if (!allowed.includes(header.typ))
        throw new Refusal('type_refused', { detail: `typ is not one of ${allowed.join(', ')}` })
    })
    await step(trace, 'algorithm', header.alg, () => {
      if (!algorithms.includes(header.alg))
        throw new Refusal('algorithm_refused', { detail: `alg is not ${algorithms.join(' or ')}` })
    })
    // Before the keys: a foreign token makes nobody fetch anything.
    await step(trace, 'issuer', issuers.join(', '), () => {
      const { iss } = claims
      if (typeof iss !== 'string' || !matches(iss, claims))
        throw new Refusal('issuer_unknown', { detail: 'iss is not of this provider' })
    })
    await step(trace, 'signature', header.alg, async () => await verifySignature(token, header, keys))
    const checked = await step(trace, 'claims', '', () => checkClaims(claims, subjectClaim, seconds(clock), skew))
    await step(trace, 'audience', '', () =>
      typeof audience === 'function' ? audience(checked, header.typ) : checkAudience(checked, audience),
    )
    return checked
  }

  return {
    async verify(token, trace) {
      const digest = tokenDigest(token)
      const known = trace === undefined ? remembered.get(digest) : undefined
      if (known !== undefined && known.generation === generation()) {
        checkTimes(known.claims, seconds(clock), skew)
        return known.claims
      }
      // Taken before: a change of keys while this was proved must count.
      const entry = { generation: generation(), claims: await prove(token, trace) }
      const { claims } = entry
      remembered.set(digest, entry, Math.min(REMEMBERED_FOR, (claims.exp + skew) * 1000 - clock.now()))
      return claims
    },
    forget() {
      forgotten += 1
      remembered.clear()
    },
  }
}

/**
 * Is the signature of a compact JWS right under one of the keys (RFC 7515 section 5.2)? The caller has checked the form (parseJws) and the algorithm.
 * @throws Refusal `signature_invalid`, `key_unknown`, `provider_unavailable`.
 */
export async function verifySignature(token: string, header: JwsHeader, keys: KeySet | HmacSecrets): Promise<void> {
  const algorithms = [header.alg]
  const candidates = 'secrets' in keys ? keys.secrets.map((secret) => Buffer.from(secret)) : [await keys.key(header)]
  let cause: unknown
  for (const key of candidates) {
    try {
      await compactVerify(token, key, { algorithms })
      return
    } catch (error) {
      // Also jose's TypeErrors for a key that does not go with the algorithm: the token's fault or the issuer's, not ours.
      cause = error
    }
  }
  throw new Refusal('signature_invalid', { cause })
}

/** One check, told to whoever wants each explained. */
async function step<Value>(
  trace: Trace | undefined,
  check: string,
  detail: string,
  work: () => Value | Promise<Value>,
): Promise<Value> {
  try {
    const value = await work()
    trace?.(check, true, detail)
    return value
  } catch (error) {
    if (error instanceof Refusal) trace?.(check, false, error.message)
    throw error
  }
}

function refuseUnsafe(
  { keys, algorithms, audience }: JwtVerifierOptions,
  issuers: readonly string[],
  skew: number,
): void {
  const problems: string[] = []
  const name = issuers.join(', ')
  if (issuers.length === 0 || issuers.includes('')) problems.push('a verifier without an issuer')
  if (typeof audience !== 'function' && (audience.length === 0 || audience.includes('')))
    problems.push(`${name}: no audience, so tokens of every application would pass`)
  if (!(skew >= 0 && skew <= 120)) problems.push(`${name}: a clock difference of more than 120 s`)
  if (algorithms.length === 0) problems.push(`${name}: no algorithm`)
  if ('secrets' in keys) {
    if (algorithms.some((alg) => alg !== 'HS256')) problems.push(`${name}: a shared secret goes with HS256 only`)
    if (keys.secrets.length === 0 || keys.secrets.some((secret) => Buffer.byteLength(secret) < SHORTEST_SECRET))
      problems.push(`${name}: a shared secret of less than ${SHORTEST_SECRET} bytes`)
  } else if (!algorithms.every(isAsymmetric))
    problems.push(`${name}: published keys go with asymmetric algorithms only`)
  if (problems.length > 0) throw new ConfigError(problems)
}
