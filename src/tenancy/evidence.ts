import { createHash } from 'node:crypto'
import type { Identity } from '#identity/identity.ts'
import { domainName, emailDomain, isOwnable, isPublicMailbox } from './domain-name.ts'

/** A domain that the token shows. `live`: the domain's own issuer says so now; `once`: an address was verified at some time (D7). */
interface DomainEvidence {
  readonly domain: string
  readonly authority: 'live' | 'once'
}

/** What a token says about where its person belongs, checked for form; whether it maps to a tenant is the registry's to say. */
export interface Evidence {
  /** Hosted domain first, then the address's; never a public mailbox, never a public suffix. */
  readonly domains: readonly DomainEvidence[]
  readonly organization: { readonly kind: 'org_id' | 'tid'; readonly value: string } | null
  /** The slug that configuration or a trusted claim names. */
  readonly tenant: string | null
  /** A verified address at a public mail provider. */
  readonly mailbox: boolean
}

export function evidenceOf(identity: Identity): Evidence {
  const { organization, email_authority: authority } = identity
  const hosted = organization?.kind === 'hd' ? domainName(organization.value) : null
  const address =
    identity.email !== null && isVerified(identity) && authority !== 'none' ? emailDomain(identity.email) : null
  const domains: DomainEvidence[] = []
  if (hosted !== null && isOwnable(hosted)) domains.push({ domain: hosted, authority: 'live' })
  if (address !== null && address !== hosted && isOwnable(address) && authority !== 'none')
    domains.push({ domain: address, authority })
  return {
    domains,
    organization: mapped(organization),
    tenant: identity.tenant,
    mailbox: address !== null && isPublicMailbox(address),
  }
}

/** An organisation that operators can map (D8); one whose value could not be stored maps to nothing. */
function mapped(organization: Identity['organization']): Evidence['organization'] {
  if (organization === null || organization.kind === 'hd' || /\p{Cc}/u.test(organization.value)) return null
  return { kind: organization.kind, value: organization.value }
}

/** Only the boolean true (E1): whatever a provider let through, the string "false" vouches for nothing. */
export function isVerified({ email_verified: verified }: { readonly email_verified: unknown }): boolean {
  return verified === true
}

/** Everything of an identity that a resolution can depend on, as one short key: another evidence is another cache entry. */
export function evidenceDigest(identity: Identity): string {
  const { provider, iss, sub, key, organization, tenant, email, email_verified, email_authority, name } = identity
  const parts = [provider, iss, sub, key, organization, tenant, email, email_verified, email_authority, name]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
