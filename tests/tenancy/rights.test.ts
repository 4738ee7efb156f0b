/** Who may do what to the registry (D9, D12, D23): every function, asked by everyone who is no operator. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Actor, Registry } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { tokenDigest } from '#identity/token-digest.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import {
  actorOf,
  company,
  enlist,
  keyIdentity,
  operator,
  person,
  registryError,
  type Replica,
  startReplica,
} from './support.ts'

let fresh: FreshDatabase
let replica: Replica
let registry: Registry
let tenant: Tenant
const actors: Record<string, Actor> = {}

beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  replica = await startReplica(fresh)
  ;({ registry } = replica)
  tenant = await company(replica, 'acme')
  const other = await company(replica, 'globex')
  for (const role of ['viewer', 'member', 'admin', 'owner'] as const) {
    await enlist(replica, tenant, person(null, { sub: role }), role)
    actors[role] = actorOf(await replica.principal(person(null, { sub: role })))
  }
  await enlist(replica, other, person(null, { sub: 'foreign' }), 'owner')
  actors['foreign'] = actorOf(await replica.principal(person(null, { sub: 'foreign' })))
  const owner = actors['owner']
  if (owner === undefined) throw new Error('no owner')
  const { record } = await registry.keys.create(tenant, owner, { name: 'k', scopes: ['*', 'tenant:admin'] })
  actors['key'] = actorOf(await replica.principal(keyIdentity(record.id, 'acme')))
})
afterAll(async () => await fresh.drop())

let count = 0
const newcomer = async (role: 'viewer' | 'owner' = 'viewer', asked = false): Promise<string> => {
  const { id } = await enlist(replica, tenant, person(null, { sub: `target ${(count += 1)}` }), role)
  if (asked) await fresh.sql(`UPDATE gatehouse.members SET status = 'requested' WHERE id = $1`, [id])
  return id
}
const key = async (): Promise<string> =>
  (await registry.keys.create(tenant, operator, { name: 'k', scopes: ['projects:read'] })).record.id

const [F, U, D] = ['forbidden', 'unknown', 'done'] as const
const nobody = { viewer: F, member: F, admin: F, owner: F, foreign: F, key: F }
const admins = { viewer: F, member: F, admin: D, owner: D, foreign: U, key: D }
const owners = { viewer: F, member: F, admin: F, owner: D, foreign: U, key: F }
const everyone = { viewer: D, member: D, admin: D, owner: D, foreign: U, key: D }
/** Someone else's key does not exist for who is no admin. */
const keepers = { ...admins, viewer: U, member: U }

