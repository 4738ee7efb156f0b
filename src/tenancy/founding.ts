import { invitedAddress } from './invitations-address.ts'
import type { NewInvitation } from './invitations.ts'
import { needOperator } from './ledger.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, Registry } from './registry.ts'
import type { Tenant } from './tenant.ts'

export interface FoundingInput {
  readonly slug: string
  readonly name?: string
  /** Who becomes its owner, by their own acceptance (D9); null: nobody yet. */
  readonly owner: string | null
}

/**
 * A new tenant and the invitation of its first owner. Operators only. The address is looked at first, so that a mistyped one leaves no
 * tenant behind: its slug could never be used again. Errors as of `tenants.create` and `invitations.invite`.
 */
export async function foundTenant(
  { tenants, invitations }: Pick<Registry, 'tenants' | 'invitations'>,
  actor: Actor,
  { slug, name, owner }: FoundingInput,
): Promise<{ readonly tenant: Tenant; readonly invitation: NewInvitation | null }> {
  needOperator(actor)
  if (owner !== null && invitedAddress(owner) === null)
    throw new RegistryError(
      'invalid',
      `${JSON.stringify(owner)} is no plain address: one @, ASCII, no name around it`,
      'owner',
    )
  const tenant = await tenants.create(actor, { slug, ...(name === undefined ? {} : { name }) })
  if (owner === null) return { tenant, invitation: null }
  return { tenant, invitation: await invitations.invite(tenant, actor, { email: owner, role: 'owner' }) }
}
