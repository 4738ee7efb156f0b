import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DatabaseUnavailable, type Change, type Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { tokenDigest } from '#identity/token-digest.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import {
  company,
  eventually,
  keyIdentity,
  operator,
  person,
  refusal,
  type Replica,
  startReplica,
  until,
} from './support.ts'

describe.each(upperKinds)('cut-off across replicas (%s)', (kind) => {
  let fresh: FreshDatabase
  let here: Replica
  let there: Replica
  let tenant: Tenant

  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    here = await startReplica(fresh)
    there = await startReplica(fresh, { database: await fresh.open() })
    tenant = await company(here, 'acme')
  })
  afterAll(async () => await fresh.drop())

  /** What a change made here does to someone who was served there a moment ago, and how long it takes. */
  async function bites(
    identity: ReturnType<typeof person>,
    change: () => Promise<unknown>,
    code: string,
  ): Promise<number> {
    const ask = async (): Promise<string> => await refusal(there.principal(identity))
    expect(await ask()).toBe('served')
    expect(there.watch.ttl).toBe(30_000)
    await change()
    return await until(code, ask)
  }

  test('D21: suspend, remove and revoke show on another replica within a second', async () => {
    const { registry } = here
    const ann = person('ann@acme.com')
    expect(
      await bites(ann, async () => await registry.tenants.suspend(tenant, operator), 'tenant_suspended'),
    ).toBeLessThan(1_000)
    await registry.tenants.resume(tenant, operator)
    await until('served', async () => await refusal(there.principal(ann)))
    expect(
      await bites(ann, async () => await registry.members.remove(tenant, operator, 'ann@acme.com'), 'member_removed'),
    ).toBeLessThan(1_000)

    const { record } = await registry.keys.create(tenant, operator, { name: 'ci', scopes: ['*'] })
    expect((await there.lookup(record.id))?.revoked_at).toBeNull()
    expect(
      await bites(
        keyIdentity(record.id, 'acme'),
        async () => await registry.keys.revoke(tenant, operator, record.id),
        'key_revoked',
      ),
    ).toBeLessThan(1_000)
    await eventually(async () => (await there.lookup(record.id))?.revoked_at).toBeTypeOf('number')
  })

  test('D21: what people wait for shows as fast: a new member, a new role, a new domain', async () => {
    const { registry } = here
    const bea = person('bea@beta.com')
    const ask = async (): Promise<string> => await refusal(there.principal(bea))
    expect(await ask()).toBe('tenant_unknown')
    await registry.domains.add(tenant, operator, { domain: 'beta.com', asserted_by: ['oidc'], default_role: 'viewer' })
    expect(await until('served', ask)).toBeLessThan(1_000)
    await registry.members.setRole(tenant, operator, 'bea@beta.com', 'admin')
    await eventually(async () => (await there.principal(bea)).role).toBe('admin')
  })

  test('D22: one token, all tokens of a member, and a person everywhere can be cut', async () => {
    const { registry } = here
    const cy = person('cy@acme.com')
    const stolen = tokenDigest('a stolen token')
    const ask = async (digest: string): Promise<string> => await refusal(there.principal(cy, { tokenDigest: digest }))
    expect([await ask(stolen), await ask('another')]).toEqual(['served', 'served'])
    await registry.revocations.revokeToken(operator, { digest: stolen, until: null, reason: 'laptop lost' })
    expect(await until('token_revoked', async () => await ask(stolen))).toBeLessThan(1_000)
    expect(await ask('another')).toBe('served')

    expect(
      await bites(
        cy,
        async () => await registry.members.revokeTokens(tenant, operator, 'cy@acme.com'),
        'token_revoked',
      ),
    ).toBeLessThan(1_000)
    const now = Math.ceil(Date.now() / 1000)
    expect(await refusal(there.principal({ ...cy, iat: now + 1 }))).toBe('served')
    // At an unknown time is not after.
    expect(await refusal(there.principal({ ...cy, iat: null }))).toBe('token_revoked')

    const dan = person('dan@acme.com')
    const block = { iss: dan.iss, sub: dan.sub }
    await there.principal(dan)
    const member = await registry.members.show(tenant, operator, 'dan@acme.com')
    await registry.members.setRole(tenant, operator, member.id, 'admin')
    await eventually(async () => (await there.principal(dan)).role).toBe('admin')
    const made = await registry.keys.create(
      tenant,
      { kind: 'person', principal: await there.principal(dan), request_id: null, ip: null },
      { name: 'k', scopes: ['*'] },
    )
    expect(await refusal(there.principal(keyIdentity(made.record.id, 'acme')))).toBe('served')
    expect(
      await bites(dan, async () => await registry.revocations.blockPerson(operator, block), 'person_blocked'),
    ).toBeLessThan(1_000)
    expect(
      await until('person_blocked', async () => await refusal(there.principal(keyIdentity(made.record.id, 'acme')))),
    ).toBeLessThan(1_000)
    expect(await registry.revocations.list(operator)).toMatchObject([
      { kind: 'token', reason: 'laptop lost' },
      { kind: 'person', sub: dan.sub },
    ])
    await registry.revocations.unblockPerson(operator, block)
    await until('served', async () => await refusal(there.principal(dan)))
  })

  test('D21: without any word of a change nothing outlives 30 seconds', async () => {
    const eve = person('eve@acme.com')
    // The word of her joining has to have passed, or it would be what drops the entry.
    const { generation } = there.watch
    await there.principal(eve)
    await eventually(() => there.watch.generation).toBeGreaterThan(generation)
    expect(await refusal(there.principal(eve))).toBe('served')
    await fresh.sql(`UPDATE gatehouse.members SET status = 'removed' WHERE sub = $1`, [eve.sub])
    expect(await refusal(there.principal(eve))).toBe('served')
    there.clock.advance(29_000)
    expect(await refusal(there.principal(eve))).toBe('served')
    there.clock.advance(1_001)
    expect(await refusal(there.principal(eve))).toBe('member_removed')
  })

  test('200 calls at once with one cold token read the registry once', async () => {
    let reads = 0
    const counting: Database = new Proxy(here.database, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (name === 'control') reads += 1
        return value.bind(target)
      },
    })
    const replica = await startReplica(fresh, { database: counting })
    const fay = person('fay@acme.com')
    await here.principal(fay)
    const principals = await Promise.all(Array.from({ length: 200 }, async () => await replica.principal(fay)))
    expect(new Set(principals.map(({ tenant }) => tenant.slug))).toEqual(new Set(['acme']))
    expect(reads).toBe(1)
  })
})

