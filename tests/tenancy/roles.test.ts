import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createScopes, isRole, lesser, type PersonRole } from '#tenancy/roles.ts'

const scopes = createScopes([
  'projects:read',
  'projects:write',
  'todos:write',
  'exports:run',
  'audit:read',
  'tenant:admin',
  'keys:list',
])
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
  expect(lesser('owner', 'viewer')).toBe('viewer')
  expect(lesser('member', 'admin')).toBe('member')
  expect(['viewer', 'owner', 'service', 'root', 'toString'].map(isRole)).toEqual([true, true, false, false, false])
})
