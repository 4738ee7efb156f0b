import { expectedFacts, isKnownIssuer } from '#base/client-outlook.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Provider } from '#identity/provider.ts'
import { ok, warning, type Finding } from './finding.ts'
import { probeIssuer } from './probe-issuer.ts'

/**
 * Can MCP clients sign people in with this provider: does it register them, or take metadata documents, prove by PKCE, and know the scopes
 * that are asked for? @param brokered this server signs people in itself, so that its clients need nothing of the provider.
 */
export async function examineRegistration(
  { id, authorization_server: issuer, challenge_scopes }: Provider,
  fetch: GuardedFetch,
  brokered: boolean,
): Promise<readonly Finding[]> {
  if (issuer === null || id === 'development') return []
  const check = `sign-in ${id}`
  const known = isKnownIssuer(issuer)
  const { findings, facts, scopes } = known
    ? { findings: [], facts: expectedFacts(issuer), scopes: null }
    : await probeIssuer(issuer, fetch)
  if (facts === null) return findings
  const unknown = scopes === null ? [] : challenge_scopes.filter((scope) => !scopes.includes(scope))
  const problems = [
    ...(unknown.length === 0 ? [] : [`it does not list the scopes ${unknown.join(', ')}, which people are sent with`]),
    ...(facts.pkce
      ? []
      : ['it does not list S256 in code_challenge_methods_supported, without which clients do not go on']),
    ...(brokered || facts.registration || facts.client_metadata
      ? []
      : [
          'it registers no clients (no registration_endpoint, no client metadata documents): let this server sign people in (LOGIN=broker, with a CLIENT_ID and its secret), or make client ids there for people',
        ]),
  ]
  if (problems.length > 0) return [warning(check, problems.join('; '))]
  if (brokered) return [ok(check, 'this server registers clients in its place')]
  return [ok(check, `clients register there${facts.client_metadata ? ', or by a metadata document' : ''}`)]
}
