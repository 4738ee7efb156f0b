import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { auditKey, CONTROL_SCHEMA, insertAudit, signAudit, type AuditEntry } from '#tenancy/audit.ts'
import { createAuditRetention, type AuditRetention } from '#tenancy/audit-retention.ts'
import { verifyAudit, type AuditReport } from '#tenancy/audit-verify.ts'
import { checkpoint } from '#tenancy/checkpoint.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { MovedClock, SECRET } from './support.ts'

const DAY = 86_400_000
const DAYS = 400

const entry = (action: string): AuditEntry => ({
  at: Date.now(),
  tenant_id: null,
  iss: 'https://issuer.test',
  sub: 'ann',
  key_id: null,
  action,
  target: null,
  outcome: 'ok',
  latency_ms: 1,
  request_id: null,
  ip: null,
  detail: null,
  arguments_digest: null,
})

describe.each(databaseKinds)('the retention of the audit (%s)', (kind) => {
  let fresh: FreshDatabase
  let retention: AuditRetention
  const clock = new MovedClock()

  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    const log = createLog('silent')
    retention = createAuditRetention({
      database: fresh.database,
      clock,
      log,
      ready: () => true,
      days: DAYS,
      secret: SECRET,
    })
  }, 60_000)
  afterAll(async () => await fresh.drop())

  const keyOf = (tenant: Tenant): Buffer => auditKey(SECRET, tenant.schema)
  /** Three rows on each of these days before now, and a checkpoint of each where one is wanted. */
  async function history(tenant: Tenant, days: readonly number[], signed = true): Promise<void> {
    const now = clock.now()
    await fresh.database.tenant(tenant, { access: 'write' }, async (db) => {
      for (const day of days) {
        const at = now - day * DAY
        const rows = [0, 1, 2].map((index) => signAudit(keyOf(tenant), entry(`day_${day}_${index}`), at + index))
        await insertAudit(db, rows)
        if (signed) await checkpoint(db, keyOf(tenant), at + DAY / 2)
      }
    })
  }
  const days = async (tenant: Tenant): Promise<string[]> => {
    const rows = await fresh.sql<{ action: string }>(`SELECT action FROM ${tenant.schema}.audit ORDER BY id`)
    return [...new Set(rows.map(({ action }) => action.split('_')[1] ?? ''))]
  }
  const verify = async (tenant: Tenant): Promise<AuditReport> =>
    await fresh.database.tenant(tenant, { access: 'read' }, async (db) => await verifyAudit(db, [keyOf(tenant)]))
  const tick = async (): Promise<number | null> => {
    clock.advance(DAY + 1)
    return await retention.tick()
  }

  test('D35: rows beyond it go, whole windows at a time, and what is left verifies', async () => {
    const tenant = await fresh.tenant('old')
    await history(tenant, [600, 500, 450, 300, 100, 1])
    expect(await verify(tenant)).toMatchObject({ intact: true, rows: 18 })
    expect(await tick()).toBe(9)
    expect(await days(tenant)).toEqual(['300', '100', '1'])
    expect(await verify(tenant)).toMatchObject({ intact: true, rows: 9, missing: [], broken: [] })
    expect(await tick()).toBe(0)
    await history(tenant, [0])
    expect(await verify(tenant)).toMatchObject({ intact: true, rows: 12 })
    clock.advance(250 * DAY)
    expect(await tick()).toBe(3)
    expect(await verify(tenant)).toMatchObject({ intact: true, rows: 9 })
  })

  test('D35: afterwards a row that somebody else deleted still shows', async () => {
    const tenant = await fresh.tenant('robbed')
    await history(tenant, [500, 300, 100])
    await tick()
    await fresh.sql(`DELETE FROM ${tenant.schema}.audit WHERE action = 'day_300_1'`)
    expect(await verify(tenant)).toMatchObject({ intact: false, missing: [{ signed: 3, found: 2 }] })
  })

  test('D35: who deletes old rows without the key is found out', async () => {
    const tenant = await fresh.tenant('forged')
    await history(tenant, [500, 300, 100])
    await fresh.sql(`DELETE FROM ${tenant.schema}.audit WHERE action LIKE 'day_500%'`)
    await fresh.sql(
      `DELETE FROM ${tenant.schema}.audit_checkpoints WHERE from_id = '00000000-0000-0000-0000-000000000000'`,
    )
    expect(await verify(tenant)).toMatchObject({ intact: false, broken: [expect.any(String)] })
  })

  test('the last rows of a tenant that nobody works in any more go too, though no checkpoint was made of them', async () => {
    const tenant = await fresh.tenant('quiet')
    await history(tenant, [500, 450], false)
    expect(await tick()).toBe(6)
    expect(await verify(tenant)).toMatchObject({ intact: true, rows: 0 })
  })

  test('the registry’s own audit is kept as long, and one replica a day does the work', async () => {
    const key = auditKey(SECRET, CONTROL_SCHEMA)
    await fresh.database.control({ as: 'resolver' }, async (db) => {
      await insertAudit(db, [signAudit(key, entry('tenant.created'), clock.now() - 500 * DAY)])
    })
    expect(await tick()).toBe(1)
    expect(await retention.tick()).toBe(null)
    const report = await fresh.database.control({ as: 'operator' }, async (db) => await verifyAudit(db, [key]))
    expect(report).toMatchObject({ intact: true })
  })

  test('D16: a tenant’s own role still cannot delete a row', async () => {
    const [may] = await fresh.sql<{ may: boolean }>(
      `SELECT has_table_privilege(t.schema, t.schema || '.audit', 'DELETE') AS may FROM gatehouse.tenants t WHERE slug = 'old'`,
    )
    expect(may).toEqual({ may: false })
  })
})
