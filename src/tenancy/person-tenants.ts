import type { Database } from '#db/database.ts'
import type { Identity } from '#identity/identity.ts'
import { membershipsOf } from './memberships.ts'
import type { PersonRole } from './roles.ts'

/** A tenant as its own people see it in a list. */
export interface PersonTenant {
  readonly slug: string
  readonly name: string
  readonly role: PersonRole
  readonly status: 'active' | 'requested' | 'suspended'
  /** Where the plain endpoint leads (D9). */
  readonly home: boolean
}

/**
 * The tenants of a person, the earliest joined first; those they were removed from are left out. Does NOT judge whether the token at hand
 * lets them in (D7): ask the directory for that. @throws DatabaseUnavailable.
 */
export async function tenantsOf(database: Database, identity: Identity): Promise<readonly PersonTenant[]> {
  const rows = await database.control({ as: 'resolver' }, async (db) => await membershipsOf(db, identity))
  return rows.flatMap(({ tenant, role, status, home }) =>
    status === 'removed'
      ? []
      : [
          {
            slug: tenant.slug,
            name: tenant.name,
            role,
            status: tenant.status === 'suspended' ? 'suspended' : status,
            home,
          },
        ],
  )
}
