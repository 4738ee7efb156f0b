import type { GuardedFetch } from '#base/fetch.ts'
import { isRecord } from '#identity/json.ts'
import { failed, ok, warning, type Finding } from './finding.ts'
import { metadataLocation } from './probe-metadata.ts'
import { noAnswer, question } from './probe-request.ts'

/** What `POST` without a token is answered: 401 with a challenge that leads to the metadata (RFC 9728 section 5.1, RFC 6750 section 3). */
export async function probeChallenge(url: string, fetch: GuardedFetch): Promise<readonly Finding[]> {
  let response: Response
  try {
    response = await fetch.raw(url, question())
  } catch (error) {
    return [noAnswer('challenge', error)]
  }
  if (response.status !== 401)
    return [
      failed('challenge', `POST without a token is answered ${response.status}, not 401: no client starts its sign-in`),
    ]
  const found = bearerParameters(response.headers.get('www-authenticate') ?? '')
  if (found === null) return [failed('challenge', 'the 401 has no WWW-Authenticate: Bearer')]
  const named = found.get('resource_metadata')
  const findings: Finding[] = []
  if (named === undefined) findings.push(failed('challenge', 'names no resource_metadata: clients must guess'))
  else if (named === metadataLocation(url) || (await describes(named, url, fetch)))
    findings.push(
      ok('challenge', `401, leads to ${named}${found.has('scope') ? `, asks for ${found.get('scope')}` : ''}`),
    )
  else findings.push(failed('challenge', `leads to ${named}, which does not describe ${url}`))
  if (found.has('error'))
    findings.push(warning('challenge', 'has an error code though no token was sent (RFC 6750 section 3.1)'))
  return findings
}

/** Parameters of the Bearer challenge, by lower-case name (RFC 9110 section 11.6.1); null without one. Takes the first of several. */
function bearerParameters(header: string): ReadonlyMap<string, string> | null {
  const [, rest] = /(?:^|,\s*)Bearer(?:\s+(.*))?$/is.exec(header) ?? []
  if (!/(?:^|,\s*)Bearer\b/i.test(header)) return null
  return new Map(
    [...(rest ?? '').matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)].map(
      ([, name = '', quoted, bare]) => [name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? ''] as const,
    ),
  )
}

/** Another place for the metadata is allowed; of the same origin, so that nobody is asked whom the person did not name. */
async function describes(location: string, url: string, fetch: GuardedFetch): Promise<boolean> {
  if (!URL.canParse(location) || new URL(location).origin !== new URL(url).origin) return false
  try {
    const { body } = await fetch.json(location)
    return isRecord(body) && body['resource'] === url
  } catch {
    return false
  }
}
