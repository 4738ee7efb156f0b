/** `tenant move`: what others do meanwhile, and what comes afterwards. Left in the middle: moves.test.ts. */
import { expect, test } from 'vitest'
import { DatabaseUnavailable, type Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { until } from '../support/until.ts'
import { add, dies, names, there, twoServers } from '../tenancy/moved.ts'
import { operator, registryError } from '../tenancy/support.ts'

const at = twoServers()

test('who waited for a move that was cancelled meanwhile does not begin it again', async () => {
  const tenant = await at.make('waited')
  await expect(at.movesOf(dies(at.fresh.database, 'round', 'before')).move(tenant, operator, 'two')).rejects.toThrow(
    'killed',
  )
  const held = `UPDATE gatehouse.moves SET holder = gen_random_uuid(), held_until = now() + interval '1 hour' WHERE tenant_id = $1`
  await at.fresh.sql(held, [tenant.id])
  let looked = false
  const { database } = at.fresh
  const watched: Database = {
    ...database,
    control: async (actor, run) => {
      const answer = await database.control(actor, run)
      looked = true
      return answer
    },
  }
  const waiting = at.movesOf(watched).move(tenant, operator, 'two')
  waiting.catch(() => {})
  // Cancelled sooner, nothing would be under way, and this would be a move of its own.
  await until(() => looked)
  const over = `UPDATE gatehouse.moves SET state = 'cancelled', ended_at = now(), held_until = now() WHERE tenant_id = $1`
  await at.fresh.sql(over, [tenant.id])
  expect(await registryError(waiting)).toBe('conflict')
  expect(await at.moves().show(tenant, operator)).toMatchObject({ state: 'cancelled', problem: 'killed' })
  expect((await at.now(tenant)).placement).toBe('default')
})

test('the latest move is the latest by the registry’s clock, whatever the clocks of the machines that commands ran on', async () => {
  const tenant = await at.make('skewed')
  // Begun and ended yesterday, from a machine whose clock is years ahead.
  await at.fresh.sql(
    `INSERT INTO gatehouse.moves (id, tenant_id, source, target, state, holder, held_until, started_at, ended_at)
      VALUES ('ffffffff-ffff-7fff-bfff-ffffffffffff', $1, 'default', 'two', 'cancelled', gen_random_uuid(), now(), now() - interval '1 day', now())`,
    [tenant.id],
  )
  await at.moves().move(tenant, operator, 'two')
  expect(await at.moves().show(tenant, operator)).toMatchObject({ state: 'switched' })
  // What it left is known of: it cannot be deleted before that is gone.
  expect(await registryError(at.replica.registry.tenants.delete(await at.now(tenant), operator))).toBe('conflict')
  await at.moves().confirm(await at.now(tenant), operator)
  expect(await there(at.fresh, tenant)).toBe(false)
})

test('until the source is shut the tenant has no rights on the target, so nobody can write there what is lost', async () => {
  const tenant = await at.make('early')
  await add(at.fresh.database, tenant, 'one')
  const moves: Promise<unknown>[] = []
  await at.fresh.database.tenant(tenant, { access: 'read' }, async (db) => {
    await db.query(sql`SELECT id FROM projects`)
    moves.push(at.moves().move(tenant, operator, 'two'))
    const mark = `SELECT 1 FROM pg_namespace WHERE nspname = $1 AND obj_description(oid) LIKE '%: arrived %'`
    await until(async () => (await at.second.sql(mark, [tenant.schema])).length > 0)
    await expect(
      at.second.sql(`SET ROLE ${tenant.schema}; SELECT 1 FROM ${tenant.schema}.projects`),
    ).rejects.toMatchObject({ code: '42501' })
  })
  await Promise.all(moves)
  expect(await names(at.stale, await at.now(tenant))).toEqual(['one'])
})

test('a target that is gone does not keep the tenant: move-cancel opens the source again', async () => {
  const tenant = await at.make('bereft')
  await add(at.fresh.database, tenant, 'one')
  await expect(at.movesOf(dies(at.fresh.database, 'stop', 'after')).move(tenant, operator, 'two')).rejects.toThrow(
    'killed',
  )
  const alone = await at.fresh.open({ placements: { two: 'postgres://nobody@127.0.0.1:1/gone' } })
  await expect(at.movesOf(alone).cancel(tenant, operator)).rejects.toThrow(DatabaseUnavailable)
  await add(at.stale, tenant, 'two')
  expect(await at.moves().cancel(tenant, operator)).toMatchObject({ state: 'cancelled' })
  expect(await names(at.fresh.database, tenant)).toEqual(['one', 'two'])
  expect(await there(at.second, tenant)).toBe(false)
})

test('an autovacuum that takes its time does not keep a tenant from moving', async () => {
  const { slug } = await at.make('vacuumed')
  await at.moves().move(await at.replica.registry.tenants.get(operator, slug), operator, 'two')
  await at.moves().confirm(await at.replica.registry.tenants.get(operator, slug), operator)
  const tenant = await at.replica.registry.tenants.get(operator, slug)
  await at.second.sql(`INSERT INTO ${tenant.schema}.projects (id, name, description, created_by, created_at, updated_at)
    SELECT gen_random_uuid(), 'p' || n, repeat('x', 500), 'a', now(), now() FROM generate_series(1, 5000) n`)
  // A page at a time, with pauses: minutes.
  await at.second
    .sql(`ALTER TABLE ${tenant.schema}.projects SET (autovacuum_vacuum_insert_threshold = 1, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_enabled = true)`)
  await at.second.sql('ALTER SYSTEM SET autovacuum = on')
  await at.second.sql('ALTER SYSTEM SET autovacuum_naptime = 1')
  await at.second.sql('SELECT pg_reload_conf()')
  const vacuuming = `SELECT 1 FROM pg_stat_activity WHERE query LIKE 'autovacuum: VACUUM %${tenant.schema}.projects%'`
  await until(async () => (await at.second.sql(vacuuming)).length > 0, 30_000)
  expect(await at.moves().move(tenant, operator, 'default', { patience: 5_000 })).toMatchObject({ state: 'switched' })
})
