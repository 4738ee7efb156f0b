import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '#db/sql.ts'
import { stale } from '#tenancy/precondition.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { actorOf, company, enlist, eventually, person, registryError, startReplica, type Replica } from './support.ts'

let fresh: FreshDatabase
let replica: Replica
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  replica = await startReplica(fresh)
})
afterAll(async () => await fresh.drop())

const waiting = async (): Promise<number> =>
  (
    await fresh.sql(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'`,
    )
  ).length

test('in a tenant without owners too, of two who hold the same picture of a member one is told that it is old', async () => {
  const tenant = await company(replica, 'acme')
  const ann = person(null, { sub: 'ann' })
  await enlist(replica, tenant, ann, 'admin')
  const { id } = await enlist(replica, tenant, person(null, { sub: 'vic' }), 'viewer')
  const admin = actorOf(await replica.principal(ann))
  const change = async (role: 'member' | 'admin'): Promise<string> =>
    await registryError(
      replica.registry.members.setRole(tenant, admin, id, role, (present) => {
        if (present.role !== 'viewer') throw stale()
      }),
    )
  let both: Promise<readonly string[]> = Promise.resolve([])
  // Both are on their way before either can write.
  await fresh.database.control({ as: 'operator' }, async (db) => {
    await db.query(sql`SELECT id FROM members WHERE id = ${id} FOR UPDATE`)
    both = Promise.all([change('member'), change('admin')])
    await eventually(waiting).toBe(2)
  })
  expect([...(await both)].sort()).toEqual(['done', 'stale'])
})
