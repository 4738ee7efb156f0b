import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MemberFilter } from '#tenancy/members-list.ts'
import type { Registry } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { actorOf, operator, person, registryError, startReplica, type Replica } from './support.ts'

describe.each(upperKinds)('finding members (%s)', (kind) => {
  let fresh: FreshDatabase
  let replica: Replica
  let registry: Registry
  let acme: Tenant

  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    replica = await startReplica(fresh)
    ;({ registry } = replica)
    acme = await registry.tenants.create(operator, { slug: 'acme' })
    const globex = await registry.tenants.create(operator, { slug: 'globex' })
    const iss = 'https://issuer.test'
    for (const [sub, name, email, role] of [
      ['1', 'Ann Archer', 'ann@acme.com', 'owner'],
      ['2', 'Bob 100%', 'bob_b@acme.com', 'member'],
      ['3', null, 'carol@acme.com', 'viewer'],
      ['mallory-4', null, null, 'member'],
    ] as const)
      await registry.members.add(acme, operator, { provider: 'oidc', iss, sub, name, email, role })
    await registry.members.add(globex, operator, { provider: 'oidc', iss, sub: '9', name: 'Ann Other', role: 'owner' })
    await registry.members.remove(acme, operator, 'oidc:3')
  })
  afterAll(async () => await fresh.drop())

  const found = async (filter: MemberFilter): Promise<string[]> =>
    (await registry.members.list(acme, operator, filter)).items.map(({ sub }) => sub)

  test.each<[MemberFilter, string[]]>([
    [{ search: 'ANN' }, ['1']],
    [{ search: ' archer ' }, ['1']],
    [{ search: '@acme.COM' }, ['1', '2', '3']],
    [{ search: 'oidc:MALLORY' }, ['mallory-4']],
    [{ search: '%' }, ['2']],
    [{ search: 'b_b' }, ['2']],
    [{ search: "' OR 1=1 --" }, []],
    [{ search: 'ann\0' }, ['1']],
    [{ search: '' }, ['1', '2', '3', 'mallory-4']],
    [{ role: 'member' }, ['2', 'mallory-4']],
    [{ status: 'removed' }, ['3']],
    [{ status: 'active', role: 'viewer' }, []],
    [{ search: 'acme', status: 'active' }, ['1', '2']],
  ])('%j', async (filter, expected) => {
    expect(await found(filter)).toEqual(expected)
  })

  test('a filter holds over pages', async () => {
    const first = await registry.members.list(acme, operator, { search: '@acme', limit: 2 })
    expect(first).toMatchObject({ items: [{ sub: '1' }, { sub: '2' }], next: expect.any(String) })
    const second = await registry.members.list(acme, operator, { search: '@acme', limit: 2, after: first.next ?? '' })
    expect(second).toMatchObject({ items: [{ sub: '3' }], next: null })
  })

  test('a tally counts this tenant alone, and whom it owes an answer', async () => {
    await fresh.sql(`UPDATE gatehouse.members SET status = 'requested' WHERE tenant_id = $1 AND sub = 'mallory-4'`, [
      acme.id,
    ])
    expect(await registry.members.tally(acme, operator)).toEqual({ active: 2, owners: 1, requested: 1, removed: 1 })
    await registry.requests.decline(acme, operator, 'oidc:mallory-4')
    expect(await registry.members.tally(acme, operator)).toEqual({ active: 2, owners: 1, requested: 0, removed: 1 })
  })

  test('everybody has their own row, and learns of nobody else whether they are there', async () => {
    const bob = actorOf(await replica.principal(person(null, { iss: 'https://issuer.test', sub: '2' })))
    const own = await registry.members.own(acme, bob)
    expect(own).toMatchObject({ user_id: 'oidc:2', role: 'member' })
    expect(await registry.members.show(acme, bob, own?.id ?? '')).toEqual(own)
    for (const reference of ['oidc:1', 'ann@acme.com', 'nobody@acme.com', 'oidc:nobody']) {
      expect(await registryError(registry.members.show(acme, bob, reference))).toBe('forbidden')
      expect(await registryError(registry.members.remove(acme, bob, reference))).toBe('forbidden')
      expect(await registryError(registry.members.revokeTokens(acme, bob, reference))).toBe('forbidden')
    }
    expect(await registry.members.own(acme, operator)).toBeNull()
  })
})
