/** `tenant move`, between two real servers and under load. What goes wrong in the middle: tests/faults/moves.test.ts. */
import { expect, test } from 'vitest'
import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { auditKey, insertAudit, signAudit } from '#tenancy/audit.ts'
import { verifyAudit } from '#tenancy/audit-verify.ts'
import { checkpoint } from '#tenancy/checkpoint.ts'
import { until } from '../support/until.ts'
import { add, names, there, twoServers } from './moved.ts'
import { operator, registryError } from './support.ts'

const at = twoServers()

test('a tenant moves while it works: nothing acknowledged is lost, changed rows and deleted ones too, and it can go back', async () => {
  const tenant = await at.make('mover')
  const kept: string[] = []
  const gone: string[] = []
  for (let n = 0; n < 40; n += 1) kept.push(await add(at.fresh.database, tenant, `before ${n}`))
  const state = { moving: true }
  let longest = 0
  const changed = new Set<string>()
  // Two processes write, change and delete all the time; one of them with an old word of where the tenant lives.
  const work = async (database: Database): Promise<void> => {
    for (let n = 0; state.moving; n += 1) {
      const began = performance.now()
      const id = await add(database, tenant, `meanwhile ${n}`)
      const victim = n % 3 === 0 ? kept.shift() : undefined
      const other = kept[n % kept.length]
      await database.tenant(tenant, { access: 'write' }, async (db) => {
        if (victim !== undefined) await db.query(sql`DELETE FROM projects WHERE id = ${victim}`)
        if (other !== undefined) await db.query(sql`UPDATE projects SET description = 'changed' WHERE id = ${other}`)
      })
      kept.push(id)
      if (victim !== undefined) gone.push(victim)
      if (other !== undefined) changed.add(other)
      longest = Math.max(longest, performance.now() - began)
    }
  }
  const workers = [work(at.fresh.database), work(at.stale)]
  const done = await at.moves().move(tenant, operator, 'two', { verify: 'rows' })
  await until(() => kept.length > 60)
  state.moving = false
  await Promise.all(workers)
  expect(done).toMatchObject({ from: 'default', to: 'two', state: 'switched', problem: null, working: false })
  expect((await at.now(tenant)).placement).toBe('two')
  const rows = await at.second.sql<{ id: string; description: string }>(
    `SELECT id, description FROM ${tenant.schema}.projects`,
  )
  expect(rows.map(({ id }) => id).toSorted()).toEqual(kept.toSorted())
  expect(gone.length).toBeGreaterThan(5)
  const stayed = new Set(kept)
  expect(
    rows
      .filter(({ description }) => description === 'changed')
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual([...changed].filter((id) => stayed.has(id)).toSorted())
  // What it left is as it was, and nobody reaches it.
  expect(await there(at.fresh, tenant)).toBe(true)
  await expect(
    at.fresh.sql(`SET ROLE ${tenant.schema}; SELECT 1 FROM ${tenant.schema}.projects`),
  ).rejects.toMatchObject({
    code: '42501',
  })
  const back = await at.moves().back(await at.now(tenant), operator)
  expect(back).toMatchObject({ from: 'two', to: 'default', state: 'switched', counts: null })
  expect((await at.fresh.sql(`SELECT id FROM ${tenant.schema}.projects`)).length).toBe(kept.length)
  expect((await names(at.stale, { ...tenant, placement: 'two' })).length).toBe(kept.length)
  await at.moves().confirm(await at.now(tenant), operator)
  expect(await there(at.second, tenant)).toBe(false)
  const actions = await at.fresh.sql<{ action: string }>(
    `SELECT action FROM gatehouse.audit WHERE tenant_id = $1 AND action LIKE 'tenant.move%' ORDER BY id`,
    [tenant.id],
  )
  expect(actions.map(({ action }) => action)).toEqual([
    'tenant.move_begun',
    'tenant.moved',
    'tenant.move_begun',
    'tenant.moved',
    'tenant.move_confirmed',
  ])
})

test('D18: a replica with an old word of where a tenant lives meets the fence and goes to where it lives now', async () => {
  const tenant = await at.make('stale')
  await at.moves().move(tenant, operator, 'two')
  const id = await add(at.stale, tenant, 'by a stale replica')
  expect(await at.second.sql(`SELECT name FROM ${tenant.schema}.projects WHERE id = $1`, [id])).toHaveLength(1)
  expect(await at.fresh.sql(`SELECT name FROM ${tenant.schema}.projects WHERE id = $1`, [id])).toHaveLength(0)
  await at.moves().confirm(await at.now(tenant), operator)
  expect(await there(at.fresh, tenant)).toBe(false)
  // Also when nothing at all is left behind.
  expect(await names(at.stale, tenant)).toEqual(['by a stale replica'])
})

test('a suspended tenant that is moved stays suspended, and has no rights on either server', async () => {
  const tenant = await at.make('asleep')
  await add(at.fresh.database, tenant, 'one')
  await at.replica.registry.tenants.suspend(tenant, operator)
  await at.moves().move(await at.now(tenant), operator, 'two')
  expect(await at.now(tenant)).toMatchObject({ status: 'suspended', placement: 'two' })
  for (const server of [at.fresh, at.second])
    await expect(
      server.sql(`SET ROLE ${tenant.schema}; SELECT 1 FROM ${tenant.schema}.projects`),
    ).rejects.toMatchObject({ code: '42501' })
  await at.replica.registry.tenants.resume(await at.now(tenant), operator)
  expect(await names(at.stale, tenant)).toEqual(['one'])
})

test('the audit of a moved tenant verifies, with its checkpoints, and rows that come late land where it lives now', async () => {
  const tenant = await at.make('audited')
  const key = auditKey('secret', tenant.schema)
  const entry = (action: string) => ({
    at: 1_700_000_000_000,
    tenant_id: tenant.id,
    iss: null,
    sub: null,
    key_id: null,
    action,
    target: 'ü\t"\\',
    outcome: 'ok' as const,
    latency_ms: 3,
    request_id: null,
    ip: null,
    detail: { deep: [1, 'x', null] },
    arguments_digest: null,
  })
  const hour = 3_600_000
  await at.fresh.database.tenant(tenant, { access: 'write' }, async (db) => {
    await insertAudit(db, [
      signAudit(key, entry('old'), Date.now() - hour),
      signAudit(key, entry('older'), Date.now() - hour),
    ])
    await checkpoint(db, key, Date.now())
  })
  await at.moves().move(tenant, operator, 'two', { verify: 'rows' })
  await at.stale.tenant(tenant, { access: 'write' }, async (db) => {
    await insertAudit(db, [signAudit(key, entry('late'), Date.now())])
  })
  const report = await at.fresh.database.tenant(
    await at.now(tenant),
    { access: 'read' },
    async (db) => await verifyAudit(db, [key]),
  )
  expect(report).toMatchObject({ intact: true, rows: 3, checkpoints: 1, broken: [], missing: [] })
})

test('a schema of that name on the target that is no copy of this move is never touched', async () => {
  const tenant = await at.make('foreign')
  await at.second.sql(`CREATE SCHEMA ${tenant.schema}; CREATE TABLE ${tenant.schema}.precious (id int)`)
  await expect(at.moves().move(tenant, operator, 'two')).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('not a copy of this move'),
  })
  await at.moves().cancel(tenant, operator)
  expect(await at.second.sql(`SELECT 1 FROM ${tenant.schema}.precious`)).toEqual([])
})

