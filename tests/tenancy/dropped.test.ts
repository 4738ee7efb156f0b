/** D21: which entries a change drops, and what the directory and the key lookup make of a database that does not answer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DatabaseUnavailable, type Change, type Database } from '#db/database.ts'
import type { Identity } from '#identity/identity.ts'
import { tokenDigest } from '#identity/token-digest.ts'
import { personDigest } from '#tenancy/digest.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { actorOf, company, keyIdentity, operator, person, refusal, type Replica, startReplica } from './support.ts'

let fresh: FreshDatabase
let maker: Replica
let tenant: Tenant
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  maker = await startReplica(fresh)
  tenant = await company(maker, 'acme')
})
afterAll(async () => await fresh.drop())

/** The real database, whose reads of the registry are counted and whose changes a test makes up. */
async function counted() {
  const nothing: (change: Change) => void = () => {}
  const state: { reads: number; change: typeof nothing; error: Error | null } = {
    reads: 0,
    change: nothing,
    error: null,
  }
  const database: Database = {
    ...fresh.database,
    async control(actor, run) {
      state.reads += 1
      if (state.error !== null) throw state.error
      return await fresh.database.control(actor, run)
    },
    async listen(onChange) {
      const { change } = state
      state.change = (said) => {
        change(said)
        onChange(said)
      }
      return { live: true }
    },
    announce: async () => {},
  }
  return { state, replica: await startReplica(fresh, { database, staticKeyRole: 'member' }) }
}

const other = 'ffffffff-0000-7000-8000-000000000000'

describe('a change drops what it could make wrong and nothing else', () => {
  test.each<[string, (ids: Ids) => Change, readonly string[]]>([
    ['the member', ({ member }) => ({ table: 'members', tenant: 't', id: member }), ['ann', 'key']],
    ['another member', () => ({ table: 'members', tenant: tenant.id, id: other }), []],
    ['all members of the tenant', () => ({ table: 'members', tenant: tenant.id, id: null }), ['ann', 'key', 'static']],
    ['all members of another', () => ({ table: 'members', tenant: other, id: null }), []],
    ['all members', () => ({ table: 'members', tenant: null, id: null }), ['ann', 'key', 'static']],
    ['the key', ({ key }) => ({ table: 'api_keys', tenant: 't', id: key }), ['key']],
    ['another key', () => ({ table: 'api_keys', tenant: tenant.id, id: 'another' }), []],
    ['all keys of the tenant', () => ({ table: 'api_keys', tenant: tenant.id, id: null }), ['ann', 'key', 'static']],
    ['all keys of another', () => ({ table: 'api_keys', tenant: other, id: null }), []],
    ['all keys', () => ({ table: 'api_keys', tenant: null, id: null }), ['ann', 'key', 'static']],
    ...(['tenants', 'domains', 'organizations', 'invitations'] as const).flatMap(
      (table): [string, () => Change, string[]][] => [
        [`one of the tenant's ${table}`, () => ({ table, tenant: tenant.id, id: other }), ['ann', 'key', 'static']],
        [`one of another's ${table}`, () => ({ table, tenant: other, id: other }), []],
        [`nobody's ${table}`, () => ({ table, tenant: null, id: null }), ['ann', 'key', 'static']],
      ],
    ),
    // A key is refused with its creator, whose digest the entry does not know.
    ['a token', ({ token }) => ({ table: 'revocations', tenant: null, id: token }), ['ann', 'key', 'static']],
    ['a person', ({ ann }) => ({ table: 'revocations', tenant: null, id: ann }), ['ann', 'key', 'static']],
    ['a stranger', () => ({ table: 'revocations', tenant: null, id: tokenDigest('x') }), ['key', 'static']],
    ['all revocations', () => ({ table: 'revocations', tenant: null, id: null }), ['ann', 'key', 'static']],
    ['what nobody knows yet', () => ({ table: 'news', tenant: other, id: other }) as never, ['ann', 'key', 'static']],
  ])('%s', async (_what, change, dropped) => {
    const { state, replica } = await counted()
    const ann = person('ann@acme.com')
    const asked = { tokenDigest: tokenDigest('hers') }
    const principal = await replica.principal(ann, asked)
    const { record } = await maker.registry.keys.create(tenant, actorOf(principal), { name: 'k', scopes: ['*'] })
    const who: Record<string, Identity> = {
      ann,
      key: keyIdentity(record.id, 'acme'),
      static: { ...keyIdentity('static', 'acme'), provider: 'static-key' },
      denied: person('nobody@unmapped.com'),
    }
    const read = async (): Promise<string[]> => {
      const names: string[] = []
      for (const [name, identity] of Object.entries(who)) {
        const before = state.reads
        await refusal(replica.principal(identity, name === 'ann' ? asked : {}))
        // The stamp of a key's last use is written apart.
        if (state.reads > before) names.push(name)
      }
      await replica.directory.settle()
      return names
    }
    await read()
    expect(await read()).toEqual([])
    const member = (await maker.registry.members.show(tenant, operator, 'ann@acme.com')).id
    const ids = { member, key: record.id, token: asked.tokenDigest, ann: personDigest(ann.iss, ann.sub) }
    state.change(change(ids))
    // Whoever was refused waits for a change, whatever it is.
    expect(await read()).toEqual([...dropped, 'denied'])
  })
})

