import { ConfigError, type OidcConfig } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import { variableOfIssuer } from '#base/settings.ts'
import { emailEvidence, text, type Claims, type TenantEvidence } from './claims.ts'

const HOSTS = [
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
  'sts.windows.net',
]
/** What stands in a multi-tenant issuer in place of a tenant id. */
const PLACEHOLDER = /\/(?:common|organizations|consumers|\{tenantid\}|%7Btenantid%7D)(?=\/|$)/i
const TENANT_ID = /\/([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?=\/|$)/i
/** The one tenant of all personal Microsoft accounts: nobody's organisation. */
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad'

/** An Entra issuer: which exact `iss` belongs to which `tid`. A token of any other tenant has an unknown issuer. */
export interface Entra {
  readonly tenantOf: ReadonlyMap<string, string>
}

/**
 * Reads an issuer as Entra's: by its host, or because tenant ids are configured. null: it is not Entra.
 * A multi-tenant issuer (`common`, `organizations`, `{tenantid}`) becomes one exact issuer per allowed tenant, each with its own
 * discovery and keys, so `{tenantid}` is never matched by pattern.
 * @throws ConfigError when every tenant in the world would be let in, or a listed tenant could not be told apart.
 */
export function readEntra({
  id,
  issuer,
  tenantIds,
  introspection,
}: Pick<OidcConfig, 'id' | 'issuer' | 'tenantIds' | 'introspection'>): Entra | null {
  const { hostname } = new URL(issuer)
  if (tenantIds.length === 0 && !HOSTS.includes(hostname)) return null
  if (introspection !== null)
    throw new ConfigError([`${variableOfIssuer(id, 'OIDC_INTROSPECTION')}: Entra has none: take it away`])
  const allowed = tenantIds.map((tid) => tid.toLowerCase())
  if (PLACEHOLDER.test(issuer)) {
    if (allowed.length === 0)
      throw new ConfigError([
        `${variableOfIssuer(id, 'OIDC_TENANT_IDS')}: needed, because ${issuer} lets every Entra tenant in; list the allowed tenant ids`,
      ])
    return { tenantOf: new Map(allowed.map((tid) => [issuer.replace(PLACEHOLDER, `/${tid}`), tid])) }
  }
  const tid = TENANT_ID.exec(issuer)?.[1]?.toLowerCase()
  if (tid === undefined)
    throw new ConfigError([
      `${variableOfIssuer(id, 'OIDC_ISSUER')}: ${issuer} names no Entra tenant id, for example https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0`,
    ])
  if (allowed.some((other) => other !== tid))
    throw new ConfigError([
      `${variableOfIssuer(id, 'OIDC_TENANT_IDS')}: ${issuer} is one tenant, but others are listed`,
    ])
  return { tenantOf: new Map([[issuer, tid]]) }
}

/**
 * Who vouches in an Entra token: the organisation is the tenant id. `email` can be set by the admin of any hostile tenant and
 * Entra never says `email_verified` (nOAuth, security.md E11), so it counts only with `xms_edov`, "the domain's owner verified
 * it". A personal account proves neither.
 * @throws Refusal `organization_refused` when `tid` is not the tenant the issuer names.
 */
export function entraEvidence({ tenantOf }: Entra, iss: string, claims: Claims): TenantEvidence {
  const tid = text(claims['tid'])?.toLowerCase() ?? null
  if (tid === null || tid !== tenantOf.get(iss)) {
    throw new Refusal('organization_refused', { detail: 'tid is not the tenant of the issuer' })
  }
  const personal = tid === CONSUMERS
  const edov = claims['xms_edov']
  const verified = !personal && (edov === true || edov === '1' || edov === 1)
  return {
    ...emailEvidence(claims['email'], verified, () => 'live'),
    organization: personal ? null : { kind: 'tid', value: tid },
  }
}
