import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { createScopes, isRole, lesser, type PersonRole, type Scopes } from '#tenancy/roles.ts'

const KNOWN = [
  'projects:read',
  'projects:write',
  'todos:write',
  'exports:run',
  'audit:read',
  'tenant:admin',
  'keys:list',
]
let scopes: Scopes
beforeEach(() => {
  scopes = createScopes(KNOWN)
})
const sorted = (set: ReadonlySet<string>): string[] => [...set].sort()

test('each role has what the one before has, and more', () => {
  expect(sorted(scopes.ofRole('viewer'))).toEqual(['projects:read', 'todos:read'])
  expect(sorted(scopes.ofRole('member'))).toEqual([
    'exports:run',
    'projects:read',
    'projects:write',
    'todos:read',
    'todos:write',
  ])
  expect(sorted(scopes.ofRole('admin'))).toEqual([
    'audit:read',
    'exports:run',
    'keys:list',
    'projects:read',
    'projects:write',
    'tenant:admin',
    'todos:read',
    'todos:write',
  ])
  expect(sorted(scopes.ofRole('owner'))).toEqual([...sorted(scopes.ofRole('admin')), 'tenant:owner'].sort())
})

test('D12: * covers data scopes only', () => {
  const everything = sorted(scopes.effective('owner', ['*'], null))
  expect(everything).toEqual(sorted(scopes.ofRole('member')))
  expect(everything.filter((scope) => /^(audit|tenant|members|keys):/.test(scope))).toEqual([])
  expect(sorted(scopes.effective('owner', null, ['*', 'audit:read']))).toEqual([...everything, 'audit:read'].sort())
})

test('D12: what an owner alone has, no tool gives to an admin; what only begins like a privileged scope is data', () => {
  const more = createScopes([...KNOWN, 'tenant:owner', 'members:read', 'my-audit:read', 'tenants:read'])
  expect(more.ofRole('admin').has('tenant:owner')).toBe(false)
  expect(more.ofRole('owner').has('tenant:owner')).toBe(true)
  expect(sorted(more.ofRole('viewer'))).toEqual(['my-audit:read', 'projects:read', 'tenants:read', 'todos:read'])
  expect(more.ofRole('member').has('members:read')).toBe(false)
  expect(more.ofRole('admin').has('members:read')).toBe(true)
  expect(sorted(more.all)).toEqual(sorted(more.ofRole('owner')))
})

test('write implies read, in tokens and keys too', () => {
  expect(sorted(scopes.effective('member', ['todos:write'], null))).toEqual(['todos:read', 'todos:write'])
  expect(sorted(scopes.effective('viewer', ['todos:write'], null))).toEqual(['todos:read'])
})

test('an empty list leaves nothing, null does not cut', () => {
  expect(scopes.effective('owner', [], null).size).toBe(0)
  expect(scopes.effective('owner', null, null)).toBe(scopes.ofRole('owner'))
})

test('neither a token nor a key ever widens a role', () => {
  const role = fc.constantFrom<PersonRole>('viewer', 'member', 'admin', 'owner')
  const list = fc.option(fc.array(fc.constantFrom(...scopes.all, '*', 'openid', 'tenant:root', '__proto__')))
  fc.assert(
    fc.property(role, list, list, (who, token, key) => {
      const effective = scopes.effective(who, token, key)
      expect([...effective].filter((scope) => !scopes.ofRole(who).has(scope))).toEqual([])
      const writes = [...effective].filter((scope) => scope.endsWith(':write'))
      expect(writes.filter((scope) => !effective.has(scope.replace(':write', ':read')))).toEqual([])
    }),
  )
})

test('roles have an order', () => {
  const order = ['viewer', 'member', 'admin', 'owner'] as const
  for (const [n, lower] of order.entries())
    for (const higher of order.slice(n)) {
      expect(lesser(lower, higher)).toBe(lower)
      expect(lesser(higher, lower)).toBe(lower)
    }
  expect(['viewer', 'owner', 'service', 'root', 'toString'].map(isRole)).toEqual([true, true, false, false, false])
})
