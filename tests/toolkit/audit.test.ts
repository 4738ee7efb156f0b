import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Refusal } from '#base/refusal.ts'
import { DatabaseUnavailable, TenantFenced, type Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { verifyAudit } from '#tenancy/audit-verify.ts'
import { auditKey } from '#tenancy/audit.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { createAuditor, type Auditor, type CallRecord, type RefusedRequest } from '#toolkit/audit.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { identityOf, listening, principalOf, SECRET } from './desk.ts'

describe.each(upperKinds)('the audit, on %s', (kind) => {
  let fresh: FreshDatabase
  let acme: Tenant
  let globex: Tenant
  let auditors: Auditor[] = []
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    acme = await fresh.tenant('acme')
    globex = await fresh.tenant('globex')
  })
  beforeEach(async () => {
    for (const schema of [acme.schema, globex.schema, 'gatehouse']) await fresh.sql(`DELETE FROM ${schema}.audit`)
  })
  afterEach(async () => {
    vi.useRealTimers()
    for (const auditor of auditors) await auditor.close()
    auditors = []
  })
  afterAll(async () => await fresh.drop())

  const make = (more: Partial<Parameters<typeof createAuditor>[0]> = {}): Auditor => {
    const clock = { now: () => Date.now() }
    const auditor = createAuditor({
      database: fresh.database,
      clock,
      log: listening().log,
      secret: SECRET,
      checkpoint: async () => {},
      ...more,
    })
    auditors.push(auditor)
    return auditor
  }
  /** Timers that never fire, so that only numbers can cause a flush. */
  const withoutTimer = (): Auditor => {
    vi.useFakeTimers({ toFake: ['setInterval'] })
    return make()
  }
  const call = (tenant: Tenant, more: Partial<CallRecord> = {}): CallRecord => ({
    principal: principalOf(tenant, 'owner', []),
    tool: 'list_todos',
    target: null,
    outcome: 'ok',
    reason: null,
    startedAt: Date.now(),
    requestId: 'r',
    ip: null,
    args: {},
    ...more,
  })
  const refusal = (more: Partial<RefusedRequest> = {}): RefusedRequest => ({
    refusal: new Refusal('token_expired', { detail: 'exp is 5 s ago' }),
    requestId: 'r',
    ip: '1.2.3.4',
    identity: null,
    principal: null,
    tool: null,
    ...more,
  })
  const count = async (schema: string): Promise<number> =>
    (await fresh.sql<{ n: number }>(`SELECT count(*)::integer AS n FROM ${schema}.audit`))[0]?.n ?? 0
  const rows = async (schema: string) => await fresh.sql(`SELECT * FROM ${schema}.audit ORDER BY at`)

  /** The real database until `down` is set. */
  const switchable = () => {
    const state = { down: false }
    const guard = <T extends (...args: never[]) => Promise<unknown>>(run: T): T =>
      (async (...args: never[]) => {
        if (state.down) throw new DatabaseUnavailable('down')
        return await run(...args)
      }) as T
    const { database } = fresh
    const tenant = guard(
      async (...args: Parameters<Database['tenant']>) => await database.tenant(...args),
    ) as Database['tenant']
    const control = guard(
      async (...args: Parameters<Database['control']>) => await database.control(...args),
    ) as Database['control']
    return { state, database: { ...database, tenant, control } }
  }

  test('D35: a read is written within about a second by itself', async () => {
    const auditor = make()
    await auditor.record(call(acme))
    await vi.waitFor(async () => expect(await count(acme.schema)).toBe(1), { timeout: 5_000 })
  })

  test('D35: 500 waiting rows are written without waiting for the second', async () => {
    const auditor = withoutTimer()
    for (let i = 0; i < 499; i += 1) await auditor.record(call(acme))
    expect(await count(acme.schema)).toBe(0)
    await auditor.record(call(acme))
    await vi.waitFor(async () => expect(await count(acme.schema)).toBe(500), { timeout: 5_000 })
  })

  test('D35: close loses nothing, not even what comes while it flushes', async () => {
    const auditor = withoutTimer()
    for (let i = 0; i < 1_200; i += 1) await auditor.record(call(i % 2 === 0 ? acme : globex))
    const closed = auditor.close()
    auditor.refused(refusal({ principal: principalOf(acme, 'owner', []) }))
    await closed
    await auditor.close()
    expect([await count(acme.schema), await count(globex.schema)]).toEqual([601, 600])
    expect(auditor.lost).toBe(0)
  })

  test('D35: with the database away rows wait, up to a bound; what falls over it is counted and logged', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] })
    const { log, lines } = listening()
    const { state, database } = switchable()
    const auditor = make({ database, log })
    state.down = true
    for (let i = 0; i < 5_000; i += 1) auditor.refused(refusal())
    expect(auditor.lost).toBe(1_000)
    await auditor.record(call(acme))
    await auditor.flush()
    expect(lines.some(({ msg, lost }) => msg === 'audit rows were lost' && lost === 1_000)).toBe(true)
    state.down = false
    await auditor.flush()
    expect([await count('gatehouse'), await count(acme.schema)]).toEqual([4_000, 1])
  })

  test('D35: knocking without a token pushes out no row of a tenant', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] })
    const { state, database } = switchable()
    const auditor = make({ database })
    state.down = true
    for (let i = 0; i < 30_000; i += 1) auditor.refused(refusal())
    const before = auditor.lost
    for (let i = 0; i < 100; i += 1) await auditor.record(call(acme))
    expect(auditor.lost).toBe(before)
    state.down = false
    await auditor.flush()
    expect(await count(acme.schema)).toBe(100)
  })

  test('a database that stays away at the end is logged with the number of rows lost', async () => {
    const { log, lines } = listening()
    const { state, database } = switchable()
    const auditor = make({ database, log })
    await auditor.record(call(acme))
    state.down = true
    await auditor.close()
    expect(lines.find(({ msg }) => String(msg).startsWith('audit rows were lost'))).toMatchObject({ lost: 1 })
    state.down = false
  })

  test('D35: a refusal without a tenant goes to the registry, with its code and detail; one of a member to the tenant', async () => {
    const auditor = make()
    auditor.refused(refusal({ identity: identityOf('mallory') }))
    auditor.refused(
      refusal({
        principal: principalOf(acme, 'viewer', []),
        tool: 'create_todo',
        refusal: new Refusal('scope_insufficient'),
      }),
    )
    await auditor.flush()
    expect(await rows('gatehouse')).toMatchObject([
      {
        action: 'refused.token_expired',
        outcome: 'refused',
        tenant_id: null,
        sub: 'mallory',
        ip: '1.2.3.4',
        detail: { detail: 'exp is 5 s ago' },
      },
    ])
    expect(await rows(acme.schema)).toMatchObject([
      { action: 'refused.scope_insufficient', target: 'create_todo', tenant_id: acme.id, sub: 'alice' },
    ])
  })

  test('rows of a tenant that was fenced meanwhile are kept in the registry, under its id', async () => {
    const tenant = async (): Promise<never> => {
      throw new TenantFenced('suspended')
    }
    const control: Database['control'] = async (actor, run) => await fresh.database.control(actor, run)
    const auditor = make({ database: { ...fresh.database, tenant, control } })
    await auditor.record(call(acme))
    await auditor.flush()
    expect(await rows('gatehouse')).toMatchObject([{ action: 'list_todos', tenant_id: acme.id }])
  })

  test('rows of a tenant that was suspended and let in again while they were written are not lost', async () => {
    let tries = 0
    const tenant: Database['tenant'] = async (place, options, run) => {
      tries += 1
      // What Postgres says of a table in a schema that one may not use; by the time the door looks why, one may again.
      if (tries === 1)
        await fresh.database.tenant(place, options, async (db) => await db.query(sql`SELECT FROM nowhere`))
      return await fresh.database.tenant(place, options, run)
    }
    const auditor = make({ database: { ...fresh.database, tenant } })
    await auditor.record(call(acme))
    await auditor.flush()
    expect(tries).toBe(2)
    expect(await rows(acme.schema)).toMatchObject([{ action: 'list_todos' }])
    expect(auditor.lost).toBe(0)
  })

  test('D35: what was written verifies, and a row changed behind our back shows', async () => {
    const auditor = make()
    for (const target of ['one', 'two', 'three'])
      await auditor.record(call(acme, { target, outcome: 'failed', reason: 'tool_error' }))
    await auditor.flush()
    const keys = [auditKey(SECRET, acme.schema)]
    const verify = async () =>
      await fresh.database.tenant(acme, { access: 'read' }, async (db) => await verifyAudit(db, keys))
    expect(await verify()).toMatchObject({ rows: 3, altered: [], intact: true })
    await fresh.sql(`UPDATE ${acme.schema}.audit SET outcome = 'ok' WHERE target = 'two'`)
    expect(await verify()).toMatchObject({ rows: 3, intact: false })
    expect((await verify()).altered).toHaveLength(1)
  })

  test('D35: every 10 minutes a checkpoint for each place written to, until it has been quiet for long enough', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] })
    let now = Date.now()
    const made: (string | null)[] = []
    const checkpoint = async (tenant: Tenant | null): Promise<void> => void made.push(tenant?.slug ?? null)
    const auditor = make({ checkpoint, clock: { now: () => now } })
    await auditor.record(call(acme))
    auditor.refused(refusal())
    await auditor.flush()
    const rounds: number[] = []
    for (let round = 0; round < 4; round += 1) {
      now += 600_000
      vi.advanceTimersByTime(600_000)
      await vi.waitFor(() => Promise.resolve())
      rounds.push(made.length)
    }
    expect(new Set(made)).toEqual(new Set(['acme', null]))
    expect(rounds.at(-1)).toBe(6)
  })
})
