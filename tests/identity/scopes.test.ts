import { expect, test } from 'vitest'
import { readScopes } from '#identity/scopes.ts'
import { refused } from './support/refused.ts'

test.each([
  [{ scope: 'a:read b:write' }, ['a:read', 'b:write']],
  [{ scp: ['a', 'b'] }, ['a', 'b']],
  [{ scp: 'a' }, ['a']],
  [{ scopes: ['a'], permissions: ['b', 'a'] }, ['a', 'b']],
  [{ scope: 'openid', permissions: ['a'] }, ['openid', 'a']],
  [{ scope: '' }, []],
  [{ scope: [] }, []],
  [{}, []],
])('%j carries %j', (claims, expected) => {
  expect(readScopes(claims)).toEqual(expected)
})

test.each([
  { scope: 7 },
  { scope: { a: true } },
  { scope: null },
  { scp: ['a', 7] },
  { scope: 'a  b' },
  { scope: ' a' },
  { scope: 'a "b"' },
  { scope: 'a\r\nb' },
  { scope: 'a\\b' },
  { permissions: ['a b'] },
  { permissions: [''] },
  { scope: 'ä' },
])('C18: %j is refused', async (claims) => {
  expect(await refused(() => readScopes(claims))).toBe('claims_invalid')
})

test('C17: only own members are read', () => {
  expect(readScopes(Object.create({ scope: 'admin' }) as Record<string, unknown>)).toEqual([])
})
