import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createScopes, lesser, type PersonRole } from '#tenancy/roles.ts'

const KNOWN = [
  'projects:read',
  'projects:write',
  'documents:write',
  'notes:read',
  'audit:read',
  'members:write',
  'keys:write',
  'tenant:billing',
]
const PRIVILEGED = /^(?:audit|tenant|members|keys):/
const scopes = createScopes(KNOWN)
const role = fc.constantFrom<PersonRole>('viewer', 'member', 'admin', 'owner')
const one = fc.oneof(
  fc.constantFrom('*', ...scopes.all, 'other:read', 'tenant:owner'),
  fc.constantFrom(...scopes.all).map((scope) => scope.replace(/:.*/, ':write')),
  fc.string(),
)
const list = fc.option(fc.array(one))
const within = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => [...a].every((scope) => b.has(scope))

test('a token and a key never widen what the role gives, alone or together', () => {
  fc.assert(
    fc.property(role, list, list, (as, token, key) => {
      const both = scopes.effective(as, token, key)
      expect(within(both, scopes.ofRole(as))).toBe(true)
      expect(within(both, scopes.effective(as, token, null))).toBe(true)
      expect(within(both, scopes.effective(as, null, key))).toBe(true)
      expect(both).toEqual(scopes.effective(as, key, token))
    }),
  )
})

test('with less in the list there is not more in the result, and none is nothing', () => {
  fc.assert(
    fc.property(role, fc.array(one), fc.array(one), (as, some, more) => {
      expect(within(scopes.effective(as, some, null), scopes.effective(as, [...some, ...more], null))).toBe(true)
      expect(scopes.effective(as, [], some).size).toBe(0)
      expect(scopes.effective(as, [...scopes.all], null)).toEqual(scopes.ofRole(as))
    }),
  )
})

test('a lesser role has no scope that the greater one lacks', () => {
  fc.assert(
    fc.property(role, role, list, (a, b, token) => {
      const least = lesser(a, b)
      for (const other of [a, b])
        expect(within(scopes.effective(least, token, null), scopes.effective(other, token, null))).toBe(true)
    }),
  )
})

test('D12: an asterisk is data, whatever the tools are', () => {
  const scope = fc.tuple(
    fc.constantFrom('projects', 'audit', 'tenant', 'members', 'keys', 'x'),
    fc.constantFrom('read', 'write', 'admin'),
  )
  fc.assert(
    fc.property(fc.array(scope.map((parts) => parts.join(':'))), role, (known, as) => {
      const any = createScopes(known)
      expect([...any.effective(as, ['*'], null)].filter((found) => PRIVILEGED.test(found))).toEqual([])
      expect([...any.ofRole('viewer')].filter((found) => !found.endsWith(':read'))).toEqual([])
      expect(within(any.ofRole('member'), any.data)).toBe(true)
    }),
  )
})

test('only writing brings reading, and only of the same thing', () => {
  fc.assert(
    fc.property(fc.array(one), (wanted) => {
      for (const scope of scopes.expand(wanted))
        expect(
          wanted.includes(scope) ||
            (wanted.includes('*') && scopes.data.has(scope)) ||
            wanted.includes(scope.replace(/:read$/, ':write')),
        ).toBe(true)
    }),
  )
})
