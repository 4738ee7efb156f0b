import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import { makeApiKey } from '#identity/api-key.ts'
import type { ApiKeyRecord } from '#identity/api-key.ts'
import { configs, openGate, outcomeOf, refusalOf, type Gate } from './support.ts'

let gate: Gate
beforeAll(async () => void (gate = await openGate()))
afterAll(async () => await gate.close())

function newKey(change: Partial<ApiKeyRecord> = {}) {
  const { key, ...made } = makeApiKey()
  const record = {
    ...made,
    tenant: 'acme',
    name: 'ci',
    scopes: ['todos:read'],
    cidrs: [],
    expires_at: null,
    revoked_at: null,
    ...change,
  }
  const asked: string[] = []
  const keyLookup = async (id: string): Promise<ApiKeyRecord | null> => {
    asked.push(id)
    return id === record.id ? record : null
  }
  return { key, record, asked, enter: gate.open({}, { keyLookup }) }
}

describe('an API key', () => {
  test('names its tenant, its scopes and its end', async () => {
    const { key, record, enter } = newKey({ expires_at: gate.clock.now() + 90_500 })
    expect(await enter(key)).toMatchObject({
      provider: 'api-key',
      iss: 'urn:gatehouse:api-key',
      sub: record.id,
      name: 'ci',
      scopes: ['todos:read'],
      exp: Math.floor(record.expires_at! / 1000),
      email: null,
      key: { id: record.id, tenant: 'acme' },
    })
  })

  test('D23: address and expiry hold at each use', async () => {
    const { key, enter } = newKey({ cidrs: ['10.1.0.0/16', '2001:db8::/32'], expires_at: gate.clock.now() + 60_000 })
    expect(await outcomeOf(enter(key, '10.1.2.3'))).toBe('accepted')
    expect(await outcomeOf(enter(key, '::ffff:10.1.2.3'))).toBe('accepted')
    expect(await outcomeOf(enter(key, '2001:db8::7'))).toBe('accepted')
    expect(await outcomeOf(enter(key, '10.2.0.1'))).toBe('key_address 401')
    expect(await outcomeOf(enter(key))).toBe('key_address 401')
    gate.clock.advance(60_000)
    expect(await outcomeOf(enter(key, '10.1.2.3'))).toBe('key_expired 401')
  })

  test('K1: an unknown id and a wrong secret answer alike, and both are compared', async () => {
    const { record, enter } = newKey({})
    const other = makeApiKey()
    const wrongSecret = { ...record, digest: other.digest }
    const forged = newKey()
    const unknown = await refusalOf(enter(forged.key))
    const wrong = await refusalOf(gate.open({}, { keyLookup: async () => wrongSecret })(forged.key))
    expect([wrong.code, wrong.status, wrong.description, wrong.detail]).toEqual([
      unknown.code,
      unknown.status,
      unknown.description,
      unknown.detail,
    ])
  })

  test('K1: state is told only to whoever has the secret', async () => {
    const { record } = newKey({ revoked_at: 1, expires_at: 1, cidrs: ['10.0.0.0/8'] })
    const guess = newKey().key
    expect(await outcomeOf(gate.open({}, { keyLookup: async () => record })(guess))).toBe('key_unknown 401')
  })

  test('K2: a stored digest of a wrong length refuses instead of throwing', async () => {
    const { key, enter } = newKey({ digest: Buffer.alloc(0) })
    expect(await outcomeOf(enter(key))).toBe('key_unknown 401')
  })

  test('K2: a mistyped key is told from its checksum, without asking the registry', async () => {
    const { key, asked, enter } = newKey()
    for (const typo of [
      key.slice(0, -1),
      `${key}0`,
      key.toUpperCase(),
      `${key.slice(0, 20)}${key[20] === 'x' ? 'y' : 'x'}${key.slice(21)}`,
      'gh_key_',
    ]) {
      expect(await outcomeOf(enter(typo))).toMatch(/^(token_malformed|issuer_unknown) 401$/)
    }
    expect(asked).toEqual([])
  })

  test('a registry that cannot be asked is an outage, not a refusal of the key', async () => {
    const { key } = newKey()
    const enter = gate.open(
      {},
      {
        keyLookup: async () => {
          throw new Refusal('database_unavailable')
        },
      },
    )
    expect(await outcomeOf(enter(key))).toBe('database_unavailable 503, retry after 10')
  })

  test('nothing in a refusal holds the key', async () => {
    const { key } = newKey()
    const error = await refusalOf(gate.open({}, { keyLookup: async () => null })(key))
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(key.slice(20, 40))
  })
})

describe('the static key', () => {
  test('names the configured tenant', async () => {
    expect(await gate.open({ staticKey: configs.staticKey })(configs.staticKey.key)).toMatchObject({
      provider: 'static-key',
      iss: 'urn:gatehouse:static-key',
      sub: 'static',
      scopes: null,
      exp: null,
      key: { id: 'static', tenant: 'acme' },
    })
  })

  test('any other value of any length is nobody', async () => {
    const enter = gate.open({ staticKey: configs.staticKey })
    const { key } = configs.staticKey
    for (const other of [key.slice(0, -1), `${key}x`, key.toUpperCase(), 'x']) {
      expect(await outcomeOf(enter(other))).toBe('issuer_unknown 401')
    }
  })

  test.each([
    makeApiKey().key,
    'gho_abcdefghijklmnopqrstuvwxyz0123456789',
    'ya29.abcdefghijklmnopqrstuvwxyz0123456',
    'eyJhbGciOiJub25lIn0.e30.c2ln',
  ])('D23: one that looks like another provider token stops the boot (%#)', (key) => {
    expect(() => gate.open({ staticKey: { ...configs.staticKey, key } })).toThrow(ConfigError)
  })
})
