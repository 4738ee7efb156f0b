import type { ControlDb } from '#db/database.ts'
import { isUuid } from '#base/id.ts'
import { sql } from '#db/sql.ts'
import type { FoundEntry, Subject } from './audit-search.ts'
import type { Tenant } from './tenant.ts'

/** Who did something, as people know them. */
export interface AuditActor {
  /** `unknown`: a request that was refused before anybody was known. */
  readonly type: 'person' | 'key' | 'operator' | 'system' | 'unknown'
  /** A person's `provider:sub` (the subject alone of who never was a member), a key's id, an operator's name. */
  readonly id: string | null
  readonly name: string | null
  readonly email: string | null
  readonly iss: string | null
  readonly sub: string | null
}

/** Names for the people, keys and members that entries speak of. */
export interface AuditNames {
  actor(entry: FoundEntry): AuditActor
  /** Of a member or a key that it was about; null: the target speaks for itself. */
  target(entry: FoundEntry): string | null
}

/** A service token's subject is `key:<id>`, a key's own its id. */
const ofKey = (id: string): readonly Subject[] => [
  { iss: null, sub: id },
  { iss: null, sub: `key:${id}` },
]

/** Whose entries are meant (AuditQuery.actor). Who was never a member of the tenant is looked for by subject alone. */
export async function findSubjects(db: ControlDb, tenant: Tenant, actor: string): Promise<readonly Subject[]> {
  const [kind, ...rest] = actor.split(':')
  const subject = rest.join(':')
  if (kind === 'operator' || kind === 'gatehouse') return [{ iss: kind, sub: subject }]
  const members = await db.query<Subject>(sql`
    SELECT iss, sub FROM members WHERE tenant_id = ${tenant.id}
      AND (lower(email) = lower(${actor}) OR (provider = ${kind} AND sub = ${subject}) OR id::text = ${actor}) LIMIT 100`)
  const keys = await db.query<{ id: string }>(sql`
    SELECT id FROM api_keys WHERE tenant_id = ${tenant.id} AND (id = ${actor} OR name = ${actor}) LIMIT 100`)
  const known = [...members, ...keys.flatMap(({ id }) => ofKey(id))]
  if (known.length > 0) return known
  return [...ofKey(actor), ...(subject === '' ? [] : [{ iss: null, sub: subject }])]
}

/** What is meant by a target: itself, and the members of that address. */
export async function findTargets(db: ControlDb, tenant: Tenant, target: string): Promise<readonly string[]> {
  if (!target.includes('@')) return [target]
  const members = await db.query<{ id: string }>(sql`
    SELECT id FROM members WHERE tenant_id = ${tenant.id} AND lower(email) = lower(${target}) LIMIT 100`)
  return [target, ...members.map(({ id }) => id)]
}

/** Looks up whom some entries speak of, among the tenant's own members and keys. */
export async function namesFor(db: ControlDb, tenant: Tenant, entries: readonly FoundEntry[]): Promise<AuditNames> {
  const people = entries.filter(({ sub, key_id }) => sub !== null && key_id === null)
  const targets = [...new Set(entries.map(({ target }) => target ?? ''))]
  const members = await db.query<{
    id: string
    iss: string
    sub: string
    provider: string
    name: string | null
    email: string | null
  }>(sql`
    SELECT id, iss, sub, provider, name, email FROM members
    WHERE tenant_id = ${tenant.id} AND (id = ANY (${targets.filter(isUuid)}::uuid[]) OR (iss, sub) IN (
      SELECT * FROM unnest(${people.map(({ iss }) => iss)}::text[], ${people.map(({ sub }) => sub)}::text[])))`)
  const ids = [...new Set([...entries.map(({ key_id: key }) => key ?? ''), ...targets])].filter((id) => id !== '')
  const keys = await db.query<{ id: string; name: string }>(sql`
    SELECT id, name FROM api_keys WHERE tenant_id = ${tenant.id} AND id = ANY (${ids}::text[])`)
  const member = new Map(members.map((row) => [`${row.iss} ${row.sub}`, row]))
  const labels = new Map<string, string>([
    ...members.map((row) => [row.id, row.email ?? row.name ?? `${row.provider}:${row.sub}`] as const),
    ...keys.map((row) => [row.id, row.name] as const),
  ])
  return {
    actor({ iss, sub, key_id: key }) {
      const who = { name: null, email: null, iss, sub }
      if (key !== null) return { ...who, type: 'key', id: key, name: labels.get(key) ?? null }
      if (sub === null) return { ...who, type: 'unknown', id: null }
      if (iss === 'operator') return { ...who, type: 'operator', id: sub }
      if (iss === 'gatehouse') return { ...who, type: 'system', id: sub }
      const known = member.get(`${iss} ${sub}`)
      if (known === undefined) return { ...who, type: 'person', id: sub }
      return { ...who, type: 'person', id: `${known.provider}:${sub}`, name: known.name, email: known.email }
    },
    target: ({ target }) => (target === null ? null : (labels.get(target) ?? null)),
  }
}