const acts: Record<string, readonly [(actor: Actor) => Promise<unknown>, Record<string, string>]> = {
  'tenants.create': [async (actor) => await registry.tenants.create(actor, { slug: 'mine' }), nobody],
  'tenants.list': [async (actor) => await registry.tenants.list(actor), nobody],
  'tenants.show': [async (actor) => await registry.tenants.show(actor, 'acme'), everyone],
  'tenants.get': [async (actor) => await registry.tenants.get(actor, 'acme'), everyone],
  'tenants.rename': [
    async (actor) => await registry.tenants.rename(tenant, actor, 'Acme'),
    { ...admins, viewer: F, member: F },
  ],
  'tenants.suspend': [async (actor) => await registry.tenants.suspend(tenant, actor), nobody],
  'tenants.resume': [async (actor) => await registry.tenants.resume(tenant, actor), nobody],
  'tenants.delete': [async (actor) => await registry.tenants.delete(tenant, actor), nobody],
  'tenants.setSettings': [
    async (actor) => await registry.tenants.setSettings(tenant, actor, { mcp_admin: true }),
    owners,
  ],
  'tools.list': [async (actor) => await registry.tools.list(tenant, actor), { ...admins, viewer: F, member: F }],
  'tools.set': [async (actor) => await registry.tools.set(tenant, actor, { off: ['whoami'] }), admins],
  'tenants.askDeletion': [async (actor) => await registry.tenants.askDeletion(tenant, actor, 'acme'), owners],
  'tenants.keep': [async (actor) => await registry.tenants.keep(tenant, actor), owners],
  'domains.add': [
    async (actor) => await registry.domains.add(tenant, actor, { domain: 'x.com', asserted_by: ['oidc'] }),
    nobody,
  ],
  'domains.list': [async (actor) => await registry.domains.list(tenant, actor), everyone],
  'domains.remove': [
    async (actor) => {
      await registry.domains.add(tenant, operator, { domain: 'y.com', asserted_by: ['oidc'] }).catch(() => {})
      await registry.domains.remove(tenant, actor, 'y.com')
    },
    admins,
  ],
  'organizations.add': [
    async (actor) => await registry.organizations.add(tenant, actor, { iss: 'i', kind: 'tid', value: 'v' }),
    nobody,
  ],
  'organizations.list': [async (actor) => await registry.organizations.list(tenant, actor), everyone],
  'organizations.remove': [async (actor) => await registry.organizations.remove(tenant, actor, 'v'), nobody],
  'members.add': [
    async (actor) =>
      await registry.members.add(tenant, actor, { provider: 'oidc', iss: 'i', sub: 's', role: 'viewer' }),
    nobody,
  ],
  'members.list': [async (actor) => await registry.members.list(tenant, actor), admins],
  'members.tally': [async (actor) => await registry.members.tally(tenant, actor), admins],
  'members.show': [async (actor) => await registry.members.show(tenant, actor, await newcomer()), admins],
  'members.approve': [
    async (actor) => await registry.members.approve(tenant, actor, await newcomer('viewer', true), 'admin'),
    admins,
  ],
  'members.approve as owner': [
    async (actor) => await registry.members.approve(tenant, actor, await newcomer('viewer', true), 'owner'),
    owners,
  ],
  'members.setRole': [
    async (actor) => await registry.members.setRole(tenant, actor, await newcomer(), 'admin'),
    admins,
  ],
  'members.setRole to owner': [
    async (actor) => await registry.members.setRole(tenant, actor, await newcomer(), 'owner'),
    owners,
  ],
  'members.setRole of an owner': [
    async (actor) => await registry.members.setRole(tenant, actor, await newcomer('owner'), 'viewer'),
    owners,
  ],
  'members.remove': [async (actor) => await registry.members.remove(tenant, actor, await newcomer()), admins],
  'members.remove an owner': [
    async (actor) => await registry.members.remove(tenant, actor, await newcomer('owner')),
    owners,
  ],
  // Who asked to be an owner is none yet.
  'members.remove who asked to be owner': [
    async (actor) => await registry.members.remove(tenant, actor, await newcomer('owner', true)),
    admins,
  ],
  'members.revokeTokens': [
    async (actor) => await registry.members.revokeTokens(tenant, actor, await newcomer()),
    admins,
  ],
  'members.revokeTokens of an owner': [
    async (actor) => await registry.members.revokeTokens(tenant, actor, await newcomer('owner')),
    owners,
  ],
  'keys.list': [async (actor) => await registry.keys.list(tenant, actor), everyone],
  'keys.show': [async (actor) => await registry.keys.show(tenant, actor, await key()), keepers],
  'keys.create': [
    async (actor) => await registry.keys.create(tenant, actor, { name: 'k', scopes: ['projects:read'] }),
    { ...everyone, key: F },
  ],
  'keys.create above oneself': [
    async (actor) => await registry.keys.create(tenant, actor, { name: 'k', scopes: ['audit:read'] }),
    { ...admins, key: F },
  ],
  'keys.update': [
    async (actor) => await registry.keys.update(tenant, actor, await key(), { name: 'new' }),
    { ...keepers, key: F },
  ],
  'keys.rotate': [
    async (actor) => await registry.keys.rotate(tenant, actor, await key(), { overlap: 0 }),
    { ...keepers, key: F },
  ],
  'keys.revoke': [async (actor) => await registry.keys.revoke(tenant, actor, await key()), keepers],
  'keys.adopt': [async (actor) => await registry.keys.adopt(tenant, actor, await key()), owners],
  'keys.validate': [async (actor) => await registry.keys.validate(tenant, actor, 'gh_key_'), everyone],
  'keys.usage': [async (actor) => await registry.keys.usage(tenant, actor, await key()), keepers],
  'usage.report': [async (actor) => await registry.usage.report(tenant, actor), everyone],
  'revocations.revokeToken': [
    async (actor) => await registry.revocations.revokeToken(actor, { digest: tokenDigest('mine'), until: null }),
    { ...everyone, foreign: D },
  ],
  'revocations.blockPerson': [
    async (actor) => await registry.revocations.blockPerson(actor, { iss: 'i', sub: 's' }),
    nobody,
  ],
  'revocations.unblockPerson': [
    async (actor) => await registry.revocations.unblockPerson(actor, { iss: 'i', sub: 's' }),
    nobody,
  ],
  'revocations.list': [async (actor) => await registry.revocations.list(actor), nobody],
}

test.each(Object.keys(acts))('D12: %s', async (name) => {
  const [act, wanted] = acts[name] ?? []
  if (act === undefined) throw new Error('no such act')
  const answers: Record<string, string> = {}
  for (const [who, actor] of Object.entries(actors)) answers[who] = await registryError(act(actor))
  expect(answers).toEqual(wanted)
})

