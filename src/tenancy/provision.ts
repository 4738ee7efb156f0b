import type { Clock } from '#base/clock.ts'
import { uuidv7 } from '#base/id.ts'
import { Refusal } from '#base/refusal.ts'
import type { ControlDb, Database } from '#db/database.ts'
import { schemaName } from '#db/names.ts'
import { sql } from '#db/sql.ts'
import type { Identity } from '#identity/identity.ts'
import { isUniqueViolation, type Author, type Ledger } from './ledger.ts'
import { printable, vouchedEmail } from './memberships.ts'
import type { Vacancy } from './standing.ts'

const HOUR = 3_600_000

export interface ProvisionOptions {
  readonly database: Database
  readonly ledger: Ledger
  readonly clock: Clock
  /** config.database.slugPrefix */
  readonly slugPrefix: string
  /** PROVISION_LIMIT: new tenants per hour, of all replicas together (D10). */
  readonly limit: number
}

/**
 * Makes the tenant, its first member and its domain row in one transaction. Answers nothing, for whoever comes second finds what the first
 * one made: of several at once all but one are undone by a unique index (the verified domain, the slug, the person's home).
 * Throws Refusal provision_limited with the seconds until there is room.
 */
export async function provision(
  identity: Identity,
  author: Author,
  vacancy: Vacancy,
  options: ProvisionOptions,
): Promise<void> {
  const { database, ledger, clock } = options
  const now = clock.now()
  const id = uuidv7(now)
  const schema = schemaName(vacancy.slug, options.slugPrefix)
  const placement = database.admin.defaultPlacement
  const source = vacancy.origin === 'provision' ? 'provision' : vacancy.origin
  const evidence = vacancy.vacancy === 'personal' ? null : (vacancy.domain ?? 'shared')
  const note = {
    action: 'tenant.provisioned',
    target: vacancy.slug,
    detail: { origin: vacancy.origin, domain: vacancy.domain, role: vacancy.role },
    changes: [{ table: 'tenants', tenant: id, id }],
  } as const

  async function register(db: ControlDb): Promise<void> {
    await assertRoom(db, now, options.limit)
    const at = new Date(now)
    await db.query(sql`
      INSERT INTO tenants (id, slug, name, schema, placement, origin, created_at)
      VALUES (${id}, ${vacancy.slug}, ${vacancy.name}, ${schema}, ${placement}, ${vacancy.origin}, ${at})`)
    if (vacancy.domain !== null) {
      await db.query(sql`
        INSERT INTO domains (id, tenant_id, domain, state, verified_by, asserted_by, created_at, verified_at)
        VALUES (${uuidv7(now)}, ${id}, ${vacancy.domain}, 'verified', 'provision', ${[identity.provider]}, ${at}, ${at})`)
    }
    await db.query(sql`
      INSERT INTO members (id, tenant_id, iss, sub, provider, email, name, role, source, evidence, home, created_at)
      VALUES (${uuidv7(now)}, ${id}, ${identity.iss}, ${identity.sub}, ${identity.provider}, ${printable(vouchedEmail(identity), 320)},
        ${printable(identity.name, 256)}, ${vacancy.role}, ${source}, ${evidence}, true, ${at})`)
  }

  try {
    await ledger.within(id, author, note, async (inside) => {
      await database.admin.provision({ schema, placement }, async (db) => {
        await register(db)
        await inside(db)
      })
    })
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
  }
}

/** D10: counted in the registry, so that replicas agree, and one after another. A row would be no lock before there is the first. */
async function assertRoom(db: ControlDb, now: number, limit: number): Promise<void> {
  await db.query(sql`SELECT pg_advisory_xact_lock(hashtextextended('gatehouse:provision', 0))`)
  const recent = await db.query<{ created_at: Date }>(sql`
    SELECT created_at FROM tenants WHERE origin IN ('provision', 'personal') AND created_at > ${new Date(now - HOUR)}
    ORDER BY created_at DESC LIMIT ${limit}`)
  if (recent.length < limit) return
  const oldest = recent.at(-1)?.created_at.getTime() ?? now
  const retryAfter = Math.max(1, Math.ceil((oldest + HOUR - now) / 1000))
  throw new Refusal('provision_limited', {
    retryAfter,
    detail: `${limit} new tenants in the last hour (PROVISION_LIMIT)`,
  })
}
