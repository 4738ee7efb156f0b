import type { GuardedFetch } from '#base/fetch.ts'
import { isRecord } from '#identity/json.ts'
import { failed, ok, warning, type Finding } from './finding.ts'

export interface ProbedMetadata {
  readonly findings: readonly Finding[]
  /** `authorization_servers`, as they stand there. */
  readonly issuers: readonly string[]
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** RFC 9728 section 3.1: the well-known segment stands between host and path. */
export function metadataLocation(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${WELL_KNOWN}${pathname}`
}

/** Protected resource metadata where clients look for it, and its `resource` against the URL as typed (RFC 9728 section 3.3). */
export async function probeMetadata(url: string, fetch: GuardedFetch): Promise<ProbedMetadata> {
  const location = metadataLocation(url)
  const document = await read(location, fetch)
  if (typeof document === 'string') return { findings: [failed('metadata', document)], issuers: [] }

  const { resource, authorization_servers } = document
  const findings = [
    ok('metadata', location),
    resource === url
      ? ok('resource', `equals the URL`)
      : failed(
          'resource',
          `is ${JSON.stringify(resource)}, not ${url}: clients compare the two exactly, and refuse. Set PUBLIC_URL, or give people that URL`,
        ),
  ]
  // Of the plain endpoint only: older clients look nowhere else.
  const root = `${new URL(url).origin}${WELL_KNOWN}`
  if (new URL(url).pathname === '/mcp') {
    const old = await read(root, fetch)
    if (typeof old === 'string') findings.push(warning('metadata', `${old}: older clients look there`))
    else if (old['resource'] !== resource) findings.push(failed('metadata', `${root} names another resource`))
  }
  const issuers = Array.isArray(authorization_servers)
    ? authorization_servers.filter((issuer): issuer is string => typeof issuer === 'string')
    : []
  findings.push(
    issuers.length === 0
      ? warning('sign-in', 'no authorization server is named: only keys open')
      : ok('sign-in', `at ${issuers.join(', ')}${issuers.length > 1 ? '; most clients use the first only' : ''}`),
  )
  return { findings, issuers }
}

/** The document, or why there is none. */
async function read(location: string, fetch: GuardedFetch): Promise<Record<string, unknown> | string> {
  try {
    const { body } = await fetch.json(location)
    return isRecord(body) ? body : `${location} holds no JSON object`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
