import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sql } from '#db/sql.ts'
import type { Registry } from '#tenancy/registry.ts'
import type { PersonRole } from '#tenancy/roles.ts'
import type { Principal, Tenant } from '#tenancy/tenant.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import {
  actorOf,
  enlist,
  eventually,
  keyIdentity,
  operator,
  person,
  refusal,
  registryError,
  type Replica,
  scopes,
  startReplica,
} from './support.ts'

describe.each(databaseKinds)('the registry (%s)', (kind) => {
  let fresh: FreshDatabase
  let replica: Replica
  let registry: Registry
  let tenant: Tenant
  let other: Tenant

  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    replica = await startReplica(fresh)
    ;({ registry } = replica)
    tenant = await registry.tenants.create(operator, { slug: 'acme', name: 'Acme' })
    other = await registry.tenants.create(operator, { slug: 'globex' })
  })
  afterAll(async () => await fresh.drop())

  let count = 0
  /** Someone with a role in a tenant, as they stand before it. */
  async function member(
    role: PersonRole,
    where: Tenant = tenant,
  ): Promise<{ readonly id: string; readonly principal: Principal }> {
    const identity = person(null, { sub: `person-${(count += 1)}` })
    const { id } = await enlist(replica, where, identity, role)
    return { id, principal: await replica.principal(identity) }
  }

  const actions = async (target: string): Promise<string[]> =>
    (
      await fresh.sql<{ action: string }>(`SELECT action FROM gatehouse.audit WHERE target = $1 ORDER BY at, id`, [
        target,
      ])
    ).map((row) => row.action)

  describe('tenants', () => {
    test('are created whole, listed and shown', async () => {
      const made = await registry.tenants.create(operator, { slug: 'fresh_one', name: '  Fresh  ' })
      expect(made).toMatchObject({
        slug: 'fresh_one',
        name: 'Fresh',
        status: 'active',
        placement: 'default',
        schemaVersion: fresh.database.admin.required.tenant,
      })
      expect(
        await fresh.database.tenant(
          made,
          { access: 'read' },
          async (db) => await db.query(sql`SELECT count(*)::integer AS n FROM projects`),
        ),
      ).toEqual([{ n: 0 }])
      expect((await registry.tenants.list(operator)).map(({ slug }) => slug)).toEqual(
        expect.arrayContaining(['acme', 'globex', 'fresh_one']),
      )
      expect(await actions('fresh_one')).toEqual(['tenant.created'])
    })

    test('D10: a slug is never reused, not even after a deletion', async () => {
      const gone = await registry.tenants.create(operator, { slug: 'gone' })
      await registry.domains.add(gone, operator, { domain: 'gone.com', asserted_by: ['oidc'] })
      await registry.tenants.delete(gone, operator)
      await registry.tenants.delete(gone, operator)
      expect(await registryError(registry.tenants.create(operator, { slug: 'gone' }))).toBe('exists')
      expect(await registryError(registry.tenants.create(operator, { slug: 'acme' }))).toBe('exists')
      expect(await registryError(registry.tenants.get(operator, 'gone'))).toBe('unknown')
      expect(await registryError(registry.tenants.resume(gone, operator))).toBe('conflict')
      expect((await registry.tenants.show(operator, 'gone')).status).toBe('deleted')
      // Its domain is free again, its data is gone.
      await registry.domains.add(tenant, operator, { domain: 'gone.com', asserted_by: ['oidc'] })
      expect(await fresh.sql(`SELECT 1 FROM pg_namespace WHERE nspname = $1`, [gone.schema])).toEqual([])
      expect(await actions('gone')).toEqual(['tenant.created', 'tenant.deleted'])
    })

    test.each(['', 'Acme', '1st', 'a-b', 'a'.repeat(42)])('%j is refused as a slug', async (slug) => {
      expect(await registryError(registry.tenants.create(operator, { slug }))).toBe('invalid')
    })

    test('D18: after a suspension the database itself refuses, and the registry says why', async () => {
      const fenced = await registry.tenants.create(operator, { slug: 'fenced' })
      const read = async (): Promise<unknown> =>
        await fresh.database.tenant(
          fenced,
          { access: 'read' },
          async (db) => await db.query(sql`SELECT id FROM projects`),
        )
      await read()
      await registry.tenants.suspend(fenced, operator)
      await registry.tenants.suspend(fenced, operator)
      await expect(read()).rejects.toMatchObject({ name: 'TenantFenced' })
      expect((await replica.directory.fenced(fenced)).code).toBe('tenant_suspended')
      await registry.tenants.resume(fenced, operator)
      expect(await read()).toEqual([])
      expect((await replica.directory.fenced(fenced)).code).toBe('tenant_moving')
      await registry.tenants.delete(fenced, operator)
      expect((await replica.directory.fenced(fenced)).code).toBe('tenant_unknown')
      expect(await actions('fenced')).toEqual([
        'tenant.created',
        'tenant.suspended',
        'tenant.resumed',
        'tenant.deleted',
      ])
    })

    test('are changed by operators only; an admin may rename their own', async () => {
      const actor = actorOf((await member('owner')).principal)
      expect(await registryError(registry.tenants.create(actor, { slug: 'mine' }))).toBe('forbidden')
      expect(await registryError(registry.tenants.list(actor))).toBe('forbidden')
      expect(await registryError(registry.tenants.suspend(tenant, actor))).toBe('forbidden')
      expect(await registryError(registry.tenants.delete(tenant, actor))).toBe('forbidden')
      expect(await registryError(registry.tenants.show(actor, 'globex'))).toBe('unknown')
      expect(await registryError(registry.tenants.rename(other, actor, 'Mine'))).toBe('unknown')
      await registry.tenants.rename(tenant, actor, 'Acme Inc.')
      expect((await registry.tenants.show(actor, 'acme')).name).toBe('Acme Inc.')
      expect(
        await registryError(registry.tenants.rename(tenant, actorOf((await member('member')).principal), 'X')),
      ).toBe('forbidden')
    })
  })

  describe('domains', () => {
    test('D6: name who may assert them, and belong to one tenant', async () => {
      const added = await registry.domains.add(tenant, operator, {
        domain: 'ACME.com',
        asserted_by: ['google', 'google', 'oidc'],
        include_subdomains: true,
        default_role: 'viewer',
      })
      expect(added).toMatchObject({
        slug: 'acme',
        domain: 'acme.com',
        state: 'verified',
        verified_by: 'operator',
        asserted_by: ['google', 'oidc'],
        join_mode: 'auto',
        default_role: 'viewer',
        allow_once: false,
      })
      expect(
        await registryError(registry.domains.add(other, operator, { domain: 'acme.com', asserted_by: ['oidc'] })),
      ).toBe('exists')
      expect(await registryError(registry.domains.add(other, operator, { domain: 'other.com', asserted_by: [] }))).toBe(
        'invalid',
      )
      await registry.domains.remove(tenant, operator, 'acme.com')
      expect(await registryError(registry.domains.remove(tenant, operator, 'acme.com'))).toBe('unknown')
      await registry.domains.add(other, operator, { domain: 'acme.com', asserted_by: ['oidc'] })
      expect(await actions('acme.com')).toEqual(['domain.added', 'domain.removed', 'domain.added'])
    })

    test.each([
      'gmail.com',
      'hey.com',
      'co.uk',
      'github.io',
      'acme',
      'acme.com.',
      'b\u00FCcher.de',
      '*.acme.com',
      '10.0.0.1',
    ])('%s is refused', async (domain) => {
      expect(await registryError(registry.domains.add(tenant, operator, { domain, asserted_by: ['oidc'] }))).toBe(
        'invalid',
      )
    })

    test('are verified by hand by operators only, and never seen by another tenant', async () => {
      await registry.domains.add(other, operator, { domain: 'globex.com', asserted_by: ['oidc'] })
      const owner = actorOf((await member('owner')).principal)
      expect(
        await registryError(registry.domains.add(tenant, owner, { domain: 'claimed.com', asserted_by: ['oidc'] })),
      ).toBe('forbidden')
      expect(await registryError(registry.domains.list(other, owner))).toBe('unknown')
      expect(await registryError(registry.domains.remove(tenant, owner, 'globex.com'))).toBe('unknown')
      expect((await registry.domains.list(tenant, owner)).map(({ domain }) => domain)).not.toContain('globex.com')
    })
  })

  describe('organisations', () => {
    test('D8: are mapped by operators, once', async () => {
      const input = { iss: 'https://issuer.test', kind: 'tid', value: 'f00' } as const
      const added = await registry.organizations.add(tenant, operator, input)
      expect(added).toMatchObject({ ...input, slug: 'acme', join_mode: 'auto', default_role: 'member' })
      expect(await registryError(registry.organizations.add(other, operator, input))).toBe('exists')
      const owner = actorOf((await member('owner')).principal)
      expect(await registryError(registry.organizations.add(tenant, owner, { ...input, value: 'bar' }))).toBe(
        'forbidden',
      )
      expect(await registryError(registry.organizations.remove(tenant, owner, 'f00'))).toBe('forbidden')
      expect(await registry.organizations.list(tenant, owner)).toEqual([added])
      await registry.organizations.add(tenant, operator, { ...input, iss: 'https://second.test' })
      expect(await registryError(registry.organizations.remove(tenant, operator, 'f00'))).toBe('conflict')
      await registry.organizations.remove(tenant, operator, added.id)
      await registry.organizations.remove(tenant, operator, 'f00')
      expect(await registryError(registry.organizations.remove(tenant, operator, 'f00'))).toBe('unknown')
    })
  })

  describe('members', () => {
    test('D9: are added by operators only', async () => {
      const owner = actorOf((await member('owner')).principal)
      const input = { provider: 'oidc', iss: 'https://issuer.test', sub: 'direct', role: 'member' } as const
      expect(await registryError(registry.members.add(tenant, owner, input))).toBe('forbidden')
      const added = await registry.members.add(tenant, operator, { ...input, email: 'direct@acme.com' })
      expect(added).toMatchObject({
        slug: 'acme',
        user_id: 'oidc:direct',
        source: 'operator',
        status: 'active',
        home: true,
      })
      expect(await registryError(registry.members.add(tenant, operator, input))).toBe('exists')
      expect(
        await registryError(registry.members.add(tenant, operator, { ...input, sub: 'x', role: 'root' as 'owner' })),
      ).toBe('invalid')
      // The first tenant stays home.
      expect((await registry.members.add(other, operator, input)).home).toBe(false)
      await registry.members.remove(tenant, operator, 'oidc:direct')
      expect(await registry.members.add(tenant, operator, { ...input, role: 'viewer' })).toMatchObject({
        status: 'active',
        role: 'viewer',
        removed_at: null,
        email: 'direct@acme.com',
      })
    })

    test('are found by id, user id, or an email that only one has', async () => {
      const input = { provider: 'github', iss: 'https://github.com', email: 'Twin@acme.com', role: 'viewer' } as const
      const one = await registry.members.add(tenant, operator, { ...input, sub: '1' })
      expect(await registry.members.show(tenant, operator, 'twin@ACME.com')).toEqual(one)
      expect(await registry.members.show(tenant, operator, 'github:1')).toEqual(one)
      expect(await registry.members.show(tenant, operator, one.id)).toEqual(one)
      await registry.members.add(tenant, operator, { ...input, sub: '2' })
      expect(await registryError(registry.members.show(tenant, operator, 'twin@acme.com'))).toBe('conflict')
      expect(await registryError(registry.members.show(tenant, operator, 'nobody@acme.com'))).toBe('unknown')
      expect(await registryError(registry.members.show(other, operator, one.id))).toBe('unknown')
    })

    test('the last owner can neither leave nor be demoted, not even two at once', async () => {
      const lonely = await registry.tenants.create(operator, { slug: 'lonely' })
      const one = await member('owner', lonely)
      expect(await registryError(registry.members.setRole(lonely, operator, one.id, 'admin'))).toBe('last_owner')
      expect(await registryError(registry.members.remove(lonely, actorOf(one.principal), one.id))).toBe('last_owner')
      const two = await member('owner', lonely)
      const both = await Promise.all(
        [one, two].map(async ({ id }) => await registryError(registry.members.remove(lonely, operator, id))),
      )
      expect(both.sort()).toEqual(['done', 'last_owner'])
    })

    test('an admin manages members, an owner owners, a member only themself', async () => {
      const [owner, admin, plain, target] = [
        await member('owner'),
        await member('admin'),
        await member('member'),
        await member('viewer'),
      ]
      const as = { owner: actorOf(owner.principal), admin: actorOf(admin.principal), plain: actorOf(plain.principal) }
      expect(await registryError(registry.members.setRole(tenant, as.plain, target.id, 'member'))).toBe('forbidden')
      expect(await registryError(registry.members.remove(tenant, as.plain, target.id))).toBe('forbidden')
      expect(await registryError(registry.members.list(tenant, as.plain))).toBe('forbidden')
      expect(await registryError(registry.members.show(tenant, as.plain, target.id))).toBe('forbidden')
      expect((await registry.members.show(tenant, as.plain, plain.id)).id).toBe(plain.id)
      expect((await registry.members.setRole(tenant, as.admin, target.id, 'admin')).role).toBe('admin')
      expect(await registryError(registry.members.setRole(tenant, as.admin, target.id, 'owner'))).toBe('forbidden')
      expect(await registryError(registry.members.setRole(tenant, as.admin, owner.id, 'viewer'))).toBe('forbidden')
      expect(await registryError(registry.members.remove(tenant, as.admin, owner.id))).toBe('forbidden')
      expect(await registryError(registry.members.revokeTokens(tenant, as.admin, owner.id))).toBe('forbidden')
      expect((await registry.members.setRole(tenant, as.owner, target.id, 'owner')).role).toBe('owner')
      await registry.members.remove(tenant, as.plain, plain.id)
      expect(await registryError(registry.members.setRole(tenant, operator, plain.id, 'admin'))).toBe('conflict')
      expect(await actions(target.id)).toEqual(['member.added', 'member.role_changed', 'member.role_changed'])
    })

    test('a token narrowed to data scopes has no say over people, whatever the role', async () => {
      const identity = person(null, { sub: 'narrow' })
      await enlist(replica, tenant, identity, 'owner')
      const narrow = actorOf(await replica.principal({ ...identity, scopes: ['*'] }))
      expect(await registryError(registry.members.list(tenant, narrow))).toBe('forbidden')
    })

    test('lists come in pages without loss or doubles, or whole', async () => {
      const crowd = await registry.tenants.create(operator, { slug: 'crowd' })
      const added: string[] = []
      for (let n = 0; n < 7; n++) added.push((await member('viewer', crowd)).id)
      const paged: string[] = []
      for (let after: string | undefined, more = true; more;) {
        const page = await registry.members.list(
          crowd,
          operator,
          after === undefined ? { limit: 3 } : { limit: 3, after },
        )
        expect(page.items.length).toBeLessThanOrEqual(3)
        paged.push(...page.items.map(({ id }) => id))
        more = page.next !== null
        after = page.next ?? undefined
      }
      expect(paged).toEqual([...added].sort())
      expect(await registry.members.list(crowd, operator)).toMatchObject({ items: { length: 7 }, next: null })
      expect(await registryError(registry.members.list(crowd, operator, { after: "' OR 1=1" }))).toBe('invalid')
    })
  })

  describe('keys', () => {
    const input = { name: 'ci', scopes: ['projects:write'] } as const

    test('are shown once, and known by their digest only', async () => {
      const { key, record } = await registry.keys.create(tenant, operator, {
        ...input,
        cidrs: ['10.0.0.0/8', '2001:DB8::1'],
        role: 'viewer',
      })
      expect(key).toMatch(/^gh_key_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9a-f]{8}$/)
      expect(record).toMatchObject({
        slug: 'acme',
        name: 'ci',
        scopes: ['projects:write'],
        role: 'viewer',
        status: 'active',
        creator: null,
        cidrs: ['10.0.0.0/8', '2001:db8::1/128'],
      })
      const found = await replica.lookup(record.id)
      expect(found).toMatchObject({ id: record.id, tenant: 'acme', name: 'ci', expires_at: null, revoked_at: null })
      expect(found?.digest.length).toBe(32)
      const [secret = ''] = key.split('_').slice(-2)
      const everything = JSON.stringify([
        await fresh.sql(`SELECT * FROM gatehouse.audit`),
        await fresh.sql(`SELECT * FROM gatehouse.api_keys`),
        record,
      ])
      expect(everything).not.toContain(secret)
      expect(await replica.lookup('000000000000')).toBeNull()
    })

    test.each([
      [{ scopes: [] }, 'invalid'],
      [{ scopes: ['nonsense:read'] }, 'invalid'],
      [{ scopes: ['tenant:owner'] }, 'invalid'],
      [{ name: '' }, 'invalid'],
      [{ name: 'a\nb' }, 'invalid'],
      [{ cidrs: ['10.0.0.0/33'] }, 'invalid'],
      [{ cidrs: ['everywhere'] }, 'invalid'],
      [{ cidrs: ['10.0.0.0/'] }, 'invalid'],
      [{ expires_at: 1 }, 'invalid'],
      [{ expires_at: Number.NaN }, 'invalid'],
    ])('%j is refused', async (wrong, code) => {
      expect(await registryError(registry.keys.create(tenant, operator, { ...input, ...wrong }))).toBe(code)
    })

    test('D23: a key is cut by its creator at each use, and never reaches above who makes it', async () => {
      const maker = await member('admin')
      const actor = actorOf(maker.principal)
      expect(
        await registryError(registry.keys.create(tenant, actorOf((await member('viewer')).principal), input)),
      ).toBe('forbidden')
      const { record } = await registry.keys.create(tenant, actor, { name: 'deploy', scopes: ['*', 'audit:read'] })
      expect(record).toMatchObject({ role: 'admin', creator: `oidc:${maker.principal.identity.sub}` })
      const use = async (): Promise<string[]> =>
        [...(await replica.principal(keyIdentity(record.id, 'acme'))).scopes].sort()
      expect(await use()).toEqual([...scopes.data, 'audit:read'].sort())
      expect((await replica.principal(keyIdentity(record.id, 'acme'))).role).toBe('service')
      await registry.members.setRole(tenant, operator, maker.id, 'viewer')
      await eventually(use).toEqual(['documents:read', 'projects:read'])
    })

    test("D23: the creator's removal stops it unless an owner adopts it; no key holds owner changes or makes keys", async () => {
      const maker = await member('member')
      const owner = actorOf((await member('owner')).principal)
      const { record } = await registry.keys.create(tenant, actorOf(maker.principal), input)
      const use = async (): Promise<string> => await refusal(replica.principal(keyIdentity(record.id, 'acme')))
      expect(await use()).toBe('served')
      await registry.members.remove(tenant, operator, maker.id)
      await eventually(use).toBe('member_removed')
      expect(
        await registryError(registry.keys.adopt(tenant, actorOf((await member('admin')).principal), record.id)),
      ).toBe('forbidden')
      await registry.keys.adopt(tenant, owner, record.id)
      await eventually(use).toBe('served')
      const service = await replica.principal(keyIdentity(record.id, 'acme'))
      expect(service.scopes.has('tenant:owner')).toBe(false)
      expect(await registryError(registry.keys.create(tenant, actorOf(service), input))).toBe('forbidden')
      expect(await refusal(replica.principal(keyIdentity(record.id, 'acme'), { slug: 'globex' }))).toBe(
        'tenant_foreign',
      )
    })

    test('D23: a key that may administer its tenant neither prolongs, frees nor renews a key', async () => {
      const admin = actorOf((await member('admin')).principal)
      const narrow = {
        ...input,
        scopes: ['tenant:admin', 'projects:write'],
        expires_at: replica.clock.now() + 2 * 86_400_000,
      }
      const { record } = await registry.keys.create(tenant, admin, narrow)
      const service = actorOf(await replica.principal(keyIdentity(record.id, 'acme')))
      const prolonged = registry.keys.update(tenant, service, record.id, { expires_at: null, cidrs: [] })
      expect(await registryError(prolonged)).toBe('forbidden')
      expect(await registryError(registry.keys.rotate(tenant, service, record.id, { overlap: 0 }))).toBe('forbidden')
      await registry.keys.revoke(tenant, service, record.id)
    })

    test('D12: every member manages their own keys, an admin those of others', async () => {
      const mine = await member('member')
      const { record } = await registry.keys.create(tenant, actorOf(mine.principal), input)
      const stranger = actorOf((await member('member')).principal)
      expect(await registryError(registry.keys.show(tenant, stranger, record.id))).toBe('unknown')
      expect(await registryError(registry.keys.revoke(tenant, stranger, record.id))).toBe('unknown')
      expect((await registry.keys.list(tenant, stranger)).items).toEqual([])
      expect((await registry.keys.list(tenant, actorOf(mine.principal))).items).toMatchObject([{ id: record.id }])
      const admin = actorOf((await member('admin')).principal)
      expect((await registry.keys.list(tenant, admin)).items.length).toBeGreaterThan(1)
      const foreign = actorOf((await member('owner', other)).principal)
      expect(await registryError(registry.keys.show(tenant, foreign, record.id))).toBe('unknown')
      expect(await registryError(registry.keys.show(other, foreign, record.id))).toBe('unknown')
      await registry.keys.revoke(tenant, admin, record.id)
      expect(await actions(record.id)).toEqual(['key.created', 'key.revoked'])
    })

    test('are updated within the same limits', async () => {
      const mine = actorOf((await member('member')).principal)
      const { record } = await registry.keys.create(tenant, mine, input)
      const expires_at = replica.clock.now() + 2 * 86_400_000
      expect(
        await registry.keys.update(tenant, mine, record.id, { name: 'renamed', scopes: ['*'], expires_at }),
      ).toMatchObject({ name: 'renamed', scopes: ['*'], expires_at: new Date(expires_at).toISOString() })
      expect(await registryError(registry.keys.update(tenant, mine, record.id, { scopes: ['audit:read'] }))).toBe(
        'forbidden',
      )
      expect(await registryError(registry.keys.update(tenant, mine, record.id, { expires_at: null }))).toBe('invalid')
      expect(
        await registry.keys.update(tenant, operator, record.id, { expires_at: null, requests_per_hour: 7 }),
      ).toMatchObject({ expires_at: null, requests_per_hour: 7, name: 'renamed' })
    })

    test('rotate with the overlap that was chosen', async () => {
      const { record } = await registry.keys.create(tenant, operator, input)
      const rotated = await registry.keys.rotate(tenant, operator, record.id, { overlap: 60_000 })
      expect(rotated.record).toMatchObject({ name: 'ci', scopes: ['projects:write'], status: 'active' })
      expect(await registryError(registry.keys.rotate(tenant, operator, record.id, { overlap: 0 }))).toBe('conflict')
      const use = async (id: string): Promise<string> => await refusal(replica.principal(keyIdentity(id, 'acme')))
      expect([await use(record.id), await use(rotated.record.id)]).toEqual(['served', 'served'])
      replica.clock.advance(60_000)
      expect([await use(record.id), await use(rotated.record.id)]).toEqual(['key_expired', 'served'])
      const last = await registry.keys.rotate(tenant, operator, rotated.record.id, { overlap: 0 })
      await eventually(async () => await use(rotated.record.id)).toBe('key_revoked')
      expect(await use(last.record.id)).toBe('served')
      expect(await registryError(registry.keys.update(tenant, operator, record.id, { name: 'x' }))).toBe('conflict')
    })

    test('the last use is stamped at most once a minute, off the request path', async () => {
      const { record } = await registry.keys.create(tenant, operator, input)
      const use = async (ip: string): Promise<string | null> => {
        await replica.principal(keyIdentity(record.id, 'acme'), { ip })
        await replica.directory.settle()
        return (await registry.keys.show(tenant, operator, record.id)).last_used_ip
      }
      expect(await use('192.0.2.1')).toBe('192.0.2.1')
      expect(await use('192.0.2.2')).toBe('192.0.2.1')
      replica.clock.advance(60_000)
      expect(await use('192.0.2.3')).toBe('192.0.2.3')
    })
  })
})
