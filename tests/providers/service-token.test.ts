import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { seconds } from '#base/clock.ts'
import type { ApiKeyRecord } from '#identity/api-key.ts'
import { createSigningKeys } from '#login/signing-key.ts'
import { configs, openGate, outcomeOf, type Gate } from './support.ts'

const ISSUER = 'https://gatehouse.test'
const SECRETS = ['a session secret that is long enough now', 'a session secret that was used before it'] as const

let gate: Gate
beforeAll(async () => void (gate = await openGate()))
afterAll(async () => await gate.close())

const config = (sessionSecrets: readonly string[], publicUrl = ISSUER, signingKey: string | null = null) => ({
  publicUrl,
  sessionSecrets,
  signingKey,
})

const RECORD: ApiKeyRecord = {
  id: 'abcdefghijkl',
  tenant: 'acme',
  name: 'ci',
  digest: Buffer.alloc(32),
  scopes: ['todos:write'],
  cidrs: [],
  expires_at: null,
  revoked_at: null,
}

async function scene({
  record = RECORD,
  secrets = SECRETS.slice(0, 1),
}: { record?: ApiKeyRecord | null; secrets?: readonly string[] } = {}) {
  const { keySet } = await createSigningKeys(config(secrets))
  return gate.open({}, { keyLookup: async () => record, serviceTokens: { issuer: ISSUER, keys: keySet } })
}

async function sign(
  claims: Record<string, unknown> = {},
  { typ = 'at+jwt', from = config(SECRETS.slice(0, 1)) }: { typ?: string; from?: ReturnType<typeof config> } = {},
): Promise<string> {
  const now = seconds(gate.clock)
  const usual = {
    iss: ISSUER,
    aud: `${ISSUER}/mcp`,
    sub: `key:${RECORD.id}`,
    client_id: RECORD.id,
    tenant: 'acme',
    scope: 'todos:read',
    jti: 'one',
    iat: now,
    exp: now + 900,
  }
  return await (await createSigningKeys(from)).sign({ ...usual, ...claims }, typ)
}

describe('a service token', () => {
  test('stands for its key, with the scopes it was given', async () => {
    const enter = await scene()
    expect(await enter(await sign())).toMatchObject({
      provider: 'service-token',
      iss: ISSUER,
      sub: `key:${RECORD.id}`,
      client_id: RECORD.id,
      name: 'ci',
      scopes: ['todos:read'],
      email: null,
      key: { id: RECORD.id, tenant: 'acme' },
    })
  })

  test('a token with no scope at all narrows to nothing, and is not taken for one that does not narrow', async () => {
    const enter = await scene()
    expect((await enter(await sign({ scope: '' }))).scopes).toEqual([])
    expect((await enter(await sign({ scope: undefined }))).scopes).toEqual([])
  })

  test('D23: revocation, expiry and address of the key hold at each use', async () => {
    const token = await sign()
    const outcome = async (change: Partial<ApiKeyRecord> | null, ip?: string): Promise<string> =>
      await outcomeOf((await scene({ record: change === null ? null : { ...RECORD, ...change } }))(token, ip))
    expect(await outcome(null)).toBe('key_revoked 401')
    expect(await outcome({ revoked_at: gate.clock.now() })).toBe('key_revoked 401')
    expect(await outcome({ expires_at: gate.clock.now() })).toBe('key_expired 401')
    expect(await outcome({ cidrs: ['10.0.0.0/8'] }, '10.1.2.3')).toBe('accepted')
    expect(await outcome({ cidrs: ['10.0.0.0/8'] }, '192.0.2.1')).toBe('key_address 401')
    expect(await outcome({ cidrs: ['10.0.0.0/8'] })).toBe('key_address 401')
    expect(await outcome({ tenant: 'beta' })).toBe('key_revoked 401')
  })

  test.each([
    ['of another audience', { aud: 'https://other.test/mcp' }, {}, 'audience_mismatch 401'],
    ['for this server but not its MCP endpoint', { aud: ISSUER }, {}, 'audience_mismatch 401'],
    ['without an audience', { aud: undefined }, {}, 'audience_mismatch 401'],
    ['that expired', { iat: 1, exp: 2 }, {}, 'token_expired 401'],
    ['that is no access token', {}, { typ: 'JWT' }, 'type_refused 401'],
    ['of a person', { sub: 'alice' }, {}, 'claims_invalid 401'],
    ['whose sub and client_id are two keys', { client_id: 'zzzzzzzzzzzz' }, {}, 'claims_invalid 401'],
    ['without a tenant', { tenant: undefined }, {}, 'claims_invalid 401'],
    ['of another issuer', { iss: 'https://other.test' }, {}, 'issuer_unknown 401'],
    [
      'signed with another secret',
      {},
      { from: config(['a session secret that nobody here ever had']) },
      'key_unknown 401',
    ],
    [
      'of another deployment with the same secret',
      {},
      { from: config(SECRETS, 'https://other.test') },
      'key_unknown 401',
    ],
  ])('%s is refused', async (_which, claims, how, outcome) => {
    expect(await outcomeOf((await scene())(await sign(claims, how)))).toBe(outcome)
  })

  test('with a changed signature, or none, it is refused', async () => {
    const enter = await scene()
    const [header = '', payload = '', signature = ''] = (await sign()).split('.')
    const other = (await sign({ scope: 'todos:write' })).split('.')[1]
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url')
    expect(await outcomeOf(enter(`${header}.${other}.${signature}`))).toBe('signature_invalid 401')
    expect(await outcomeOf(enter(`${none}.${payload}.${signature}`))).toBe('algorithm_refused 401')
    expect(await outcomeOf(enter(`${header}.${payload}.`))).toBe('token_malformed 401')
  })

  test('D29: tokens of the secret before are good until it is taken out of the list', async () => {
    const before = await sign({}, { from: config([SECRETS[1]]) })
    expect(await outcomeOf((await scene({ secrets: SECRETS }))(before))).toBe('accepted')
    expect(await outcomeOf((await scene({ secrets: SECRETS.slice(0, 1) }))(before))).toBe('key_unknown 401')
    const now = await sign({}, { from: config(SECRETS) })
    expect(await outcomeOf((await scene({ secrets: SECRETS.slice(0, 1) }))(now))).toBe('accepted')
  })

  test('no other provider may be configured with our own issuer', async () => {
    const { keySet } = await createSigningKeys(config(SECRETS))
    const open = (): unknown =>
      gate.open(
        { sharedSecret: { ...configs.sharedSecret, issuer: ISSUER } },
        { serviceTokens: { issuer: ISSUER, keys: keySet } },
      )
    expect(open).toThrow(ConfigError)
  })
})
