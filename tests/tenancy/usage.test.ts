/** Counts of calls: what is written of them, who sees which, and how long they stay. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { DatabaseUnavailable, type Database } from '#db/database.ts'
import type { Actor } from '#tenancy/registry.ts'
import type { Principal, Tenant } from '#tenancy/tenant.ts'
import { createUsageMeter, type UsageMeter } from '#tenancy/usage-meter.ts'
import { createUsageRetention } from '#tenancy/usage-retention.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import {
  actorOf,
  company,
  enlist,
  keyIdentity,
  MovedClock,
  operator,
  person,
  registryError,
  startReplica,
  type Replica,
} from './support.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const silent = createLog('silent')

/** 10:30 UTC of a day, wherever the machine stands. */
class NoonClock extends MovedClock {
  #at = Date.UTC(2026, 10, 21, 10, 30)
  override now(): number {
    return this.#at
  }
  override advance(milliseconds: number): void {
    this.#at += milliseconds
  }
}

describe.each(upperKinds)('usage (%s)', (kind) => {
  let fresh: FreshDatabase
  let replica: Replica
  let acme: Tenant
  let globex: Tenant
  let clock: NoonClock
  let meter: UsageMeter
  const people: Record<string, Principal> = {}

  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    replica = await startReplica(fresh)
    acme = await company(replica, 'acme')
    globex = await company(replica, 'globex')
    for (const [sub, role, tenant] of [
      ['ann', 'admin', acme],
      ['mel', 'member', acme],
      ['vic', 'viewer', acme],
      ['gus', 'owner', globex],
    ] as const) {
      await enlist(replica, tenant, person(null, { sub }), role)
      people[sub] = await replica.principal(person(null, { sub }))
    }
  })
  afterAll(async () => await fresh.drop())
  beforeEach(async () => {
    await fresh.sql('DELETE FROM gatehouse.usage')
    await fresh.sql('DELETE FROM gatehouse.chores')
    clock = new NoonClock()
    meter = createUsageMeter({ database: fresh.database, clock, log: silent })
    // The desk that reports, with the same clock.
    reader = await startReplica(fresh, { clock })
  })
  let reader: Replica

  const who = (sub: string): Principal => {
    const found = people[sub]
    if (found === undefined) throw new Error(`nobody is ${sub}`)
    return found
  }
  const actor = (sub: string): Actor => actorOf(who(sub))
  const call = (sub: string, tool: string | null, took = 10, failed = false): void =>
    meter.call({ principal: who(sub), tool, failed, startedAt: clock.now() - took })
  const rows = async (): Promise<unknown[]> =>
    await fresh.sql(
      `SELECT hour, tool, sub, provider, calls::int, failures::int, refusals::int, total_ms::int, max_ms FROM gatehouse.usage ORDER BY hour, tool, sub`,
    )

  test('is one row per hour, tenant, tool and person, and grows with every flush', async () => {
    for (const took of [10, 30]) call('mel', 'list_projects', took)
    call('mel', 'list_projects', 20, true)
    call('mel', 'create_todo', 5)
    call('ann', 'list_projects', 7)
    meter.refused(who('mel'))
    expect(await rows()).toEqual([])
    await meter.flush()
    const hour = new Date(Date.UTC(2026, 10, 21, 10))
    const row = { hour, provider: 'oidc', calls: 1, failures: 0, refusals: 0 }
    expect(await rows()).toEqual([
      { ...row, tool: 'create_todo', sub: 'mel', total_ms: 5, max_ms: 5 },
      { ...row, tool: 'list_projects', sub: 'ann', total_ms: 7, max_ms: 7 },
      { ...row, tool: 'list_projects', sub: 'mel', calls: 3, failures: 1, total_ms: 60, max_ms: 30 },
      { ...row, tool: 'refused', sub: 'mel', calls: 0, refusals: 1, total_ms: 0, max_ms: 0 },
    ])
    call('mel', 'create_todo', 3)
    clock.advance(HOUR)
    call('mel', 'create_todo', 8)
    await meter.flush()
    expect((await rows()).filter((each) => (each as { tool: string }).tool === 'create_todo')).toEqual([
      { ...row, tool: 'create_todo', sub: 'mel', calls: 2, total_ms: 8, max_ms: 5 },
      { ...row, hour: new Date(Date.UTC(2026, 10, 21, 11)), tool: 'create_todo', sub: 'mel', total_ms: 8, max_ms: 8 },
    ])
  })

  test('counts two replicas that flush the same rows at once, without a deadlock and without losing any', async () => {
    const other = createUsageMeter({ database: await fresh.open(), clock, log: silent })
    const tools = Array.from({ length: 200 }, (_, at) => `tool_${at}`)
    for (let round = 0; round < 5; round += 1) {
      for (const tool of tools) meter.call({ principal: who('mel'), tool, failed: false, startedAt: clock.now() })
      for (const tool of tools.toReversed())
        other.call({ principal: who('mel'), tool, failed: false, startedAt: clock.now() })
      await Promise.all([meter.flush(), other.flush()])
    }
    const [sum] = await fresh.sql(`SELECT count(*)::int AS rows, sum(calls)::int AS calls FROM gatehouse.usage`)
    expect(sum).toEqual({ rows: 200, calls: 2_000 })
  })

  test('keeps its counts while the database is away, and gives up new rows only beyond a bound', async () => {
    let away = true
    const database: Pick<Database, 'control'> = {
      control: async (as, run) => {
        if (away) throw new DatabaseUnavailable('away')
        return await fresh.database.control(as, run)
      },
    }
    const lines: string[] = []
    const log = createLog('warn', { write: (line: string) => void lines.push(line) })
    const patient = createUsageMeter({ database: { ...fresh.database, ...database }, clock, log })
    const count = (tool: string): void =>
      patient.call({ principal: who('mel'), tool, failed: false, startedAt: clock.now() })
    for (let at = 0; at < 50_001; at += 1) count(`tool_${at}`)
    count('tool_0')
    await patient.flush()
    count('tool_0')
    count('tool_50000')
    await patient.flush()
    expect(lines.filter((line) => line.includes('usage was not counted'))).toHaveLength(2)
    expect(lines.filter((line) => line.includes('tried again'))).toHaveLength(2)
    away = false
    await patient.close()
    const [sum] = await fresh.sql(
      `SELECT count(*)::int AS rows, sum(calls)::int AS calls, max(calls)::int AS most FROM gatehouse.usage`,
    )
    expect(sum).toEqual({ rows: 50_000, calls: 50_002, most: 3 })
  }, 30_000)

  test('names that callers make up are one row, and what Postgres cannot hold costs nobody else’s', async () => {
    for (const name of [null, null]) call('mel', name)
    const strange = { ...who('mel'), identity: { ...who('mel').identity, sub: 'a\0b' } }
    const plain = { ...who('mel'), identity: { ...who('mel').identity, sub: 'ab' } }
    for (const principal of [strange, plain])
      meter.call({ principal, tool: 't', failed: false, startedAt: clock.now() })
    await meter.flush()
    expect(await rows()).toMatchObject([
      { tool: 't', sub: 'ab', calls: 2 },
      { tool: 'unknown', sub: 'mel', calls: 2 },
    ])
  })

  test('a key is one row with its secret and with a token made for it', async () => {
    const { record } = await replica.registry.keys.create(acme, operator, { name: 'ci', scopes: ['*'] })
    const asKey = await replica.principal(keyIdentity(record.id, 'acme'))
    const asToken = {
      ...asKey,
      identity: {
        ...asKey.identity,
        provider: 'service-token',
        sub: `key:${record.id}`,
        iss: 'https://gatehouse.test',
      },
    }
    for (const principal of [asKey, asToken])
      meter.call({ principal, tool: 'list_projects', failed: false, startedAt: clock.now() })
    await meter.flush()
    expect(await rows()).toMatchObject([{ sub: record.id, provider: 'api-key', calls: 2 }])
    const { callers } = await reader.registry.usage.report(acme, actor('ann'))
    expect(callers).toMatchObject([
      { user_id: `api-key:${record.id}`, key: record.id, name: 'ci', email: null, calls: 2 },
    ])
  })

  describe('the report', () => {
    test('tells every day of the range in UTC, the tools and the people, most called first', async () => {
      call('ann', 'create_todo', 4)
      for (const took of [10, 20]) call('mel', 'list_projects', took)
      call('mel', 'list_projects', 30, true)
      meter.refused(who('vic'))
      await meter.flush()
      clock.advance(DAY)
      call('ann', 'create_todo', 6)
      await meter.flush()
      const report = await reader.registry.usage.report(acme, actor('ann'))
      expect(report).toMatchObject({
        slug: 'acme',
        since: '2026-10-24T00:00:00.000Z',
        step: 'day',
        whose: 'tenant',
        totals: { calls: 5, failures: 1, refusals: 1, total_ms: 70, max_ms: 30 },
        tools: [
          { tool: 'list_projects', calls: 3, failures: 1, total_ms: 60, max_ms: 30 },
          { tool: 'create_todo', calls: 2, total_ms: 10 },
        ],
        callers: [
          { user_id: 'oidc:mel', key: null, calls: 3 },
          { user_id: 'oidc:ann', calls: 2 },
          { user_id: 'oidc:vic', calls: 0, refusals: 1 },
        ],
        callers_total: 3,
      })
      expect(report.series).toHaveLength(30)
      expect(report.series.at(-3)).toMatchObject({ at: '2026-11-20T00:00:00.000Z', calls: 0 })
      expect(report.series.at(-2)).toMatchObject({ at: '2026-11-21T00:00:00.000Z', calls: 4, refusals: 1 })
      expect(report.series.at(-1)).toMatchObject({ at: '2026-11-22T00:00:00.000Z', calls: 1 })
      const hours = await reader.registry.usage.report(acme, actor('ann'), {
        since: clock.now() - 26 * HOUR,
        until: clock.now(),
      })
      expect(hours).toMatchObject({ step: 'hour', totals: { calls: 5 }, since: '2026-11-21T08:00:00.000Z' })
      expect(hours.series.filter(({ calls }) => calls > 0).map(({ at }) => at)).toEqual([
        '2026-11-21T10:00:00.000Z',
        '2026-11-22T10:00:00.000Z',
      ])
    })

    test.each([
      { since: Date.UTC(2026, 0, 2), until: Date.UTC(2026, 0, 1) },
      { since: Number.NaN },
      { until: Number.POSITIVE_INFINITY },
      { until: Date.UTC(10_000, 0, 1) },
      { since: -1 },
      { since: 0 },
      { since: Date.UTC(2026, 8, 1), step: 'hour' as const },
    ])('%j is no range', async (range) => {
      expect(await registryError(reader.registry.usage.report(acme, actor('ann'), range))).toBe('invalid')
    })

    test('D12: who is no admin sees their own calls and those of their keys, and nobody else’s', async () => {
      const { record } = await replica.registry.keys.create(acme, actor('mel'), { name: 'mine', scopes: ['*'] })
      const { record: foreign } = await replica.registry.keys.create(acme, operator, { name: 'ops', scopes: ['*'] })
      for (const { id } of [record, foreign]) {
        const principal = await replica.principal(keyIdentity(id, 'acme'))
        meter.call({ principal, tool: 'list_todos', failed: false, startedAt: clock.now() })
      }
      for (const sub of ['ann', 'mel', 'vic']) call(sub, 'list_projects')
      await meter.flush()
      const seen = async (who: Actor): Promise<string[]> =>
        (await reader.registry.usage.report(acme, who)).callers.map(({ user_id }) => user_id).sort()
      expect(await seen(actor('mel'))).toEqual([`api-key:${record.id}`, 'oidc:mel'])
      expect(await seen(actor('vic'))).toEqual(['oidc:vic'])
      expect(await seen(actor('ann'))).toHaveLength(5)
      expect(await seen(operator)).toHaveLength(5)
      const service = actorOf(await replica.principal(keyIdentity(foreign.id, 'acme')))
      expect(await seen(service)).toEqual([`api-key:${foreign.id}`])
      expect(await reader.registry.usage.report(acme, actor('mel'))).toMatchObject({
        whose: 'own',
        totals: { calls: 2 },
      })
    })

    test('another tenant’s rows are in no report, and its admin gets none', async () => {
      call('gus', 'list_projects')
      await meter.flush()
      expect((await reader.registry.usage.report(acme, actor('ann'))).totals.calls).toBe(0)
      expect((await reader.registry.usage.report(globex, actor('gus'))).totals.calls).toBe(1)
      expect(await registryError(reader.registry.usage.report(acme, actor('gus')))).toBe('unknown')
      // Row security holds it too.
      const seen = await fresh.database.control({ as: 'desk', tenant: acme.id }, async (db) => {
        const { sql } = await import('#db/sql.ts')
        return await db.query(sql`SELECT * FROM usage`)
      })
      expect(seen).toEqual([])
    })
  })

  test('what is older than its retention is deleted once an hour, by one replica', async () => {
    const old = createUsageRetention({ database: fresh.database, clock, log: silent, ready: () => true, days: 90 })
    const other = createUsageRetention({ database: fresh.database, clock, log: silent, ready: () => true, days: 90 })
    const add = async (days: number): Promise<unknown> =>
      await fresh.sql(
        `INSERT INTO gatehouse.usage (hour, tenant_id, tool, iss, sub, provider, calls) VALUES ($1, $2, 't', 'i', 's', 'p', 1)`,
        [new Date(clock.now() - days * DAY), acme.id],
      )
    for (const days of [1, 89, 91, 200]) await add(days)
    expect(await old.tick()).toBe(2)
    await add(300)
    expect([await other.tick(), await old.tick()]).toEqual([null, null])
    clock.advance(HOUR)
    expect(await other.tick()).toBe(1)
    expect(await rows()).toHaveLength(2)
  })
})