describe('one’s own', () => {
  const self = (actor: Actor | undefined): { actor: Actor; id: string } => {
    if (actor?.kind !== 'person') throw new Error('no person')
    return { actor, id: `oidc:${actor.principal.identity.sub}` }
  }

  test('D12: a member sees, cuts and leaves by themself; the key they made is not them', async () => {
    await enlist(replica, tenant, person(null, { sub: 'me' }), 'member')
    const me = actorOf(await replica.principal(person(null, { sub: 'me' })))
    expect((await registry.members.show(tenant, me, 'oidc:me')).user_id).toBe('oidc:me')
    const { record } = await registry.keys.create(tenant, me, { name: 'mine', scopes: ['*'] })
    expect(record).toMatchObject({ creator: 'oidc:me', role: 'member' })
    const service = await replica.principal(keyIdentity(record.id, 'acme'))
    const asKey = actorOf({ ...service, identity: { ...service.identity, iss: 'https://issuer.test', sub: 'me' } })
    const acts = [
      async () => await registry.members.show(tenant, asKey, 'oidc:me'),
      async () => await registry.members.remove(tenant, asKey, 'oidc:me'),
      async () => await registry.members.revokeTokens(tenant, asKey, 'oidc:me'),
      async () => await registry.members.makeHome(tenant, asKey),
    ]
    for (const act of acts) expect(await registryError(act())).toBe('forbidden')
    expect(await registryError(registry.keys.show(tenant, asKey, record.id))).toBe('unknown')
    expect((await registry.keys.show(tenant, me, record.id)).name).toBe('mine')
    // One with the same subject of another issuer is another person.
    const twin = actorOf({ ...service, identity: { ...person(null, { sub: 'me', iss: 'https://other.test' }) } })
    expect(await registryError(registry.members.show(tenant, twin, 'oidc:me'))).toBe('forbidden')
    expect(await registryError(registry.keys.show(tenant, twin, record.id))).toBe('unknown')
    expect((await registry.keys.list(tenant, twin)).items).toEqual([])
    expect(await registryError(registry.keys.create(tenant, twin, { name: 'k', scopes: ['projects:read'] }))).toBe(
      'forbidden',
    )
    await registry.members.revokeTokens(tenant, me, 'oidc:me')
    await registry.members.remove(tenant, me, 'oidc:me')
    expect((await registry.members.show(tenant, operator, 'oidc:me')).status).toBe('removed')
    expect(await registryError(registry.members.makeHome(tenant, me))).toBe('forbidden')
    expect(await registryError(registry.keys.create(tenant, me, { name: 'k', scopes: ['projects:read'] }))).toBe(
      'forbidden',
    )
  })

  test('an owner cuts their own tokens and leaves while there is another owner', async () => {
    const { actor, id } = self(actors['owner'])
    await newcomer('owner')
    expect(await registryError(registry.members.revokeTokens(tenant, actor, id))).toBe('done')
    expect(await registryError(registry.members.remove(tenant, actor, id))).toBe('done')
  })

  test('D9: nobody makes another tenant than their own their home', async () => {
    const { actor } = self(actors['foreign'])
    expect(await registryError(registry.members.makeHome(tenant, actor))).toBe('unknown')
    expect(await registryError(registry.members.makeHome(tenant, operator))).toBe('forbidden')
  })
})

