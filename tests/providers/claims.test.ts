import { expect, test } from 'vitest'
import {
  commonClaims,
  emailEvidence,
  holdsDomain,
  identityOf,
  numericDate,
  subjectOf,
  text,
} from '#providers/claims.ts'
import { refused } from '../identity/support/refused.ts'

test('an identity is silent about everything its token does not say', () => {
  expect(identityOf({ provider: 'p', iss: 'i', sub: 's' })).toEqual({
    provider: 'p',
    iss: 'i',
    sub: 's',
    client_id: null,
    scopes: null,
    exp: null,
    iat: null,
    email: null,
    email_verified: false,
    email_authority: 'none',
    name: null,
    picture: null,
    organization: null,
    key: null,
    tenant: null,
    claims: {},
  })
})

test('what is shown is a string of 1 to 256 characters', () => {
  expect([text('x'), text('x'.repeat(256)), text('x'.repeat(257)), text(''), text(1), text(null), text(['x'])]).toEqual(
    ['x', 'x'.repeat(256), null, null, null, null, null],
  )
})

test('a date is a finite number, in whole seconds', () => {
  expect([numericDate(7.9), numericDate(0), numericDate(Infinity), numericDate('7'), numericDate(null)]).toEqual([
    7,
    0,
    null,
    null,
    null,
  ])
})

test.each([
  ['a', 'accepted'],
  ['a b', 'accepted'],
  ['x'.repeat(255), 'accepted'],
  ['x'.repeat(256), 'claims_invalid'],
  ['', 'claims_invalid'],
  ['a\n', 'claims_invalid'],
  ['\na', 'claims_invalid'],
  ['é', 'claims_invalid'],
  [7, 'claims_invalid'],
  [['a'], 'claims_invalid'],
])('a sub that only the provider says, %j: %s', async (sub, ends) => {
  expect(await refused(() => subjectOf(sub))).toBe(ends)
})

test('the client is client_id, and azp where there is none', () => {
  expect(commonClaims({ client_id: 'a', azp: 'b' }, false).client_id).toBe('a')
  expect(commonClaims({ azp: 'b' }, false).client_id).toBe('b')
  expect(commonClaims({ client_id: '', azp: 7 }, false).client_id).toBeNull()
})

test('claims that mean the same everywhere are read from one place', () => {
  const claims = { exp: 9.5, iat: 8.5, name: 'A', picture: 'https://p', scope: 'x' }
  expect(commonClaims(claims, true)).toEqual({
    client_id: null,
    scopes: ['x'],
    exp: 9,
    iat: 8,
    name: 'A',
    picture: 'https://p',
    claims,
  })
  expect(commonClaims(claims, false).scopes).toBeNull()
})

test('an address of which nothing is proved is kept for display, and its authority is not even asked', () => {
  const never = (): 'live' => {
    throw new Error('asked')
  }
  expect(emailEvidence('a@acme.test', false, never)).toEqual({
    email: 'a@acme.test',
    email_verified: false,
    email_authority: 'none',
  })
  expect(emailEvidence('no address', true, never)).toMatchObject({ email: 'no address', email_verified: false })
  expect(emailEvidence(7, true, never)).toMatchObject({ email: null, email_verified: false })
  expect(emailEvidence('a@ACME.test', true, (domain) => (domain === 'acme.test' ? 'once' : 'live'))).toEqual({
    email: 'a@ACME.test',
    email_verified: true,
    email_authority: 'once',
  })
})

test('a list of domains holds its own, an asterisk every one', () => {
  expect([holdsDomain('*', 'a.test'), holdsDomain(['a.test'], 'a.test')]).toEqual([true, true])
  expect([holdsDomain([], 'a.test'), holdsDomain(['*'], 'a.test'), holdsDomain(['b.test'], 'a.test')]).toEqual([
    false,
    false,
    false,
  ])
})
