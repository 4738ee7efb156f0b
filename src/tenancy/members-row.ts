import { isUuid } from '#base/id.ts'
import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { MemberRecord } from './members.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor } from './registry.ts'
import { rfc3339, rfc3339OrNull } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

export interface Row extends Omit<
  MemberRecord,
  'slug' | 'user_id' | 'tokens_not_before' | 'created_at' | 'removed_at'
> {
  readonly tokens_not_before: Date | null
  readonly created_at: Date
  readonly removed_at: Date | null
}

/** unknown: nobody; conflict: more than one by that email. */
export async function find(db: ControlDb, tenant: Tenant, reference: string): Promise<Row> {
  const id = isUuid(reference) ? reference : null
  // Postgres holds no NUL, and would fail at being asked.
  const rows = reference.includes('\0')
    ? []
    : await db.query<Row>(sql`
    SELECT id, provider, iss, sub, email, name, role, status, source, evidence, home, tokens_not_before, created_at, removed_at
    FROM members WHERE tenant_id = ${tenant.id}
      AND (id = ${id} OR provider || ':' || sub = ${reference} OR (${id}::uuid IS NULL AND lower(email) = lower(${reference})))
    ORDER BY id`)
  const [row] = rows
  if (row === undefined) throw new RegistryError('unknown', `${tenant.slug} has no member ${reference}`)
  if (rows.length > 1)
    throw new RegistryError('conflict', `${tenant.slug} has several members ${reference}: name one by its id`)
  return row
}

export const userIdOf = ({ provider, sub }: Pick<Row, 'provider' | 'sub'>): string => `${provider}:${sub}`
export const nameOf = (row: Row): string => row.email ?? userIdOf(row)

/** The row of the person who asks; null: an operator, a key, no row. */
export async function ownRow(db: ControlDb, tenant: Tenant, actor: Actor): Promise<Row | null> {
  if (actor.kind === 'operator' || actor.principal.identity.key !== null) return null
  const { iss, sub } = actor.principal.identity
  const [row] = await db.query<Row>(sql`
    SELECT id, provider, iss, sub, email, name, role, status, source, evidence, home, tokens_not_before, created_at, removed_at
    FROM members WHERE tenant_id = ${tenant.id} AND iss = ${iss} AND sub = ${sub}`)
  return row ?? null
}

export function toRecord(tenant: Tenant, row: Row): MemberRecord {
  return {
    ...row,
    slug: tenant.slug,
    user_id: userIdOf(row),
    tokens_not_before: rfc3339OrNull(row.tokens_not_before),
    created_at: rfc3339(row.created_at),
    removed_at: rfc3339OrNull(row.removed_at),
  }
}
