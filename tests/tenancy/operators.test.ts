import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tokenDigest } from '#identity/token-digest.ts'
import type { Identity } from '#identity/identity.ts'
import { createOperators, type Operators } from '#tenancy/operators.ts'
import { freshDatabase, upperKinds, type FreshDatabase } from '../support/database.ts'
import {
  company,
  enlist,
  keyIdentity,
  operator,
  person,
  refusal,
  scopes,
  startReplica,
  type Replica,
} from './support.ts'

const ASKED = { tokenDigest: tokenDigest('a token'), requestId: 'request-1', ip: '192.0.2.7' }
const ann = person('ann@ops.com', { provider: 'google', iss: 'https://accounts.google.com', sub: '1' })

describe.each(upperKinds)('operators (%s)', (kind) => {
  let fresh: FreshDatabase
  let replica: Replica
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    replica = await startReplica(fresh)
  })
  afterAll(async () => await fresh.drop())

  function named(
    entries: readonly string[],
    more: { ready?: boolean; requiredScopes?: readonly string[] } = {},
  ): Operators {
    const { database, clock } = replica
    return createOperators({
      config: { operators: entries, requiredScopes: more.requiredScopes ?? [] },
      database,
      clock,
      scopes,
      ready: () => more.ready ?? true,
    })
  }
  const answer = async (entries: readonly string[], identity: Identity): Promise<string> =>
    await refusal(named(entries).admit(identity, ASKED))

  test('D3: iss|sub is one person, letter for letter, and needs no tenant', async () => {
    const entries = ['https://accounts.google.com|1']
    expect(await named(entries).admit(ann, ASKED)).toEqual({
      kind: 'operator',
      name: 'https://accounts.google.com|1',
      request_id: 'request-1',
      ip: '192.0.2.7',
    })
    for (const other of [
      { sub: '11' },
      { sub: '1 ' },
      { iss: 'https://accounts.google.com/' },
      { iss: 'https://ACCOUNTS.google.com' },
    ])
      expect([other, await answer(entries, { ...ann, ...other })]).toEqual([other, 'operator_unknown'])
    expect(await answer([], ann)).toBe('operator_unknown')
  })

  test('D3: a subject may hold a bar, and an issuer cannot borrow one', async () => {
    const entries = ['https://acme.auth0.com/|auth0|7']
    expect(await answer(entries, { ...ann, iss: 'https://acme.auth0.com/', sub: 'auth0|7' })).toBe('served')
    expect(await answer(entries, { ...ann, iss: 'https://acme.auth0.com/|auth0', sub: '7' })).toBe('operator_unknown')
  })

  test('D3: provider:email needs that provider, the boolean true, and authority over the domain now', async () => {
    const entries = ['google:ann@ops.com']
    expect(await answer(entries, ann)).toBe('served')
    expect(await answer(entries, { ...ann, email: 'ann@OPS.com' })).toBe('served')
    const others: Partial<Identity>[] = [
      { provider: 'github' },
      { provider: 'oidc' },
      { email_verified: false },
      // What a careless provider may let through.
      { email_verified: 'true' as unknown as boolean },
      { email_authority: 'once' },
      { email_authority: 'none' },
      { email: null },
      { email: 'Ann@ops.com' },
      { email: 'ann@ops.com.evil.com' },
      { email: 'ann@ops.com ' },
    ]
    for (const other of others)
      expect([other, await answer(entries, { ...ann, ...other })]).toEqual([other, 'operator_unknown'])
  })

  test('D3: an address alone names nobody, nor does provider:sub', async () => {
    expect(await answer(['ann@ops.com'], ann)).toBe('operator_unknown')
    expect(await answer([':ann@ops.com', 'google:1', 'google:'], { ...ann, provider: '' })).toBe('operator_unknown')
    expect(await answer(['google:1'], ann)).toBe('operator_unknown')
  })

  test('D3: API keys, tokens made from them, the static key and tokens of the shared secret are never an operator’s', async () => {
    const key = keyIdentity('abcdefghijkl', 'acme')
    expect(await answer([`${key.iss}|${key.sub}`], key)).toBe('operator_unknown')
    const mail = { email: 'ann@ops.com', email_verified: true, email_authority: 'live' } as const
    for (const provider of ['api-key', 'static-key', 'shared-secret']) {
      const identity = { ...ann, ...mail, provider }
      expect([provider, await answer([`${provider}:ann@ops.com`, `${ann.iss}|${ann.sub}`], identity)]).toEqual([
        provider,
        'operator_unknown',
      ])
    }
    const service = { ...ann, key: { id: 'abcdefghijkl', tenant: 'acme' } }
    expect(await answer([`${ann.iss}|${ann.sub}`], service)).toBe('operator_unknown')
  })

  test('D22: a blocked person, a revoked token and cut-off tokens count for operators at once', async () => {
    const { registry, clock } = replica
    const entries = ['https://accounts.google.com|2']
    const bob = { ...ann, sub: '2' }
    expect(await answer(entries, bob)).toBe('served')
    await registry.revocations.blockPerson(operator, { iss: bob.iss, sub: bob.sub })
    expect(await answer(entries, bob)).toBe('person_blocked')
    await registry.revocations.unblockPerson(operator, { iss: bob.iss, sub: bob.sub })
    expect(await answer(entries, bob)).toBe('served')

    const stolen = { ...ASKED, tokenDigest: tokenDigest('a stolen one') }
    await registry.revocations.revokeToken(operator, { digest: stolen.tokenDigest, until: null })
    expect(await refusal(named(entries).admit(bob, stolen))).toBe('token_revoked')
    expect(await answer(entries, bob)).toBe('served')

    const tenant = await company(replica, 'cutters')
    const { id } = await enlist(replica, tenant, bob, 'member')
    await registry.members.revokeTokens(tenant, operator, id)
    expect(await answer(entries, bob)).toBe('token_revoked')
    expect(await answer(entries, { ...bob, iat: null })).toBe('token_revoked')
    expect(await answer(entries, { ...bob, iat: Math.ceil(clock.now() / 1000) + 1 })).toBe('served')
  })

  test('an expired token, one that lacks REQUIRED_SCOPES, and a registry that is not open yet', async () => {
    const entries = ['https://accounts.google.com|1']
    expect(await answer(entries, { ...ann, exp: Math.floor(replica.clock.now() / 1000) - 1 })).toBe('token_expired')
    const demanding = named(entries, { requiredScopes: ['projects:read'] })
    expect(await refusal(demanding.admit({ ...ann, scopes: ['documents:read'] }, ASKED))).toBe('scope_insufficient')
    expect(await refusal(demanding.admit({ ...ann, scopes: ['projects:write'] }, ASKED))).toBe('served')
    expect(await refusal(named(entries, { ready: false }).admit(ann, ASKED))).toBe('database_unavailable')
  })

  test('what an operator does is in the audit with who, the request and the address', async () => {
    const actor = await named(['https://accounts.google.com|1']).admit(ann, ASKED)
    const tenant = await replica.registry.tenants.create(actor, { slug: 'watched' })
    const [row] = await fresh.sql('SELECT iss, sub, request_id, ip FROM gatehouse.audit WHERE tenant_id = $1', [
      tenant.id,
    ])
    expect(row).toEqual({
      iss: 'operator',
      sub: 'https://accounts.google.com|1',
      request_id: 'request-1',
      ip: '192.0.2.7',
    })
  })
})
