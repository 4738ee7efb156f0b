import { brokerFacts, expectedFacts, isKnownIssuer, type IssuerFacts } from '#base/client-outlook.ts'
import type { Judges } from './judges.ts'
import { probeIssuer } from './probe-issuer.ts'

interface SignInPlace {
  readonly publicUrl: string
  /** Is this server itself the authorization server, in front of its providers? */
  readonly brokered: boolean
}

/**
 * What clients meet when they sign in: this server when it is the broker, else the first issuer that the metadata names, asked what it lets them do. null: there is none, keys
 * only. One that does not answer is taken for what is expected of it; its own check says that it does not.
 */
export async function signInIssuer(
  { providers, fetch }: Judges,
  { publicUrl, brokered }: SignInPlace,
): Promise<IssuerFacts | null> {
  if (brokered) return brokerFacts(publicUrl)
  const first = providers.find(({ authorization_server }) => authorization_server !== null)
  const issuer = first?.authorization_server ?? null
  if (issuer === null) return null
  // The development sign-in answers only while `serve` runs; of the big ones it is known.
  if (first?.id === 'development' || isKnownIssuer(issuer)) return expectedFacts(issuer)
  return (await probeIssuer(issuer, fetch)).facts ?? expectedFacts(issuer)
}
