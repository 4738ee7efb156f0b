import { uuidv7 } from '#base/id.ts'
import type { ControlDb } from '#db/database.ts'
import { insertRows } from '#db/rows.ts'
import { sql } from '#db/sql.ts'
import { registryTables } from './registry-columns.ts'

type Row = Record<string, unknown>

/** What becomes of the registry's rows of a backup. */
export interface Revival {
  /** The tenant's id there and here; the same when it is the tenant itself that comes back. */
  readonly from: string
  readonly to: string
  readonly now: number
  /** When the backup was taken; milliseconds. */
  readonly takenAt: number
  /** When the tenant was deleted here; null: this registry does not know it. */
  readonly deletedAt: Date | null
}

/** Rows by table and by what became of them. */
export type RegistryReport = Record<string, Record<string, number>>

/** After so many milliseconds without the record a proof by DNS lapses (domain watch): an older one is not believed again. */
const PROOF_LIFE = 7 * 86_400_000

/**
 * Writes members, keys, domains, organisations and invitations of a backup. What the registry still has is newer than the backup and stays as it
 * is: somebody removed meanwhile stays out, a key revoked meanwhile stays revoked. What belongs to another tenant by now is left to it.
 */
export async function reviveRegistry(
  db: ControlDb,
  revival: Revival,
  tables: ReadonlyMap<string, readonly string[]>,
): Promise<RegistryReport> {
  const same = revival.from === revival.to
  const rowsOf = (table: string): readonly Row[] => (tables.get(table) ?? []).map(parsed)
  const ids = new Map<unknown, unknown>()
  const idOf = (id: unknown): unknown => {
    if (id === null) return id
    const made = ids.get(id) ?? (same ? id : uuidv7(revival.now))
    ids.set(id, made)
    return made
  }
  const report: RegistryReport = {}
  const count = (table: string, what: string, rows = 1): void => {
    const of = (report[table] ??= {})
    of[what] = (of[what] ?? 0) + rows
  }
  const insert = async (table: string, row: Row, what = 'restored'): Promise<void> => {
    const columns = registryTables().find(({ name }) => name === table)?.columns ?? []
    await insertRows(db, { name: table }, columns, [JSON.stringify({ ...row, tenant_id: revival.to })])
    count(table, what)
  }
  const present = await db.query<{ id: string; iss: string; sub: string }>(
    sql`SELECT id, iss, sub FROM members WHERE tenant_id = ${revival.to}`,
  )
  const people = new Map(present.map(({ id, iss, sub }) => [JSON.stringify([iss, sub]), id]))
  const others = await db.query<{ id: string }>(sql`
    SELECT id FROM api_keys WHERE id = ANY (${rowsOf('api_keys').map(({ id }) => id)}::text[])
    UNION ALL SELECT id::text FROM invitations WHERE id = ANY (${rowsOf('invitations').map(({ id }) => id)}::uuid[])`)
  const known = new Set<unknown>(others.map(({ id }) => id))

  for (const row of rowsOf('members')) {
    const id = people.get(JSON.stringify([row['iss'], row['sub']]))
    const [home] = await db.query(sql`SELECT 1 FROM members WHERE iss = ${row['iss']} AND sub = ${row['sub']} AND home`)
    const comesHome = row['home'] === true && home === undefined
    if (id === undefined) await insert('members', { ...row, id: idOf(row['id']), home: comesHome })
    else {
      ids.set(row['id'], id)
      if (comesHome)
        await db.query(
          sql`UPDATE members SET home = true WHERE id = ${id} AND status = 'active' AND removed_at IS NULL`,
        )
      count('members', 'kept as the registry has them')
    }
  }

  for (const row of rowsOf('api_keys')) {
    if (!same) count('api_keys', 'left out: a key belongs to one tenant')
    else if (!known.has(row['id']))
      await insert('api_keys', { ...row, creator_member_id: idOf(row['creator_member_id']) })
    else {
      // Revoked by the deletion itself, and by nobody before: it works again.
      const again = await db.query(sql`
        UPDATE api_keys SET revoked_at = NULL
        WHERE id = ${row['id']} AND tenant_id = ${revival.to} AND revoked_at = ${revival.deletedAt} RETURNING id`)
      count('api_keys', again.length > 0 ? 'restored' : 'kept as the registry has them')
    }
  }

  for (const row of rowsOf('domains')) {
    const taken = await db.query(sql`SELECT 1 FROM domains WHERE domain = ${row['domain']} AND state = 'verified'`)
    const verified = row['state'] === 'verified'
    if (verified && taken.length > 0) count('domains', 'left out: verified for another tenant')
    else if (!same && !verified) count('domains', 'left out: a claim belongs to one tenant')
    else {
      const fresh = { ...row, id: idOf(row['id']), owner_candidate: idOf(row['owner_candidate']) }
      // Who holds the domain now may be another: as after any lapse, an operator has to approve (D8).
      const old = verified && row['verified_by'] === 'dns' && revival.now - revival.takenAt > PROOF_LIFE
      const at = new Date(revival.now).toISOString()
      if (old)
        await insert(
          'domains',
          { ...fresh, state: 'lapsed', lapsed_at: at, next_check: at },
          'lapsed: an operator has to approve',
        )
      else await insert('domains', fresh)
    }
  }

  for (const row of rowsOf('organizations')) {
    const taken = await db.query(sql`
      SELECT 1 FROM organizations WHERE iss = ${row['iss']} AND kind = ${row['kind']} AND value = ${row['value']}`)
    if (taken.length > 0) count('organizations', 'left out: mapped to another tenant')
    else await insert('organizations', { ...row, id: idOf(row['id']) })
  }

  const there = await db.query<{ name: string }>(sql`SELECT name FROM upstreams WHERE tenant_id = ${revival.to}`)
  for (const row of rowsOf('upstreams')) {
    if (!same) count('upstreams', 'left out: sealed for one tenant')
    else if (there.some(({ name }) => name === row['name'])) count('upstreams', 'kept as the registry has them')
    else await insert('upstreams', row)
  }

  for (const row of rowsOf('invitations')) {
    if (!same) count('invitations', 'left out: a link names one tenant')
    else if (known.has(row['id'])) count('invitations', 'kept as the registry has them')
    // It may have been taken back after the backup, and the deletion took the row that would say so.
    else {
      const people = {
        inviter_member_id: idOf(row['inviter_member_id']),
        accepted_member_id: idOf(row['accepted_member_id']),
      }
      if (row['state'] === 'pending')
        await insert('invitations', { ...row, ...people, state: 'revoked' }, 'revoked: invite again')
      else await insert('invitations', { ...row, ...people })
    }
  }
  return report
}

function parsed(line: string): Row {
  const row: Row = JSON.parse(line)
  return row
}
