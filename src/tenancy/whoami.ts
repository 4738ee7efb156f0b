import { userId } from '#identity/identity.ts'
import type { Principal } from './tenant.ts'

/** A principal as people and programs are told of it: by the tool `whoami` and by GET /api/v1/whoami. */
export const whoami = ({ identity, tenant, role, scopes }: Principal) => ({
  user_id: userId(identity),
  email: identity.email,
  name: identity.name,
  provider: identity.provider,
  tenant: { slug: tenant.slug, name: tenant.name },
  role,
  scopes: [...scopes].sort(),
})
