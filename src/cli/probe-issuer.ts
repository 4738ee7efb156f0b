import type { IssuerFacts } from '#base/client-outlook.ts'
import { urlOf } from '#base/address.ts'
import { FetchFailed, type GuardedFetch } from '#base/fetch.ts'
import { isRecord } from '#identity/json.ts'
import { failed, ok, warning, type Finding } from './finding.ts'

export interface ProbedIssuer {
  readonly findings: readonly Finding[]
  /** null: it cannot be used. */
  readonly facts: IssuerFacts | null
  /** `scopes_supported`; null where it says none. */
  readonly scopes: readonly string[] | null
}

/** In the order in which MCP clients look: RFC 8414 section 3.1, then OpenID Connect Discovery section 4, before and behind the path. */
function locations(issuer: URL): readonly string[] {
  const path = issuer.pathname.replace(/\/$/, '')
  return [
    ...new Set([
      `${issuer.origin}/.well-known/oauth-authorization-server${path}`,
      `${issuer.origin}/.well-known/openid-configuration${path}`,
      `${issuer.origin}${path}/.well-known/openid-configuration`,
    ]),
  ]
}

/** What an authorization server says of itself, wherever clients look for it, and what it lets them do. */
export async function probeIssuer(issuer: string, fetch: GuardedFetch): Promise<ProbedIssuer> {
  const check = `issuer ${issuer}`
  const url = urlOf(issuer)
  if (url === null || !fetch.permits(issuer))
    return { findings: [failed(check, 'is no https URL that may be asked')], facts: null, scopes: null }
  const tried = await Promise.all(
    locations(url).map(async (location) => ({ location, ...(await read(location, fetch)) })),
  )
  const found = tried.flatMap(({ location, document }) => (document === null ? [] : [{ location, document }]))
  const [first] = found
  if (first === undefined) {
    const why = tried.find(({ failure }) => failure !== null)?.failure ?? 'no metadata at any well-known address'
    return { findings: [failed(check, why)], facts: null, scopes: null }
  }
  const other = found.find(({ document }) => document['issuer'] !== issuer)
  if (other !== undefined) {
    const named = JSON.stringify(other.document['issuer'])
    return {
      findings: [
        failed(
          check,
          `${other.location} names itself ${named}: clients compare the two byte for byte (RFC 8414 section 3.3)`,
        ),
      ],
      facts: null,
      scopes: null,
    }
  }
  const facts = factsOf(issuer, first.document)
  return {
    findings: [
      ok(check, `${first.location}; ${abilities(facts)}`),
      ...(facts.pkce
        ? []
        : [warning(check, 'does not list S256 in code_challenge_methods_supported: clients refuse to go on')]),
      ...(facts.registration || facts.client_metadata
        ? []
        : [warning(check, 'registers no clients: people need a client id of yours, or keys')]),
    ],
    facts,
    scopes: listed(first.document['scopes_supported']),
  }
}

const listed = (value: unknown): readonly string[] | null =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : null

function factsOf(issuer: string, document: Readonly<Record<string, unknown>>): IssuerFacts {
  const lists = (name: string, value: string): boolean => {
    const list = document[name]
    return Array.isArray(list) && list.includes(value)
  }
  return {
    issuer,
    registration: typeof document['registration_endpoint'] === 'string',
    client_metadata: document['client_id_metadata_document_supported'] === true,
    public_clients: lists('token_endpoint_auth_methods_supported', 'none'),
    pkce: lists('code_challenge_methods_supported', 'S256'),
    iss_parameter: document['authorization_response_iss_parameter_supported'] === true,
  }
}

const abilities = ({ registration, client_metadata, pkce, iss_parameter }: IssuerFacts): string =>
  Object.entries({
    'PKCE S256': pkce,
    'dynamic registration': registration,
    'client id metadata documents': client_metadata,
    'RFC 9207 iss': iss_parameter,
  })
    .map(([name, has]) => `${name} ${has ? 'yes' : 'no'}`)
    .join(', ')

/** A document that is not there is no failure: of three places one is enough. */
async function read(
  location: string,
  fetch: GuardedFetch,
): Promise<{ readonly document: Record<string, unknown> | null; readonly failure: string | null }> {
  try {
    const { body } = await fetch.json(location)
    return isRecord(body)
      ? { document: body, failure: null }
      : { document: null, failure: `${location} holds no JSON object` }
  } catch (error) {
    const absent = error instanceof FetchFailed && (error.kind === 'status' || error.kind === 'not_json')
    return { document: null, failure: absent ? null : error instanceof Error ? error.message : String(error) }
  }
}
