import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bearerToken } from '#identity/bearer.ts'
import { emailDomain } from '#identity/email.ts'
import { isJwtShaped, parseJwt, peekIssuer } from '#identity/jwt-parse.ts'
import { readScopes } from '#identity/scopes.ts'
import { hasUniqueMembers } from '#identity/unique-members.ts'
import { b64 } from './support/issuer.ts'
import { refused } from './support/refused.ts'

/** Strings of any kind, and such as come near to a token. */
const tokenLike = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.tuple(fc.json(), fc.json(), fc.string()).map((parts) => parts.map(b64).join('.')),
  fc
    .tuple(fc.constant('{"alg":"RS256"}'), fc.string({ unit: 'binary' }), fc.string())
    .map((parts) => parts.map(b64).join('.')),
)

test('whatever is presented is judged or refused, never an internal error', async () => {
  await fc.assert(
    fc.asyncProperty(tokenLike, async (token) => {
      // refused() throws on what is no Refusal.
      expect(await refused(() => parseJwt(token))).toMatch(/^(accepted|token_malformed|header_refused)$/)
      const read = (): string => bearerToken({ rawHeaders: ['Authorization', `Bearer ${token}`], url: `/mcp?${token}` })
      expect(await refused(read)).toMatch(/^(accepted|header_malformed)$/)
      expect([typeof isJwtShaped(token), typeof peekIssuer(token)]).not.toContain('undefined')
    }),
  )
})

test('every token that parses is taken for a JWT, so that none of them is introspected (D14)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (claims) => {
      const token = ['{"alg":"RS256"}', JSON.stringify(claims), 'sig'].map(b64).join('.')
      fc.pre((await refused(() => parseJwt(token))) === 'accepted')
      expect(isJwtShaped(token)).toBe(true)
      expect(peekIssuer(token)).toBe(typeof claims['iss'] === 'string' && claims['iss'] !== '' ? claims['iss'] : null)
    }),
  )
})

test('JSON that was written from a value repeats no member; with one put in twice it does', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { minKeys: 1 }), (value) => {
      const json = JSON.stringify(value)
      expect(hasUniqueMembers(json)).toBe(true)
      const [name = ''] = Object.keys(value)
      expect(hasUniqueMembers(`${json.slice(0, -1)},${JSON.stringify(name)}:0}`)).toBe(false)
      expect(hasUniqueMembers(`[{"x":${json.slice(0, -1)},${JSON.stringify(name)}:0}}]`)).toBe(false)
    }),
  )
})

test('a claim that nests as deep as a token can is judged or refused', async () => {
  const deep = 2_900
  const token = ['{"alg":"RS256"}', `{"a":${'['.repeat(deep)}${']'.repeat(deep)}}`, 'sig'].map(b64).join('.')
  expect(['accepted', 'token_malformed']).toContain(await refused(() => parseJwt(token)))
})

test('the domain of an address is found whatever its case, and is found again in an address of its own', () => {
  fc.assert(
    fc.property(fc.oneof(fc.emailAddress(), fc.string({ unit: 'binary' })), (address) => {
      const domain = emailDomain(address)
      fc.pre(domain !== null)
      expect(emailDomain(address.toUpperCase())).toBe(domain)
      expect(emailDomain(`a@${domain}`)).toBe(domain)
      expect(address.toLowerCase().endsWith(`@${domain}`)).toBe(true)
    }),
  )
})

test('scopes of any shape are read or refused, and none of them holds a space', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.array(fc.constantFrom('a:read', 'b', 'c d'))), async (scope) => {
      fc.pre((await refused(() => readScopes({ scope }))) === 'accepted')
      expect(readScopes({ scope }).filter((item) => !/^\S+$/.test(item))).toEqual([])
    }),
  )
})
