import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { uuidv7 } from '#base/id.ts'
import { sql } from '#db/sql.ts'
import type { Queryable } from '#db/database.ts'
import { auditKey, CONTROL_SCHEMA, insertAudit, signAudit, type AuditEntry } from '#tenancy/audit.ts'
import { readAudit } from '#tenancy/audit-read.ts'
import { verifyAudit, type AuditReport } from '#tenancy/audit-verify.ts'
import { checkpoint, createCheckpointer, FIRST_ID } from '#tenancy/checkpoint.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { MovedClock, SECRET } from './support.ts'

const MINUTE = 60_000

const entry = (overrides: Partial<AuditEntry> = {}): AuditEntry => ({
  at: Date.now(),
  tenant_id: null,
  iss: 'https://issuer.test',
  sub: 'ann',
  key_id: null,
  action: 'create_project',
  target: null,
  outcome: 'ok',
  latency_ms: 12.4,
  request_id: 'r1',
  ip: '192.0.2.1',
  detail: null,
  arguments_digest: null,
  ...overrides,
})

describe.each(upperKinds)('the audit (%s)', (kind) => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
  })
  afterAll(async () => await fresh.drop())

  const write = async (tenant: Tenant, run: (db: Queryable) => Promise<void>): Promise<void> =>
    await fresh.database.tenant(tenant, { access: 'write' }, run)
  const keyOf = (tenant: Tenant): Buffer => auditKey(SECRET, tenant.schema)
  const verify = async (tenant: Tenant, keys = [keyOf(tenant)]): Promise<AuditReport> =>
    await fresh.database.tenant(tenant, { access: 'read' }, async (db) => await verifyAudit(db, keys))

  /** Rows written some minutes ago, then the checkpoints of each moment named. */
  async function history(slug: string): Promise<Tenant> {
    const tenant = await fresh.tenant(slug)
    const now = Date.now()
    const written = (action: string, at: number) => signAudit(keyOf(tenant), entry({ action }), at)
    await write(tenant, async (db) => {
      for (const minutes of [60, 50, 40, 30]) {
        await insertAudit(
          db,
          Array.from({ length: 5 }, (_, index) => written(`call_${minutes}_${index}`, now - minutes * MINUTE + index)),
        )
      }
      for (const minutes of [45, 30, 15]) await checkpoint(db, keyOf(tenant), now - minutes * MINUTE)
      await insertAudit(db, [written('latest', now)])
    })
    return tenant
  }

  test('D35: rows verify as they were written, whatever text they hold', async () => {
    const tenant = await fresh.tenant('texts')
    const detail = {
      z: 1,
      a: { d: [1, 2.5, null, 'x'], c: true },
      nul: 'a\0b',
      half: '\ud800',
      emoji: '\u{1F600}',
      gone: undefined,
      big: 1e21,
    }
    const rows = [
      signAudit(
        keyOf(tenant),
        entry({ detail, target: 'nul\0 and half \udfff', iss: 'i'.repeat(5_000), tenant_id: tenant.id }),
        Date.now(),
      ),
      signAudit(
        keyOf(tenant),
        entry({ action: `${'x'.repeat(127)}\u{1F600}`, outcome: 'failed', latency_ms: null }),
        Date.now(),
      ),
      signAudit(
        keyOf(tenant),
        entry({ action: `quotes " ' \\ {} , NULL`, sub: null, iss: null, ip: null }),
        Date.now(),
      ),
    ]
    await write(tenant, async (db) => await insertAudit(db, rows))
    expect(await verify(tenant)).toEqual({
      rows: 3,
      checkpoints: 0,
      altered: [],
      missing: [],
      broken: [],
      uncovered: 3,
      intact: true,
    })
    const { items } = await fresh.database.tenant(tenant, { access: 'read' }, async (db) => await readAudit(db, {}))
    expect([...items].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([...rows].sort((a, b) => (a.id < b.id ? -1 : 1)))
  })

  test('D35: an untouched history is intact, under an old secret as well', async () => {
    const tenant = await history('whole')
    const report = await verify(tenant, [auditKey('a newer secret', tenant.schema), keyOf(tenant)])
    expect(report).toEqual({
      rows: 21,
      checkpoints: 3,
      altered: [],
      missing: [],
      broken: [],
      uncovered: 1,
      intact: true,
    })
    expect((await verify(tenant, [auditKey('another secret', tenant.schema)])).altered).toHaveLength(21)
    // The same rows under another schema's name do not hold.
    expect((await verify(tenant, [auditKey(SECRET, 'tenant_other')])).intact).toBe(false)
  })

  test.each([
    ['a changed outcome', `UPDATE audit SET outcome = 'failed' WHERE action = 'call_50_1'`, { altered: 1, missing: 0 }],
    ['another person', `UPDATE audit SET sub = 'bob' WHERE action = 'call_60_0'`, { altered: 1, missing: 0 }],
    [
      'another time',
      `UPDATE audit SET at = at + interval '1 second' WHERE action = 'latest'`,
      { altered: 1, missing: 0 },
    ],
    ['a deleted row', `DELETE FROM audit WHERE action = 'call_40_3'`, { altered: 0, missing: 1 }],
    [
      'a copied row',
      `INSERT INTO audit SELECT overlay(id::text placing CASE right(id::text, 1) WHEN 'f' THEN 'e' ELSE 'f' END from 36)::uuid, at, tenant_id, iss, sub, key_id, action, target, outcome, latency_ms, request_id, ip, detail, arguments_digest, mac FROM audit WHERE action = 'call_60_0'`,
      { altered: 1, missing: 1 },
    ],
    [
      'a deleted checkpoint',
      `DELETE FROM audit_checkpoints WHERE id = (SELECT id FROM audit_checkpoints ORDER BY to_id OFFSET 1 LIMIT 1)`,
      { altered: 0, missing: 0, broken: 1 },
    ],
    [
      'a forged checkpoint',
      `UPDATE audit_checkpoints SET rows = rows - 1 WHERE id = (SELECT id FROM audit_checkpoints ORDER BY to_id LIMIT 1)`,
      { altered: 0, missing: 1, broken: 1 },
    ],
  ])(
    'D35: %s shows',
    async (
      name,
      tampering,
      { altered, missing, broken = 0 }: { altered: number; missing: number; broken?: number },
    ) => {
      const tenant = await history(name.replaceAll(' ', '_'))
      const place = tenant.schema
      await fresh.sql(tampering.replaceAll(/\b(FROM|INTO|UPDATE) (audit\w*)/g, `$1 ${place}.$2`))
      const report = await verify(tenant)
      expect([report.altered.length, report.missing.length, report.broken.length, report.intact]).toEqual([
        altered,
        missing,
        broken,
        false,
      ])
    },
  )

  test('D35: the report names what was touched: rows, windows and checkpoints', async () => {
    const tenant = await history('names')
    const place = tenant.schema
    const ids = async (text: string): Promise<string[]> =>
      (await fresh.sql<{ id: string }>(text.replaceAll('@', place))).map(({ id }) => id)
    const points = await fresh.sql<{ id: string; from_id: string; to_id: string }>(
      `SELECT id, from_id, to_id FROM ${place}.audit_checkpoints ORDER BY to_id`,
    )
    const altered = await ids(`UPDATE @.audit SET mac = 'short' WHERE action = 'call_30_0' RETURNING id`)
    await ids(`DELETE FROM @.audit WHERE action IN ('call_60_0', 'call_60_1') RETURNING id`)
    const broken = await ids(
      `UPDATE @.audit_checkpoints SET mac = repeat('0', 64) WHERE id = '${points[2]?.id}' RETURNING id`,
    )
    expect(await verify(tenant)).toEqual({
      rows: 19,
      checkpoints: 3,
      altered,
      missing: [
        { from_id: FIRST_ID, to_id: points[0]?.to_id, signed: 5, found: 3 },
        // A changed MAC is a changed row, though none is missing.
        { from_id: points[2]?.from_id, to_id: points[2]?.to_id, signed: 10, found: 10 },
      ],
      broken,
      // The forged checkpoint covers nothing.
      uncovered: 11,
      intact: false,
    })
  })

  test('D35: however long an audit is, all of it is read', async () => {
    const tenant = await fresh.tenant('long')
    const now = Date.now()
    const rows = Array.from({ length: 1_002 }, (_, index) =>
      signAudit(keyOf(tenant), entry({ action: `call_${index}` }), now + index),
    )
    await write(tenant, async (db) => await insertAudit(db, rows))
    expect(await verify(tenant)).toMatchObject({ rows: 1_002, altered: [], uncovered: 1_002, intact: true })
    await fresh.sql(`DELETE FROM ${tenant.schema}.audit WHERE action = 'call_1001'`)
    await fresh.sql(
      `UPDATE ${tenant.schema}.audit SET target = 'x' WHERE action IN ('call_0', 'call_999', 'call_1000')`,
    )
    expect(await verify(tenant)).toMatchObject({ rows: 1_001, altered: { length: 3 }, intact: false })
  })

  test('D35: a checkpoint covers closed windows only, and is not repeated', async () => {
    const tenant = await fresh.tenant('windows')
    const clock = new MovedClock()
    const make = createCheckpointer({ database: fresh.database, clock, secret: SECRET })
    await write(tenant, async (db) => await insertAudit(db, [signAudit(keyOf(tenant), entry(), clock.now())]))
    await make(tenant)
    expect((await verify(tenant)).checkpoints).toBe(0)
    clock.advance(11 * MINUTE)
    await make(tenant)
    await make(tenant)
    clock.advance(11 * MINUTE)
    await make(tenant)
    expect(await verify(tenant)).toMatchObject({ checkpoints: 1, uncovered: 0, intact: true })
    await make(null)
  })

  test('D35: a forged checkpoint of the future shows, and ends neither the checkpoints nor the count of what they lack', async () => {
    const tenant = await history('forged')
    const before = await verify(tenant)
    await write(tenant, async (db) => {
      await db.query(sql`INSERT INTO audit_checkpoints (id, at, from_id, to_id, rows, digest, mac)
        VALUES (${uuidv7()}, now(), ${FIRST_ID}, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 0, '', '')`)
    })
    expect(await verify(tenant)).toMatchObject({
      broken: [expect.any(String)],
      uncovered: before.uncovered,
      intact: false,
    })
    await write(tenant, async (db) => {
      expect(await checkpoint(db, keyOf(tenant), Date.now() + 11 * MINUTE)).toBe(before.uncovered)
    })
  })

  test('D35: a tenant may append to its audit, and neither change nor delete', async () => {
    const tenant = await history('append_only')
    await expect(
      write(tenant, async (db) => void (await db.query(sql`UPDATE audit SET outcome = 'ok'`))),
    ).rejects.toThrow(/permission denied/)
    await expect(
      write(tenant, async (db) => void (await db.query(sql`DELETE FROM audit_checkpoints`))),
    ).rejects.toThrow(/permission denied/)
    await expect(
      fresh.database.control({ as: 'operator' }, async (db) => await db.query(sql`DELETE FROM audit`)),
    ).rejects.toThrow(/permission denied/)
  })

  test('is read by filters, the latest first, in pages', async () => {
    const tenant = await history('reader')
    const read = async (...args: Parameters<typeof readAudit> extends [unknown, ...infer Rest] ? Rest : never) =>
      await fresh.database.tenant(tenant, { access: 'read' }, async (db) => await readAudit(db, ...args))
    expect((await read({})).items.map(({ action }) => action).slice(0, 2)).toEqual(['latest', 'call_30_4'])
    expect((await read({ action: 'call_50_1' })).items).toHaveLength(1)
    expect((await read({ outcome: 'refused' })).items).toEqual([])
    expect((await read({ sub: 'ann', since: Date.now() - MINUTE })).items).toHaveLength(21)
    expect((await read({ until: 1 })).items).toEqual([])
    const first = await read({}, { limit: 20 })
    expect((await read({}, { limit: 20, after: first.next ?? '' })).items.map(({ action }) => action)).toEqual([
      'call_60_0',
    ])
  })

  test("the registry's own audit verifies too", async () => {
    await fresh.tenant('any')
    const key = auditKey(SECRET, CONTROL_SCHEMA)
    await fresh.database.control(
      { as: 'resolver' },
      async (db) =>
        await insertAudit(db, [
          signAudit(key, entry({ action: 'refused.token_expired', outcome: 'refused' }), Date.now()),
        ]),
    )
    const report = await fresh.database.control({ as: 'operator' }, async (db) => await verifyAudit(db, [key]))
    expect(report).toMatchObject({ rows: 1, intact: true })
  })
})
