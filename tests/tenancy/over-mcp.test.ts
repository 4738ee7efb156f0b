import { expect, test } from 'vitest'
import { createOverMcp } from '#tenancy/over-mcp.ts'
import { ALL_ON, NO_LIMITS, type Principal, type Tenant } from '#tenancy/tenant.ts'
import { person, scopes } from './support.ts'

const overMcp = createOverMcp()
const tenant: Tenant = {
  id: 't',
  slug: 'acme',
  name: 'Acme',
  schema: 'tenant_acme',
  status: 'active',
  placement: 'default',
  schemaVersion: 1,
  mcpAdmin: false,
  deleteAfter: null,
  plan: null,
  limits: NO_LIMITS,
  toolsOff: ALL_ON,
}
const of = (role: 'member' | 'owner', mcpAdmin: boolean): Principal => ({
  identity: person('ann@acme.com'),
  tenant: { ...tenant, mcpAdmin },
  role,
  scopes: scopes.ofRole(role),
  role_scopes: scopes.ofRole(role),
})

test('D32: over MCP an owner has no power over the tenant, by the token or by the role, unless it is turned on', () => {
  const owner = of('owner', false)
  const there = overMcp(owner)
  const left = [...owner.scopes].filter((scope) => !scope.startsWith('tenant:'))
  expect([...owner.scopes].sort()).toEqual(expect.arrayContaining(['tenant:admin', 'tenant:owner']))
  expect([...there.scopes]).toEqual(left)
  expect([...there.role_scopes]).toEqual(left)
  expect(left).toContain('audit:read')
  expect(overMcp(of('owner', false)).role_scopes).toBe(there.role_scopes)
  expect(there).toMatchObject({ role: 'owner', identity: owner.identity, tenant: owner.tenant })
})

test('D32: turned on, everything is as the role gives it', () => {
  const owner = of('owner', true)
  expect(overMcp(owner)).toBe(owner)
})

test('D32: who has no such power loses nothing', () => {
  expect(overMcp(of('member', false)).scopes).toEqual(scopes.ofRole('member'))
})