describe('when the registry cannot be heard or reached', () => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase({ kind: 'postgres' })
    await company(await startReplica(fresh), 'acme')
  })
  afterAll(async () => await fresh.drop())

  /** The real database, whose listener and reachability a test can switch. */
  function switchable(database: Database) {
    const nothing: (change: Change) => void = () => {}
    const state = { live: true, reachable: true, change: nothing, gap: () => {} }
    const switched: Database = {
      kind: database.kind,
      admin: database.admin,
      control: async (actor, run) => {
        if (!state.reachable) throw new DatabaseUnavailable('switched off')
        return await database.control(actor, run)
      },
      tenant: async (tenant, options, run) => await database.tenant(tenant, options, run),
      announce: async () => {},
      listen: async (onChange, onGap) => {
        Object.assign(state, { change: onChange, gap: onGap })
        return {
          get live() {
            return state.live
          },
        }
      },
      tell: async (texts) => await database.tell(texts),
      hear: async (onText, onGap) => await database.hear(onText, onGap),
      replica: async (placement) => await database.replica(placement),
      ping: async () => await database.ping(),
      close: async () => await database.close(),
    }
    return { state, switched }
  }

  test('D21: while the listener is deaf everything held is dropped and lives 5 seconds', async () => {
    const { state, switched } = switchable(fresh.database)
    const replica = await startReplica(fresh, { database: switched })
    const gil = person('gil@acme.com')
    await replica.principal(gil)
    state.live = false
    state.gap()
    await fresh.sql(`UPDATE gatehouse.members SET status = 'removed' WHERE sub = $1`, [gil.sub])
    expect(await refusal(replica.principal(gil))).toBe('member_removed')
    await fresh.sql(`UPDATE gatehouse.members SET status = 'active' WHERE sub = $1`, [gil.sub])
    replica.clock.advance(4_900)
    expect(await refusal(replica.principal(gil))).toBe('member_removed')
    replica.clock.advance(101)
    expect(await refusal(replica.principal(gil))).toBe('served')
  })

  test('D21: with Postgres unreachable what is held serves for 30 seconds at most, then 503', async () => {
    const { state, switched } = switchable(fresh.database)
    const replica = await startReplica(fresh, { database: switched })
    const hal = person('hal@acme.com')
    await replica.principal(hal)
    state.reachable = false
    expect(await refusal(replica.principal(hal))).toBe('served')
    await expect(replica.principal(person('new@acme.com'))).rejects.toMatchObject({
      code: 'database_unavailable',
      status: 503,
      retryAfter: 10,
    })
    await expect(replica.lookup('000000000000')).rejects.toMatchObject({ code: 'database_unavailable' })
    replica.clock.advance(30_001)
    expect(await refusal(replica.principal(hal))).toBe('database_unavailable')
    state.reachable = true
    expect(await refusal(replica.principal(hal))).toBe('served')
  })

  test('a change drops what it concerns and nothing else', async () => {
    const { state, switched } = switchable(fresh.database)
    const replica = await startReplica(fresh, { database: switched })
    const [ida, joe] = [person('ida@acme.com'), person('joe@acme.com')]
    const { tenant } = await replica.principal(ida)
    await replica.principal(joe)
    const [row] = await fresh.sql<{ id: string }>(
      `UPDATE gatehouse.members SET role = 'admin' WHERE sub = ANY($1) RETURNING id, sub`,
      [[ida.sub, joe.sub]],
    )
    state.change({ table: 'members', tenant: tenant.id, id: row?.id ?? '' })
    const roles = [(await replica.principal(ida)).role, (await replica.principal(joe)).role]
    expect(roles.sort()).toEqual(['admin', 'member'])
    state.change({ table: 'tenants', tenant: tenant.id, id: tenant.id })
    expect([(await replica.principal(ida)).role, (await replica.principal(joe)).role]).toEqual(['admin', 'admin'])
  })
})

test('D21: a suspension shows within a second, also while a call that began before it goes on', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const here = await startReplica(fresh)
  const there = await startReplica(fresh, { database: await fresh.open() })
  const tenant = await company(here, 'acme')
  const ann = person('ann@acme.com')
  await eventually(async () => {
    await there.principal(ann)
    return there.watch.ttl
  }).toBe(30_000)
  let go = (): void => {}
  const held = new Promise<void>((resolve) => (go = resolve))
  let begun = false
  const call = there.database.tenant(tenant, { access: 'read' }, async (db) => {
    await db.query(sql`SELECT 1 FROM projects`)
    begun = true
    await held
  })
  await eventually(() => begun).toBe(true)
  expect(await refusal(there.principal(ann))).toBe('served')
  let over = false
  const suspended = here.registry.tenants.suspend(tenant, operator).then(() => (over = true))
  expect(await until('tenant_suspended', async () => await refusal(there.principal(ann)))).toBeLessThan(1_000)
  expect(over).toBe(false)
  go()
  await Promise.all([call, suspended])
  await fresh.drop()
})
