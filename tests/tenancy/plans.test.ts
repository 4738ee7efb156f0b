import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Actor } from '#tenancy/registry.ts'
import { NO_LIMITS, type Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, upperKinds, type FreshDatabase } from '../support/database.ts'
import {
  actorOf,
  company,
  enlist,
  operator,
  person,
  registryError,
  startReplica,
  until,
  type Replica,
} from './support.ts'

const ann = person('ann@acme.com')

let fresh: FreshDatabase
let replica: Replica
let tenant: Tenant
let owner: Actor
beforeAll(async () => {
  fresh = await freshDatabase({ kind: upperKinds[0] ?? 'postgres' })
  replica = await startReplica(fresh)
  tenant = await company(replica, 'acme')
  await enlist(replica, tenant, ann, 'owner')
  owner = actorOf(await replica.principal(ann))
})
afterAll(async () => await fresh.drop())

const noted = async (action: string) =>
  await fresh.sql(`SELECT sub, target, detail FROM gatehouse.audit WHERE action = $1 ORDER BY id`, [action])

test('a plan is made and changed by what is given; null is the server’s again; each change is noted', async () => {
  const { plans } = replica.registry
  const made = await plans.set(operator, 'basic', { title: 'Basic', calls_per_minute: 60, keys: 0 })
  expect(made).toEqual({
    ...NO_LIMITS,
    name: 'basic',
    title: 'Basic',
    calls_per_minute: 60,
    keys: 0,
    tenants: 0,
    changed_at: expect.stringMatching(/Z$/),
  })
  expect(await plans.set(operator, 'basic', { call_seconds: 5 })).toMatchObject({
    title: 'Basic',
    calls_per_minute: 60,
    call_seconds: 5,
  })
  expect(await plans.set(operator, 'basic', { calls_per_minute: null, keys: null })).toMatchObject({
    ...NO_LIMITS,
    call_seconds: 5,
  })
  expect(await plans.show(operator, 'basic')).toMatchObject({ call_seconds: 5 })
  expect((await plans.list(operator)).map(({ name }) => name)).toEqual(['basic'])
  expect(await noted('plan.set')).toMatchObject([
    { sub: 'tests', target: 'basic', detail: { calls_per_minute: 60 } },
    { detail: { call_seconds: 5 } },
    { detail: { calls_per_minute: null } },
  ])
})

test.each([
  ['Basic', {}, 'name'],
  ['none', {}, 'name'],
  ['x', { calls_per_minute: 0 }, 'calls_per_minute'],
  ['x', { calls_per_minute_principal: 1.5 }, 'calls_per_minute_principal'],
  ['x', { concurrent_calls: 10_001 }, 'concurrent_calls'],
  ['x', { result_bytes: 1023 }, 'result_bytes'],
  ['x', { call_seconds: 301 }, 'call_seconds'],
  ['x', { keys: -1 }, 'keys'],
  ['x', { title: ' ' }, 'title'],
])('a plan %s with %j is invalid, and the field is named', async (name, input, field) => {
  const error = await replica.registry.plans.set(operator, name, input).catch((error: unknown) => error)
  expect(error).toMatchObject({ code: 'invalid', field })
  expect((await replica.registry.plans.list(operator)).map(({ name }) => name)).not.toContain('x')
})

test('plans are for operators alone: an owner neither sees nor changes any, nor gives themselves one', async () => {
  const { plans } = replica.registry
  for (const work of [
    async () => await plans.list(owner),
    async () => await plans.show(owner, 'basic'),
    async () => await plans.set(owner, 'basic', {}),
    async () => await plans.remove(owner, 'basic'),
    async () => await plans.assign(tenant, owner, 'basic'),
  ])
    expect(await registryError(work())).toBe('forbidden')
  // Row security says so too.
  await expect(
    fresh.database.control({ as: 'desk', tenant: tenant.id }, async (db) => {
      const { sql } = await import('#db/sql.ts')
      return await db.query(sql`UPDATE tenants SET plan = 'basic'`)
    }),
  ).rejects.toMatchObject({ code: '42501' })
})

test('D21: a tenant’s plan and what is changed of it show within a second on another replica', async () => {
  const other = await startReplica(fresh)
  const { plans, tenants } = replica.registry
  const seen = async () => (await other.principal(ann)).tenant
  expect(await seen()).toMatchObject({ plan: null, limits: NO_LIMITS })
  await plans.set(operator, 'gold', {
    calls_per_minute: 10,
    calls_per_minute_principal: 5,
    concurrent_calls: 2,
    result_bytes: 2048,
    call_seconds: 3,
    keys: 1,
  })
  const record = await plans.assign(tenant, operator, 'gold')
  expect(record).toMatchObject({ slug: 'acme', plan: 'gold', limits: { calls_per_minute: 10, keys: 1 } })
  expect(await until('gold', async () => (await seen()).plan ?? '')).toBeLessThan(1_000)
  expect((await seen()).limits).toEqual({
    calls_per_minute: 10,
    calls_per_minute_principal: 5,
    concurrent_calls: 2,
    result_bytes: 2048,
    call_seconds: 3,
    keys: 1,
  })
  await plans.set(operator, 'gold', { calls_per_minute: 11 })
  expect(await until('11', async () => String((await seen()).limits.calls_per_minute))).toBeLessThan(1_000)
  expect(await tenants.get(operator, 'acme')).toMatchObject({ plan: 'gold', limits: { calls_per_minute: 11 } })
  // Giving it once more is no change.
  await plans.assign(tenant, operator, 'gold')
  expect(await noted('tenant.plan_changed')).toEqual([
    { sub: 'tests', target: 'acme', detail: { from: null, to: 'gold' } },
  ])
})

test('a plan that tenants have stays; without any it goes', async () => {
  const { plans } = replica.registry
  expect(await registryError(plans.remove(operator, 'gold'))).toBe('conflict')
  expect(await registryError(plans.assign(tenant, operator, 'platinum'))).toBe('unknown')
  await plans.assign(tenant, operator, null)
  await plans.remove(operator, 'gold')
  expect(await registryError(plans.remove(operator, 'gold'))).toBe('unknown')
  expect(await registryError(plans.show(operator, 'gold'))).toBe('unknown')
})

test('a plan says how many keys of one member work', async () => {
  const { plans, keys, tenants } = replica.registry
  await plans.set(operator, 'tiny', { keys: 1 })
  await plans.assign(tenant, operator, 'tiny')
  const now = await tenants.get(operator, 'acme')
  const me = actorOf(await replica.principal(ann))
  await keys.create(now, me, { name: 'one', scopes: ['projects:read'] })
  expect(await registryError(keys.create(now, me, { name: 'two', scopes: ['projects:read'] }))).toBe('conflict')
  await plans.assign(tenant, operator, null)
  await keys.create(await tenants.get(operator, 'acme'), me, { name: 'two', scopes: ['projects:read'] })
})
