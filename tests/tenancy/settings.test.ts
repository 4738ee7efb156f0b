import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOverMcp } from '#tenancy/over-mcp.ts'
import type { Actor } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
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

const overMcp = createOverMcp()
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

const noted = async () =>
  (
    await fresh.sql<{ sub: string; detail: unknown }>(
      `SELECT sub, detail FROM gatehouse.audit WHERE action = 'tenant.settings_changed' AND tenant_id = $1 ORDER BY id`,
      [tenant.id],
    )
  ).map(({ sub, detail }) => ({ sub, detail }))

test('everything is off at first; a change keeps the rest and is noted with what was before', async () => {
  const { tenants } = replica.registry
  expect(await tenants.show(owner, 'acme')).toMatchObject({ mcp_admin: false, operator_access: false })
  expect(await tenants.setSettings(tenant, owner, { operator_access: true })).toEqual({
    mcp_admin: false,
    operator_access: true,
  })
  expect(await tenants.setSettings(tenant, operator, { mcp_admin: true, operator_access: true })).toEqual({
    mcp_admin: true,
    operator_access: true,
  })
  expect(await tenants.setSettings(tenant, operator, { mcp_admin: true })).toMatchObject({ mcp_admin: true })
  expect(await tenants.setSettings(tenant, owner, {})).toEqual({ mcp_admin: true, operator_access: true })
  expect(await tenants.show(owner, 'acme')).toMatchObject({ mcp_admin: true, operator_access: true })
  // Who changed nothing is not noted.
  expect(await noted()).toEqual([
    { sub: ann.sub, detail: { operator_access: { from: false, to: true } } },
    { sub: 'tests', detail: { mcp_admin: { from: false, to: true } } },
  ])
  await tenants.setSettings(tenant, owner, { mcp_admin: false, operator_access: false })
})

test('D37: an operator does not let themself in: only an owner turns operator access on, and both turn it off', async () => {
  const { tenants } = replica.registry
  const before = (await noted()).length
  for (const input of [{ operator_access: true }, { operator_access: true, mcp_admin: true }])
    expect(await registryError(tenants.setSettings(tenant, operator, input))).toBe('forbidden')
  expect(await tenants.show(owner, 'acme')).toMatchObject({ mcp_admin: false, operator_access: false })
  expect(await noted()).toHaveLength(before)
  await tenants.setSettings(tenant, owner, { operator_access: true })
  expect(await tenants.setSettings(tenant, operator, { operator_access: false })).toMatchObject({
    operator_access: false,
  })
})

test('D32: another replica gives admins their power over MCP within a second of an owner’s turning it on', async () => {
  const other = await startReplica(fresh, { database: await fresh.open() })
  const power = async () => String(overMcp(await other.principal(ann)).scopes.has('tenant:owner'))
  expect(await power()).toBe('false')
  await replica.registry.tenants.setSettings(tenant, owner, { mcp_admin: true })
  expect(await until('true', power)).toBeLessThan(1_000)
  await replica.registry.tenants.setSettings(tenant, owner, { mcp_admin: false })
  expect(await until('false', power)).toBeLessThan(1_000)
})

test('a tenant that was deleted meanwhile has no settings', async () => {
  const gone = await company(replica, 'gone')
  await replica.registry.tenants.delete(gone, operator)
  expect(await registryError(replica.registry.tenants.setSettings(gone, operator, { mcp_admin: true }))).toBe('unknown')
})