interface Ids {
  readonly member: string
  readonly key: string
  readonly token: string
  readonly ann: string
}

describe('the lookup of keys', () => {
  test('answers what the key’s provider needs of it, and reads it again only after a change of it', async () => {
    const { state, replica } = await counted()
    const expires_at = Date.now() + 60_000
    const { record } = await maker.registry.keys.create(tenant, operator, {
      name: 'ci',
      scopes: ['projects:read'],
      cidrs: ['10.0.0.0/8'],
      expires_at,
    })
    const found = await replica.lookup(record.id)
    expect(found).toEqual({
      id: record.id,
      tenant: 'acme',
      name: 'ci',
      digest: expect.any(Buffer),
      scopes: ['projects:read'],
      cidrs: ['10.0.0.0/8'],
      expires_at,
      revoked_at: null,
    })
    expect(await replica.lookup('unknown')).toBeNull()
    const reads = async (): Promise<number[]> => {
      const counts: number[] = []
      for (const id of [record.id, 'unknown']) {
        const before = state.reads
        await replica.lookup(id)
        counts.push(state.reads - before)
      }
      return counts
    }
    expect(await reads()).toEqual([0, 0])
    state.change({ table: 'members', tenant: tenant.id, id: null })
    state.change({ table: 'api_keys', tenant: tenant.id, id: 'another' })
    expect(await reads()).toEqual([0, 0])
    state.change({ table: 'api_keys', tenant: tenant.id, id: record.id })
    expect(await reads()).toEqual([1, 0])
    state.change({ table: 'api_keys', tenant: null, id: null })
    expect(await reads()).toEqual([1, 1])
    await maker.registry.keys.revoke(tenant, operator, record.id)
    state.change({ table: 'api_keys', tenant: tenant.id, id: record.id })
    expect((await replica.lookup(record.id))?.revoked_at).toBeTypeOf('number')
  })

  test('made-up ids in any number read no more than two at once', async () => {
    let at = 0
    let most = 0
    const { replica } = await (async () => {
      const database: Database = {
        ...fresh.database,
        async control(actor, run) {
          most = Math.max(most, (at += 1))
          return await fresh.database.control(actor, run).finally(() => (at -= 1))
        },
      }
      return { replica: await startReplica(fresh, { database }) }
    })()
    await Promise.all(Array.from({ length: 20 }, async (_, index) => await replica.lookup(`made up ${index}`)))
    expect(most).toBe(2)
  })
})

describe('without the registry', () => {
  test('nobody can be judged: 503, for people and keys; any other error is a bug and passes', async () => {
    const { state, replica } = await counted()
    const ask = [
      async () => await replica.principal(person('new@acme.com')),
      async () => await replica.lookup('a key'),
      async () => await replica.directory.fenced(tenant),
    ]
    state.error = new DatabaseUnavailable('away')
    for (const act of ask)
      await expect(act()).rejects.toMatchObject({ code: 'database_unavailable', cause: state.error })
    state.error = new RangeError('a bug')
    for (const act of ask) await expect(act()).rejects.toBe(state.error)
  })

  test('D18: a fence makes the tenant’s entries be read again', async () => {
    const { state, replica } = await counted()
    await replica.principal(person('ann@acme.com'))
    const before = state.reads
    expect((await replica.directory.fenced(tenant)).code).toBe('tenant_moving')
    expect(state.reads).toBe(before + 1)
    await replica.principal(person('ann@acme.com'))
    expect(state.reads).toBe(before + 2)
  })

  test('a stamp of a key’s last use that cannot be written refuses nobody', async () => {
    const { state, replica } = await counted()
    const { record } = await maker.registry.keys.create(tenant, operator, { name: 'ci', scopes: ['projects:read'] })
    const identity = keyIdentity(record.id, 'acme')
    await replica.principal(identity)
    // Held for 30 seconds, stamped every 60: the entry is younger than the stamp.
    replica.clock.advance(45_000)
    await replica.principal(identity)
    replica.clock.advance(16_000)
    await replica.directory.settle()
    state.error = new DatabaseUnavailable('away')
    const before = state.reads
    expect(await refusal(replica.principal(identity))).toBe('served')
    await replica.directory.settle()
    expect(state.reads).toBe(before + 1)
  })
})

test('a schema one version behind is served during a roll-out, two behind is not', async () => {
  await maker.principal(person('ann@acme.com'))
  const { admin } = fresh.database
  const needs = async (version: number): Promise<Replica> => {
    const database: Database = {
      ...fresh.database,
      admin: { ...admin, required: { ...admin.required, tenant: tenant.schemaVersion + version } },
    }
    return await startReplica(fresh, { database })
  }
  expect(await refusal((await needs(0)).principal(person('ann@acme.com')))).toBe('served')
  expect(await refusal((await needs(1)).principal(person('ann@acme.com')))).toBe('served')
  await expect((await needs(2)).principal(person('ann@acme.com'))).rejects.toMatchObject({
    code: 'tenant_behind',
    status: 503,
  })
})
