import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigError, type SharedSecretConfig } from '#base/config.ts'
import type { Identity } from '#identity/identity.ts'
import { people, type Claims } from '../support/fake-provider.ts'
import { configs, MCP_URL, openGate, outcomeOf, SECRET, signShared, type Gate } from './support.ts'

let gate: Gate
beforeAll(async () => void (gate = await openGate()))
afterAll(async () => await gate.close())

const enter = async (token: string, change: Partial<SharedSecretConfig> = {}): Promise<Identity> =>
  await gate.open({ sharedSecret: { ...configs.sharedSecret, ...change } })(token)
const sign = async (claims: Claims = {}, secret?: string): Promise<string> =>
  await signShared(gate.clock, { ...people.alice, ...claims }, secret)

test('a token of the other system becomes a person; the audience is the MCP URL unless configured', async () => {
  expect(await enter(await sign())).toMatchObject({
    provider: 'shared-secret',
    sub: 'alice-1',
    email_authority: 'live',
    tenant: null,
  })
  expect(await outcomeOf(enter(await sign(), { audience: ['portal'] }))).toBe('audience_mismatch 401')
  expect(await outcomeOf(enter(await sign({ aud: 'portal' }), { audience: ['portal'] }))).toBe('accepted')
})

test('every secret of the list verifies, so that one can be changed without a pause', async () => {
  const old = 'the old secret, which is also long enough for HS256'
  expect(await outcomeOf(enter(await sign({}, old)))).toBe('signature_invalid 401')
  expect(await outcomeOf(enter(await sign({}, old), { secrets: [SECRET, old] }))).toBe('accepted')
})

test('the subject can stand in another claim', async () => {
  const token = await sign({ sub: undefined, user_id: 'u-7' })
  expect(await outcomeOf(enter(token))).toBe('claims_invalid 401')
  expect((await enter(token, { subjectClaim: 'user_id' })).sub).toBe('u-7')
})

test('the tenant claim counts only when it is said to', async () => {
  const token = await sign({ tenant: 'acme' })
  expect((await enter(token)).tenant).toBeNull()
  expect((await enter(token, { trustTenantClaim: true })).tenant).toBe('acme')
})

test.each([
  ['D6: a domain that is not in JWT_DOMAINS', { email: 'a@globex.test' }, 'none'],
  ['D6: no email_verified', { email_verified: undefined }, 'none'],
  ['D6: email_verified as a string', { email_verified: 'true' }, 'none'],
  ['D6: a verified address in JWT_DOMAINS', {}, 'live'],
])('%s', async (_what, claims, authority) => {
  expect((await enter(await sign(claims))).email_authority).toBe(authority)
})

test('scopes narrow only when the system is said to carry ours', async () => {
  const token = await sign({ scope: 'todos:read' })
  expect((await enter(token)).scopes).toBeNull()
  expect((await enter(token, { carriesScopes: true })).scopes).toEqual(['todos:read'])
  expect(await outcomeOf(enter(await sign({ scope: 7 }), { carriesScopes: true }))).toBe('claims_invalid 401')
})

test('an RS256 token of the same issuer name is refused', async () => {
  const issuer = gate.fake.issuer({ path: 'forger', iss: configs.sharedSecret.issuer })
  expect(await outcomeOf(enter(await issuer.sign({ ...people.alice, aud: MCP_URL })))).toBe('algorithm_refused 401')
})

test.each([
  ['a short secret', { secrets: ['too short'] }],
  ['no secret', { secrets: [] }],
])('%s stops the boot', (_what, change) => {
  expect(() => gate.open({ sharedSecret: { ...configs.sharedSecret, ...change } })).toThrow(ConfigError)
})
