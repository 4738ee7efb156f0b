import type { Config } from '#base/config.ts'
import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { Identity } from '#identity/identity.ts'
import type { Evidence } from './evidence.ts'
import type { Seed } from './seeds.ts'
import { numberedSlug, personalSlug, slugFromDomain } from './slug.ts'
import { deny, type Denied, type Vacancy } from './standing.ts'

export interface VacancyRules extends Pick<Config['tenancy'], 'unmappedDomains' | 'personalTenants'> {
  readonly production: boolean
}

/** For whom no tenant is there yet: may one be made (the last two steps of DESIGN section 7), and which? */
export async function vacancyFor(
  db: ControlDb,
  identity: Identity,
  evidence: Evidence,
  rules: VacancyRules,
  seed: Seed | null,
): Promise<Vacancy | Denied> {
  if (evidence.mailbox) return await ofMailbox(db, rules)
  const domain = evidence.domains.find(({ authority }) => authority === 'live')?.domain
  if (domain === undefined) {
    const shown = evidence.domains[0]?.domain
    return deny(
      'tenant_unknown',
      shown === undefined
        ? `${identity.provider} vouches for no address and no organisation`
        : `${shown} is nobody's domain here`,
    )
  }
  if (rules.unmappedDomains === 'reject' && seed === null)
    return deny('tenant_unknown', `${domain} is nobody's domain here`)
  // D10: in production the first person is a member, and owner by DNS proof or an operator's word.
  const role = seed?.role ?? (rules.production ? 'member' : 'owner')
  const slug = await freeSlug(db, slugFromDomain(domain))
  return { vacancy: 'domain', slug, name: domain, domain, role, origin: seed === null ? 'provision' : 'development' }
}

async function ofMailbox(db: ControlDb, { personalTenants }: VacancyRules): Promise<Vacancy | Denied> {
  if (personalTenants === 'off')
    return deny('tenant_unknown', 'an address at a public mail provider, and PERSONAL_TENANTS is off')
  const personal = { domain: null, origin: 'personal' } as const
  return personalTenants === 'shared'
    ? { ...personal, vacancy: 'shared', slug: await freeSlug(db, 'shared'), name: 'Shared', role: 'member' }
    : { ...personal, vacancy: 'personal', slug: personalSlug(), name: 'Personal', role: 'owner' }
}

/** The slug, or the first of `_2`, `_3` ... that no tenant ever had (D10). */
async function freeSlug(db: ControlDb, slug: string): Promise<string> {
  const tries = 20
  for (let from = 1; ; from += tries) {
    const wanted = Array.from({ length: tries }, (_, index) => numberedSlug(slug, from + index))
    const taken = await db.query<{ slug: string }>(sql`SELECT slug FROM tenants WHERE slug = ANY(${wanted}::text[])`)
    const free = wanted.find((one) => !taken.some((row) => row.slug === one))
    if (free !== undefined) return free
  }
}
