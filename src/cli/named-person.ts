import type { Config } from '#base/config.ts'
import { isOfPeople, type Provider } from '#identity/provider.ts'
import { withProviders } from './judges.ts'

interface Person {
  readonly provider: string
  readonly iss: string
  readonly sub: string
}

interface Named {
  /** `provider:sub`, or `iss|sub` with the issuer byte for byte */
  readonly userId?: string | undefined
  readonly issuer?: string | undefined
  readonly sub?: string | undefined
  readonly provider?: string | undefined
}

/**
 * Who is meant: a user id is enough where its provider has one issuer; an issuer and a subject where the configuration knows the issuer.
 * Answers a sentence when that is not clear.
 * @param otherwise how the issuer can be named where the user id is not enough.
 */
export async function personOf(
  config: Config,
  named: Named,
  otherwise = 'name the issuer with --issuer',
): Promise<Person | string> {
  const whole = issuerAndSubject(named.userId ?? '')
  const { userId, issuer, sub, provider } = whole === null ? named : { ...named, ...whole, userId: undefined }
  const [given, subject] = userId === undefined ? [provider, sub] : split(userId)
  if (userId !== undefined && (sub !== undefined || provider !== undefined))
    return 'give either a user id, or --issuer and --sub'
  if (subject === undefined || subject === '') return 'say who: a user id (google:1098...), or --issuer and --sub'
  const known = await knownIssuers(config)
  if (issuer === undefined) {
    const issuers = known.find(({ id }) => id === given)?.issuers ?? []
    const [iss] = issuers
    if (given === undefined || iss === undefined) return `no provider ${given ?? ''} is configured; ${otherwise}`
    return issuers.length === 1 ? { provider: given, iss, sub: subject } : `${given} has several issuers; ${otherwise}`
  }
  const id = given ?? known.find(({ issuers }) => issuers.includes(issuer))?.id
  if (id === undefined) return `no configured provider has the issuer ${issuer}; name the provider with --provider`
  return { provider: id, iss: issuer, sub: subject }
}

interface Known {
  readonly id: string
  readonly issuers: readonly string[]
}

/** The providers of this configuration and whose people they judge. */
export const knownIssuers = async (config: Config): Promise<readonly Known[]> =>
  await withProviders(
    config,
    async () => null,
    async ({ providers }) => providers.map((one) => ({ id: one.id, issuers: issuersOf(one) })),
  )

/** Reads `iss|sub`; null when it is none. A subject may hold a bar itself (auth0|62b...), an issuer does not. */
export function issuerAndSubject(reference: string): { readonly issuer: string; readonly sub: string } | null {
  if (!/^https?:\/\//.test(reference)) return null
  const [issuer = '', ...rest] = reference.split('|')
  return { issuer, sub: rest.join('|') }
}

/** The configured providers that vouch for people, not for keys: those an address may come from. */
export async function peopleProviders(config: Config): Promise<readonly string[]> {
  return (await knownIssuers(config)).filter(isOfPeople).map(({ id }) => id)
}

function split(userId: string): readonly [string | undefined, string | undefined] {
  const at = userId.indexOf(':')
  return at < 1 ? [undefined, undefined] : [userId.slice(0, at), userId.slice(at + 1)]
}

/** The `iss` of a provider's people. Google's tokens spell theirs in two ways, of which the one with a scheme is kept. */
function issuersOf({ authorization_server: own, tokens }: Provider): readonly string[] {
  if (own !== null) return [own]
  return tokens.flatMap((shape) => ('iss' in shape ? shape.iss : []))
}