describe('what cannot be is told so', () => {
  test('roles, states and references', async () => {
    const id = await newcomer()
    expect(await registryError(registry.members.approve(tenant, operator, id, 'viewer'))).toBe('conflict')
    expect(await registryError(registry.members.approve(tenant, operator, id, 'service' as 'viewer'))).toBe('invalid')
    expect(await registryError(registry.members.setRole(tenant, operator, id, 'root' as 'viewer'))).toBe('invalid')
    const asked = await newcomer('viewer', true)
    expect(await registryError(registry.members.setRole(tenant, operator, asked, 'admin'))).toBe('conflict')
    expect(await registryError(registry.tenants.show(operator, 'nowhere'))).toBe('unknown')
    expect(await registryError(registry.tenants.create(operator, { slug: 'named', name: ' ' }))).toBe('invalid')
    expect(await registryError(registry.tenants.rename(tenant, operator, 'x'.repeat(201)))).toBe('invalid')
    for (const [iss, sub, provider] of [
      ['', 's', 'p'],
      ['i', '', 'p'],
      ['i', 's', ''],
      ['i'.repeat(2049), 's', 'p'],
      ['i', 's'.repeat(256), 'p'],
      ['i', 's', 'p'.repeat(65)],
    ] as const)
      expect(await registryError(registry.members.add(tenant, operator, { iss, sub, provider, role: 'viewer' }))).toBe(
        'invalid',
      )
  })

  test('keys that are over can neither be changed, rotated nor adopted', async () => {
    const over = async (): Promise<string[]> => [
      await registryError(registry.keys.update(tenant, operator, id, { name: 'x' })),
      await registryError(registry.keys.rotate(tenant, operator, id, { overlap: 0 })),
      await registryError(registry.keys.adopt(tenant, operator, id)),
    ]
    const { record } = await registry.keys.create(tenant, operator, {
      name: 'k',
      scopes: ['projects:read'],
      expires_at: replica.clock.now() + 60_000,
    })
    const { id } = record
    expect(await registryError(registry.keys.rotate(tenant, operator, id, { overlap: -1 }))).toBe('invalid')
    expect(await registryError(registry.keys.rotate(tenant, operator, id, { overlap: Number.NaN }))).toBe('invalid')
    const rotated = await registry.keys.rotate(tenant, operator, id, { overlap: 120_000 })
    // The overlap does not outlive what the key had left.
    expect((await registry.keys.show(tenant, operator, id)).expires_at).toBe(record.expires_at)
    expect(rotated.record.expires_at).toBe(record.expires_at)
    replica.clock.advance(60_001)
    expect((await registry.keys.show(tenant, operator, id)).status).toBe('expired')
    expect(await over()).toEqual(['conflict', 'conflict', 'conflict'])
    await registry.keys.revoke(tenant, operator, id)
    expect((await registry.keys.show(tenant, operator, id)).status).toBe('revoked')
    expect(await over()).toEqual(['conflict', 'conflict', 'conflict'])
    for (const act of [
      async () => await registry.keys.show(tenant, operator, 'unknown'),
      async () => await registry.keys.revoke(tenant, operator, 'unknown'),
    ])
      expect(await registryError(act())).toBe('unknown')
  })

  test('rotation with no overlap ends the old key at once, with one it ends then', async () => {
    const [first, second] = [await key(), await key()]
    const now = replica.clock.now()
    await registry.keys.rotate(tenant, operator, first, { overlap: 0 })
    expect(await registry.keys.show(tenant, operator, first)).toMatchObject({
      status: 'revoked',
      revoked_at: expect.stringMatching(/Z$/),
    })
    await registry.keys.rotate(tenant, operator, second, { overlap: 60_000 })
    const { expires_at, revoked_at } = await registry.keys.show(tenant, operator, second)
    expect(revoked_at).toBeNull()
    expect(Date.parse(expires_at ?? '') - now).toBeGreaterThanOrEqual(60_000)
    expect(Date.parse(expires_at ?? '') - now).toBeLessThan(70_000)
  })

  test('D23: who may not have a key’s scopes any more cannot rotate it', async () => {
    await enlist(replica, tenant, person(null, { sub: 'falling' }), 'admin')
    const before = actorOf(await replica.principal(person(null, { sub: 'falling' })))
    const { record } = await registry.keys.create(tenant, before, { name: 'k', scopes: ['projects:write'] })
    const { id } = await registry.members.setRole(tenant, operator, 'oidc:falling', 'viewer')
    expect(id).not.toBe('')
    const after = actorOf(
      await (await startReplica(fresh, { clock: replica.clock })).principal(person(null, { sub: 'falling' })),
    )
    expect(await registryError(registry.keys.rotate(tenant, after, record.id, { overlap: 0 }))).toBe('forbidden')
  })

  test('lists of keys come in pages too', async () => {
    const ids: string[] = []
    for (let after: string | undefined, more = true; more;) {
      const page = await registry.keys.list(tenant, operator, { limit: 2, ...(after === undefined ? {} : { after }) })
      ids.push(...page.items.map(({ id }) => id))
      more = page.next !== null
      after = page.next ?? undefined
    }
    expect(ids).toEqual((await registry.keys.list(tenant, operator)).items.map(({ id }) => id))
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('revocations name a token by its digest, and a person by what can be one', async () => {
    const { revocations } = registry
    for (const digest of ['', 'f'.repeat(63), 'f'.repeat(65), 'F'.repeat(64), `${'f'.repeat(64)}\n`, 'g'.repeat(64)])
      expect(await registryError(revocations.revokeToken(operator, { digest, until: null }))).toBe('invalid')
    for (const who of [
      { iss: '', sub: 's' },
      { iss: 'i', sub: '' },
      { iss: 'i'.repeat(2049), sub: 's' },
      { iss: 'i', sub: 's'.repeat(256) },
      { iss: 'i', sub: 's', reason: 'x'.repeat(501) },
    ])
      expect(await registryError(revocations.blockPerson(operator, who))).toBe('invalid')
    expect(await registryError(revocations.unblockPerson(operator, { iss: 'i', sub: 'never' }))).toBe('unknown')
  })
})