test('who may move what: operators, to a server there is, one move at a time, and no tenant that is to be deleted', async () => {
  const tenant = await at.make('rules')
  const person = { kind: 'person' } as never
  for (const call of ['cancel', 'confirm', 'show', 'back'] as const)
    expect(await registryError(at.moves()[call](tenant, person))).toBe('forbidden')
  expect(await registryError(at.moves().move(tenant, person, 'two'))).toBe('forbidden')
  expect(await registryError(at.moves().move(tenant, operator, 'nowhere'))).toBe('invalid')
  expect(await registryError(at.moves().move(tenant, operator, 'default'))).toBe('invalid')
  for (const call of ['cancel', 'confirm', 'back'] as const)
    expect(await registryError(at.moves()[call](tenant, operator))).toBe('conflict')
  expect(
    await registryError(at.replica.registry.tenants.create(operator, { slug: 'lost', placement: 'nowhere' })),
  ).toBe('invalid')
  const { tenants } = at.replica.registry
  await tenants.askDeletion(tenant, operator, tenant.slug)
  expect(await registryError(at.moves().move(tenant, operator, 'two'))).toBe('conflict')
  await tenants.keep(tenant, operator)
  await at.moves().move(tenant, operator, 'two')
  expect(await registryError(at.moves().move(await at.now(tenant), operator, 'two'))).toBe('conflict')
  // Its data lies on two servers: it is not deleted before that is settled.
  expect(await registryError(tenants.delete(await at.now(tenant), operator))).toBe('conflict')
  expect(await names(at.fresh.database, await at.now(tenant))).toEqual([])
  // Whoever read the tenant before the move suspends it where it lives, or not at all.
  expect(await registryError(tenants.suspend(tenant, operator))).toBe('conflict')
  expect((await at.now(tenant)).status).toBe('active')
  await at.moves().confirm(await at.now(tenant), operator)
  await tenants.delete(await at.now(tenant), operator)
  expect(await there(at.second, tenant)).toBe(false)
})

test('D10: two that make the same tenant on another server at once: one makes it, the other is told that it is there', async () => {
  const make = async () => await at.replica.registry.tenants.create(operator, { slug: 'together', placement: 'two' })
  const both = await Promise.allSettled([make(), make(), make()])
  expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const each of both) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'exists' })
  const tenant = await at.replica.registry.tenants.get(operator, 'together')
  await add(at.fresh.database, tenant, 'one')
  expect(await names(at.stale, tenant)).toEqual(['one'])
  expect(await registryError(make())).toBe('exists')
})
