/** What a member does with their own keys: terms, judging one that they hold, and what was called with it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { crc32 } from 'node:zlib'
import { createLog } from '#base/log.ts'
import type { Identity } from '#identity/identity.ts'
import type { Actor } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { createUsageMeter } from '#tenancy/usage-meter.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import {
  actorOf,
  company,
  enlist,
  eventually,
  keyIdentity,
  operator,
  person,
  registryError,
  startReplica,
  type Replica,
} from './support.ts'

const DAY = 86_400_000
let fresh: FreshDatabase
let replica: Replica
let acme: Tenant
let globex: Tenant
const identities: Record<string, Identity> = {}
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  replica = await startReplica(fresh)
  acme = await company(replica, 'acme')
  globex = await company(replica, 'globex')
  for (const [sub, role, tenant] of [
    ['ann', 'admin', acme],
    ['mel', 'member', acme],
    ['max', 'member', acme],
    ['vic', 'viewer', acme],
    ['own', 'owner', acme],
    ['gus', 'owner', globex],
  ] as const) {
    identities[sub] = person(null, { sub })
    await enlist(replica, tenant, person(null, { sub }), role)
  }
})
afterAll(async () => await fresh.drop())

const as = async (sub: string): Promise<Actor> => actorOf(await replica.principal(identities[sub] ?? person(null)))
const input = { name: 'ci', scopes: ['projects:read'] } as const

describe('a key that somebody else rotates', () => {
  test('D23: is theirs who hold the new secret: cut by their role, ended by their removal', async () => {
    const gone = person(null, { sub: 'gone' })
    const { id: membership } = await enlist(replica, acme, gone, 'admin')
    const gil = actorOf(await replica.principal(gone))
    const theirs = await replica.registry.keys.create(acme, await as('mel'), input)
    const operators = await replica.registry.keys.create(acme, operator, { ...input, role: 'admin' })
    for (const { record } of [theirs, operators]) {
      const rotated = await replica.registry.keys.rotate(acme, gil, record.id, { overlap: 0 })
      expect(rotated.record).toMatchObject({ creator: expect.stringContaining('gone'), role: record.role })
      expect(rotated.record.expires_at).not.toBeNull()
      const asked = async (): Promise<string> => (await validated(operator, rotated.key)).verdict
      expect(await asked()).toBe('active')
      if (record === operators.record) {
        await replica.registry.members.remove(acme, operator, membership)
        expect(await asked()).toBe('stopped')
      }
    }
    const again = await replica.registry.keys.create(acme, operator, input)
    const same = await replica.registry.keys.rotate(acme, operator, again.record.id, { overlap: 0 })
    expect(same.record).toMatchObject({ creator: null, expires_at: null })
  })

  const validated = async (actor: Actor, key: string) => await replica.registry.keys.validate(acme, actor, key)
})

describe('how many keys there can be', () => {
  test('a member has 100 that work and makes 200 a day, so that nobody fills the registry of all', async () => {
    const eager = person(null, { sub: 'eager' })
    const { id: member } = await enlist(replica, acme, eager, 'viewer')
    const eve = actorOf(await replica.principal(eager))
    const { record } = await replica.registry.keys.create(acme, eve, input)
    const fill = async (from: number, count: number, revoked: boolean): Promise<void> =>
      void (await fresh.sql(
        `INSERT INTO gatehouse.api_keys (id, tenant_id, name, digest, scopes, creator_member_id, role, created_at, revoked_at)
          SELECT 'eager' || lpad((n + $4)::text, 7, '0'), $1, 'n', decode(repeat('00', 32), 'hex'), '{}', $2, 'viewer', $3::timestamptz,
            CASE WHEN $5 THEN $3::timestamptz END FROM generate_series(1, $6::integer) AS n`,
        [acme.id, member, new Date(replica.clock.now()).toISOString(), from, revoked, count],
      ))
    await fill(0, 99, false)
    expect(await registryError(replica.registry.keys.create(acme, eve, input))).toBe('conflict')
    // One that takes the place of another is no more than before.
    await replica.registry.keys.rotate(acme, eve, record.id, { overlap: 3_600_000 })
    await fresh.sql('UPDATE gatehouse.api_keys SET revoked_at = created_at WHERE creator_member_id = $1', [member])
    await replica.registry.keys.create(acme, eve, input)
    await fill(100, 98, true)
    expect(await registryError(replica.registry.keys.create(acme, eve, input))).toBe('limited')
    expect(await registryError(replica.registry.keys.create(acme, await as('vic'), input))).toBe('done')
  })
})

describe('a member’s own key', () => {
  test('ends after 90 days unless told otherwise, and never lives for ever', async () => {
    const mel = await as('mel')
    const days = (at: string | null): number => Math.round((Date.parse(at ?? '') - replica.clock.now()) / DAY)
    expect(days((await replica.registry.keys.create(acme, mel, input)).record.expires_at)).toBe(90)
    const expires_at = replica.clock.now() + 365 * DAY
    expect(days((await replica.registry.keys.create(acme, mel, { ...input, expires_at })).record.expires_at)).toBe(365)
    for (const wrong of [null, replica.clock.now() + 366 * DAY, replica.clock.now() + 1_000])
      expect(await registryError(replica.registry.keys.create(acme, mel, { ...input, expires_at: wrong }))).toBe(
        'invalid',
      )
    const { record } = await replica.registry.keys.create(acme, operator, input)
    expect(record.expires_at).toBeNull()
  })

  test('D23: has at most its maker’s scopes, when it is made, changed and rotated', async () => {
    const vic = await as('vic')
    const create = async (scopes: readonly string[]): Promise<string> =>
      await registryError(replica.registry.keys.create(acme, vic, { ...input, scopes }))
    expect([await create(['projects:write']), await create(['*']), await create(['tenant:admin'])]).toEqual(
      Array(3).fill('forbidden'),
    )
    const { record } = await replica.registry.keys.create(acme, vic, input)
    expect(
      await registryError(replica.registry.keys.update(acme, vic, record.id, { scopes: ['projects:write'] })),
    ).toBe('forbidden')
    expect(await replica.registry.keys.update(acme, vic, record.id, { scopes: ['documents:read'] })).toMatchObject({
      scopes: ['documents:read'],
      creator: 'oidc:vic',
      creator_active: true,
    })
  })

  test('may ask so much per hour, which a running server hears of', async () => {
    const mel = await as('mel')
    const { record } = await replica.registry.keys.create(acme, mel, { ...input, requests_per_hour: 10 })
    expect(record.requests_per_hour).toBe(10)
    const limit = async (): Promise<number | undefined> =>
      (await replica.principal(keyIdentity(record.id, 'acme'))).requests_per_hour
    expect(await limit()).toBe(10)
    await replica.registry.keys.update(acme, mel, record.id, { requests_per_hour: 20 })
    await eventually(limit).toBe(20)
    await replica.registry.keys.update(acme, mel, record.id, { requests_per_hour: null })
    await eventually(limit).toBeUndefined()
    for (const wrong of [0, 0.5, 1_000_001, Number.NaN])
      expect(
        await registryError(replica.registry.keys.update(acme, mel, record.id, { requests_per_hour: wrong })),
      ).toBe('invalid')
  })

  test('keeps its terms when it is rotated, or gets another expiry', async () => {
    const mel = await as('mel')
    const terms = { ...input, cidrs: ['10.0.0.0/8'], requests_per_hour: 5 }
    const { record } = await replica.registry.keys.create(acme, mel, terms)
    const same = await replica.registry.keys.rotate(acme, mel, record.id, { overlap: 3_600_000 })
    const { name, scopes, cidrs, requests_per_hour, expires_at } = record
    expect(same.record).toMatchObject({ name, scopes, cidrs, requests_per_hour, expires_at })
    const later = replica.clock.now() + 200 * DAY
    const prolonged = await replica.registry.keys.rotate(acme, mel, same.record.id, { overlap: 0, expires_at: later })
    expect(prolonged.record.expires_at).toBe(new Date(later).toISOString())
    expect(
      await registryError(
        replica.registry.keys.rotate(acme, mel, prolonged.record.id, { overlap: 0, expires_at: null }),
      ),
    ).toBe('invalid')
    // Made before keys had to end.
    await fresh.sql(`UPDATE gatehouse.api_keys SET expires_at = NULL WHERE id = $1`, [prolonged.record.id])
    const ending = await replica.registry.keys.rotate(acme, mel, prolonged.record.id, { overlap: 0 })
    expect(Date.parse(ending.record.expires_at ?? '')).toBeGreaterThan(replica.clock.now() + 89 * DAY)
  })

  test('D23: one that an admin rotated is the admin’s: it stops when they are removed, and reaches no further than it did', async () => {
    for (const [sub, role] of [
      ['ada', 'admin'],
      ['bea', 'admin'],
    ] as const) {
      identities[sub] = person(null, { sub })
      await enlist(replica, acme, person(null, { sub }), role)
    }
    const { keys, members } = replica.registry
    const terms = { ...input, scopes: ['projects:write', 'audit:read'], role: 'admin' as const }
    // An operator's lives for ever, and no member's fate ends it.
    const theirs = await keys.create(acme, operator, terms)
    // Bea's own was an admin's, until she was made a viewer.
    const beas = await keys.create(acme, await as('bea'), terms)
    await members.setRole(acme, operator, 'oidc:bea', 'viewer')
    const rotated = []
    for (const { record } of [theirs, beas])
      rotated.push(await keys.rotate(acme, await as('ada'), record.id, { overlap: 0 }))
    const use = async ({ key }: { readonly key: string }) => await keys.validate(acme, operator, key)
    expect(rotated.map(({ record }) => record.creator)).toEqual(['oidc:ada', 'oidc:ada'])
    expect(rotated.map(({ record }) => record.expires_at === null)).toEqual([false, false])
    expect(await Promise.all(rotated.map(async (one) => (await use(one)).scopes))).toEqual([
      ['audit:read', 'projects:read', 'projects:write'],
      ['projects:read'],
    ])
    await members.remove(acme, operator, 'oidc:ada')
    for (const one of rotated) expect(await use(one)).toMatchObject({ verdict: 'stopped', scopes: [] })
  })

  test('D23: one whose maker is gone is not brought back by rotating it', async () => {
    await enlist(replica, acme, person(null, { sub: 'gone' }), 'member')
    identities['gone'] = person(null, { sub: 'gone' })
    const { record } = await replica.registry.keys.create(acme, await as('gone'), input)
    await replica.registry.members.remove(acme, operator, 'oidc:gone')
    expect(await registryError(replica.registry.keys.rotate(acme, await as('ann'), record.id, { overlap: 0 }))).toBe(
      'conflict',
    )
  })

  test('D23: shows that its maker is gone, until an owner adopts it', async () => {
    await enlist(replica, acme, person(null, { sub: 'leaver' }), 'member')
    identities['leaver'] = person(null, { sub: 'leaver' })
    const { record } = await replica.registry.keys.create(acme, await as('leaver'), input)
    await replica.registry.members.remove(acme, operator, 'oidc:leaver')
    const owner = await as('own')
    expect(await replica.registry.keys.show(acme, owner, record.id)).toMatchObject({
      status: 'active',
      creator_active: false,
    })
    expect(await replica.registry.keys.adopt(acme, owner, record.id)).toMatchObject({
      creator: 'oidc:own',
      creator_active: true,
      expires_at: record.expires_at,
    })
  })
})

describe('a key that somebody holds', () => {
  const verdict = async (who: Actor, key: string, tenant = acme): Promise<string> =>
    (await replica.registry.keys.validate(tenant, who, key)).verdict

  test('is judged for its maker and for admins, and unknown to all others', async () => {
    const mel = await as('mel')
    const { key, record } = await replica.registry.keys.create(acme, mel, { ...input, scopes: ['*'] })
    const judged = await replica.registry.keys.validate(acme, mel, ` ${key}\n`)
    expect(judged).toEqual({ verdict: 'active', record, scopes: [...judged.scopes] })
    expect(judged.scopes).toEqual(['documents:read', 'documents:write', 'projects:read', 'projects:write'])
    expect(JSON.stringify(judged)).not.toContain(key.split('_')[3])
    expect([await verdict(await as('ann'), key), await verdict(operator, key)]).toEqual(['active', 'active'])
    expect([await verdict(await as('max'), key), await verdict(await as('gus'), key, globex)]).toEqual([
      'unknown',
      'unknown',
    ])
    expect(await registryError(replica.registry.keys.validate(acme, await as('gus'), key))).toBe('unknown')
  })

  test('is malformed, unknown, expired, revoked or stopped, and then holds no scopes', async () => {
    const mel = await as('mel')
    const made = await replica.registry.keys.create(acme, mel, input)
    const other = await replica.registry.keys.create(acme, mel, input)
    const body = `gh_key_${made.record.id}_${other.key.split('_')[3]}`
    const forged = `${body}_${crc32(body).toString(16).padStart(8, '0')}`
    for (const [key, wanted] of [
      ['', 'malformed'],
      ['a password', 'malformed'],
      [made.key.slice(0, -1), 'malformed'],
      [made.key.replace('gh_key_', 'gh_kex_'), 'malformed'],
      [forged, 'unknown'],
    ] as const)
      expect(await replica.registry.keys.validate(acme, mel, key)).toEqual({
        verdict: wanted,
        record: null,
        scopes: [],
      })
    await replica.registry.keys.revoke(acme, mel, made.record.id)
    expect(await replica.registry.keys.validate(acme, mel, made.key)).toMatchObject({ verdict: 'revoked', scopes: [] })
    await fresh.sql(`UPDATE gatehouse.api_keys SET expires_at = now() - interval '1 hour' WHERE id = $1`, [
      other.record.id,
    ])
    expect(await verdict(mel, other.key)).toBe('expired')
    await enlist(replica, acme, person(null, { sub: 'goer' }), 'member')
    identities['goer'] = person(null, { sub: 'goer' })
    const { key } = await replica.registry.keys.create(acme, await as('goer'), input)
    await replica.registry.members.remove(acme, operator, 'oidc:goer')
    expect(await replica.registry.keys.validate(acme, await as('ann'), key)).toMatchObject({
      verdict: 'stopped',
      scopes: [],
      record: { creator_active: false },
    })
  })
})

test('what was called with a key is told to who may see the key', async () => {
  const mel = await as('mel')
  const { record } = await replica.registry.keys.create(acme, mel, input)
  const meter = createUsageMeter({ database: fresh.database, clock: replica.clock, log: createLog('silent') })
  const principal = await replica.principal(keyIdentity(record.id, 'acme'))
  const startedAt = replica.clock.now()
  for (const failed of [true, false]) meter.call({ principal, tool: 'list_projects', failed, startedAt })
  meter.call({ principal: await replica.principal(person(null, { sub: 'mel' })), tool: 't', failed: false, startedAt })
  await meter.flush()
  const { keys } = replica.registry
  for (const who of [mel, await as('ann'), operator])
    expect(await keys.usage(acme, who, record.id)).toMatchObject({
      whose: 'key',
      totals: { calls: 2, failures: 1 },
      tools: [{ tool: 'list_projects', calls: 2 }],
      callers: [{ key: record.id }],
    })
  expect(await registryError(keys.usage(acme, await as('max'), record.id))).toBe('unknown')
  expect(await registryError(keys.usage(globex, await as('gus'), record.id))).toBe('unknown')
})
