import { afterAll, beforeAll, expect, test } from 'vitest'
import { examineLogins } from '../../src/cli/examination-logins.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'

let fresh: FreshDatabase
beforeAll(async () => (fresh = await freshDatabase({ kind: 'postgres', overrides: { tenantLogin: true } })))
afterAll(async () => await fresh.drop())

test('D16: doctor says whether tenants log in as TENANT_LOGIN says', async () => {
  const on = { tenantLogin: true, tenantConnections: 50 }
  const off = { tenantLogin: false, tenantConnections: 50 }
  const acme = await fresh.tenant('acme')
  const look = async (settings: typeof on, database = fresh.database): Promise<unknown> =>
    (await examineLogins(database, settings)).map(({ status, detail }) => [status, detail])
  expect(await look(on)).toEqual([['ok', '1 tenants log in as themselves, with at most 50 connections per process']])
  const without = await fresh.open({ tenantLogin: false })
  expect(await look(off, without)).toEqual([
    ['warning', 'TENANT_LOGIN is off and 1 tenants may still log in: run `gatehouse migrate`'],
  ])
  await without.admin.bootstrap()
  expect(await look(off, without)).toEqual([])
  expect(await look(on)).toEqual([['failed', '1 of 1 tenants cannot log in: run `gatehouse migrate`']])
  await fresh.database.admin.bootstrap()
  expect(await look(on)).toEqual([['ok', expect.any(String)]])
  await fresh.sql(`REVOKE CONNECT ON DATABASE ${new URL(fresh.url).pathname.slice(1)} FROM PUBLIC`)
  await fresh.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1`, [acme.schema])
  expect(await look(on)).toEqual([['failed', expect.stringContaining('acme cannot log in')]])
})
