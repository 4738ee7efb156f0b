import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Identity } from '#identity/identity.ts'
import { DEVELOPMENT_PEOPLE } from '#tenancy/seeds.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import {
  actorOf,
  company,
  enlist,
  eventually,
  keyIdentity,
  MovedClock,
  operator,
  person,
  refusal,
  registryError,
  type Replica,
  startReplica,
} from './support.ts'

describe.each(upperKinds)('who belongs where (%s)', (kind) => {
  let fresh: FreshDatabase
  let production: Replica
  let development: Replica

  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    production = await startReplica(fresh)
    const config = { unmappedDomains: 'provision', personalTenants: 'per-user', production: false } as const
    development = await startReplica(fresh, { config, seeds: DEVELOPMENT_PEOPLE })
  })
  afterAll(async () => await fresh.drop())

  test('a domain admits whom its own issuer vouches for, with the default role', async () => {
    await company(production, 'alpha', 'alpha.com')
    const principal = await production.principal(person('ann@alpha.com'))
    expect(principal).toMatchObject({ tenant: { slug: 'alpha', name: 'ALPHA', status: 'active' }, role: 'member' })
    expect([...principal.scopes].sort()).toEqual([
      'documents:read',
      'documents:write',
      'projects:read',
      'projects:write',
    ])
  })

  test('an explicit member comes before the domain map', async () => {
    await company(production, 'beta', 'beta.com')
    const other = await production.registry.tenants.create(operator, { slug: 'beta_lab' })
    const bea = person('bea@beta.com')
    await enlist(production, other, bea, 'admin')
    expect(await production.principal(bea)).toMatchObject({ tenant: { slug: 'beta_lab' }, role: 'admin' })
  })

  test('the organisation map comes before the domain map', async () => {
    await company(production, 'gamma', 'gamma.com')
    const other = await production.registry.tenants.create(operator, { slug: 'gamma_org' })
    await production.registry.organizations.add(other, operator, {
      iss: 'https://issuer.test',
      kind: 'org_id',
      value: 'org_1',
      default_role: 'viewer',
    })
    const gus = person('gus@gamma.com', { organization: { kind: 'org_id', value: 'org_1' } })
    expect(await production.principal(gus)).toMatchObject({ tenant: { slug: 'gamma_org' }, role: 'viewer' })
    const elsewhere = person('gia@gamma.com', {
      iss: 'https://other.test',
      organization: { kind: 'org_id', value: 'org_1' },
    })
    expect(await production.principal(elsewhere)).toMatchObject({ tenant: { slug: 'gamma' } })
  })

  test('parents count only when they include subdomains, and the nearest name decides', async () => {
    await company(production, 'delta', 'delta.com', { include_subdomains: true })
    await company(production, 'delta_eu', 'eu.delta.com')
    await company(production, 'flat', 'flat.com')
    expect((await production.principal(person('a@us.delta.com'))).tenant.slug).toBe('delta')
    expect((await production.principal(person('a@eu.delta.com'))).tenant.slug).toBe('delta_eu')
    expect(await refusal(production.principal(person('a@sub.flat.com')))).toBe('tenant_unknown')
    // A child that this provider may not speak for must not fall to the parent.
    await company(production, 'delta_asia', 'asia.delta.com', { asserted_by: ['google'] })
    expect(await refusal(production.principal(person('a@asia.delta.com')))).toBe('tenant_unknown')
  })

  test('what only looks like a domain of ours maps to nothing', async () => {
    await company(production, 'corp', 'corp.com')
    const tricks = [
      'a@evilcorp.com', // E7
      'a@corp.com.evil.com',
      'a@corp.com.', // E5
      'a@b@corp.com', // E3
      '"a@x"@corp.com',
      'a b@corp.com',
      ' @corp.com',
      'a@c\u043Erp.com', // E6: Cyrillic o
      'a\uFF20corp.com',
      'a@corp\uFF0Ecom',
      'a@corp.com\0',
    ]
    const mapped: string[] = []
    for (const email of tricks) {
      const answer = await refusal(production.principal(person(email, { sub: 'trickster' })))
      if (answer !== 'tenant_unknown') mapped.push(`${email}: ${answer}`)
    }
    expect(mapped).toEqual([])
    // E4: case of the domain; E8: plus and dots are another person, not another domain.
    expect((await production.principal(person('a@CORP.com'))).tenant.slug).toBe('corp')
    expect((await production.principal(person('a.b+c@corp.com'))).tenant.slug).toBe('corp')
  })

  test('the Kelvin sign does not become a k', async () => {
    await company(production, 'kilo', 'kilo.com')
    expect(await refusal(production.principal(person('a@\u212Ailo.com')))).toBe('tenant_unknown')
  })

  test('an address that was not verified maps nothing, whatever its spelling of true', async () => {
    await company(production, 'epsilon', 'epsilon.com')
    for (const verified of [false, 'true', 'false', 1, undefined]) {
      const identity = {
        ...person(`e${String(verified)}@epsilon.com`),
        email_verified: verified,
      } as unknown as Identity
      expect(await refusal(production.principal(identity))).toBe('tenant_unknown')
    }
    expect(await refusal(production.principal(person('x@epsilon.com', { email_authority: 'none' })))).toBe(
      'tenant_unknown',
    )
  })

  test('D6: a provider that the domain does not list asserts nothing for it', async () => {
    await company(production, 'zeta', 'zeta.com', { asserted_by: ['google'] })
    expect(await refusal(production.principal(person('z@zeta.com')))).toBe('tenant_unknown')
    expect(
      (await production.principal(person('z@zeta.com', { provider: 'google', iss: 'https://accounts.google.com' })))
        .tenant.slug,
    ).toBe('zeta')
    // The same address from another provider stays another principal (E9).
    expect(await refusal(production.principal(person('z@zeta.com')))).toBe('tenant_unknown')
  })

  test('D7: a once-verified address asks to join, unless the domain allows it', async () => {
    const tenant = await company(production, 'eta', 'eta.com')
    const once = person('h@eta.com', { email_authority: 'once' })
    expect(await refusal(production.principal(once))).toBe('join_by_request')
    expect(await refusal(production.principal(once))).toBe('join_by_request')
    const { items } = await production.registry.members.list(tenant, operator)
    expect(items).toMatchObject([{ user_id: `oidc:${once.sub}`, status: 'requested', home: false }])
    await production.registry.members.approve(tenant, operator, 'h@eta.com', 'viewer')
    await eventually(async () => await refusal(production.principal(once))).toBe('served')
    expect((await production.principal(once)).role).toBe('viewer')

    await company(production, 'theta', 'theta.com', { allow_once: true })
    expect((await production.principal(person('t@theta.com', { email_authority: 'once' }))).tenant.slug).toBe('theta')
  })

  test('D7: a membership that came from evidence holds only while the token carries it; one that was given stands', async () => {
    const tenant = await company(production, 'iota', 'iota.com')
    const ian = person('ian@iota.com')
    await production.principal(ian)
    expect(await refusal(production.principal({ ...ian, email: 'ian@elsewhere.com' }))).toBe('evidence_missing')
    expect(await refusal(production.principal({ ...ian, email_verified: false }))).toBe('evidence_missing')
    expect(await refusal(production.principal({ ...ian, email_authority: 'once' }))).toBe('evidence_missing')
    expect(await refusal(production.principal(ian))).toBe('served')
    const guest = person('guest@elsewhere.com')
    await enlist(production, tenant, guest, 'member')
    expect(
      (await production.principal({ ...guest, email: null, email_verified: false, email_authority: 'none' })).tenant
        .slug,
    ).toBe('iota')
    // Whoever is found by an address may be given rights: one that nobody verified is not kept.
    await production.principal({ ...guest, email: 'ceo@iota.com', email_verified: false, email_authority: 'none' })
    const { items } = await production.registry.members.list(tenant, operator)
    expect(items.map(({ email }) => email)).not.toContain('ceo@iota.com')
  })

  test('D7: joining by invitation or request does not happen by itself', async () => {
    await company(production, 'kappa', 'kappa.com', { join_mode: 'invite' })
    await company(production, 'lambda', 'lambda.com', { join_mode: 'request' })
    expect(await refusal(production.principal(person('k@kappa.com')))).toBe('tenant_unknown')
    expect(await refusal(production.principal(person('l@lambda.com')))).toBe('join_by_request')
  })

  test('D8: hd counts by the domain table; org_id and tid by rows of operators', async () => {
    await company(production, 'my_firm', 'my-firm.com')
    const google = { provider: 'google', iss: 'https://accounts.google.com' } as const
    const hosted = person('m@other-name.com', {
      ...google,
      email_authority: 'none',
      organization: { kind: 'hd', value: 'my-firm.com' },
    })
    expect((await production.principal(hosted)).tenant.slug).toBe('my_firm')
    // E10: the address alone is not the organisation.
    const consumer = person('someone@my-firm.com', { ...google, email_authority: 'none' })
    expect(await refusal(production.principal(consumer))).toBe('tenant_unknown')
    expect(
      await refusal(production.principal(person(null, { organization: { kind: 'tid', value: 'a-tenant' } }))),
    ).toBe('tenant_unknown')
  })

  test('D8: after a lapse nobody joins, and who had joined stays; a new proof leads to another tenant', async () => {
    const old = await company(production, 'nu', 'nu.com')
    const nia = person('nia@nu.com')
    await production.principal(nia)
    await fresh.sql(`UPDATE gatehouse.domains SET state = 'lapsed' WHERE domain = 'nu.com'`)
    await production.database.announce({ table: 'domains', tenant: old.id, id: null })
    expect(await refusal(production.principal(nia, { tokenDigest: 'another' }))).toBe('served')
    expect(await refusal(development.principal(person('ned@nu.com')))).toBe('tenant_unknown')
    await company(production, 'nu_new', 'nu.com')
    await eventually(async () => await refusal(production.principal(person('ned@nu.com')))).toBe('served')
    expect((await production.principal(person('ned@nu.com'))).tenant.slug).toBe('nu_new')
    expect((await production.principal(nia)).tenant.slug).toBe('nu')
  })

  test('D9: home is the first tenant joined, and a removal does not choose another one', async () => {
    const first = await company(production, 'xi', 'xi.com')
    const second = await production.registry.tenants.create(operator, { slug: 'xi_two' })
    const xia = person('xia@xi.com')
    await production.principal(xia)
    await enlist(production, second, xia, 'owner')
    expect((await production.principal(xia)).tenant.slug).toBe('xi')
    expect((await production.principal(xia, { slug: 'xi_two' })).role).toBe('owner')
    await production.registry.members.remove(first, operator, 'xia@xi.com')
    await eventually(async () => await refusal(production.principal(xia))).toBe('member_removed')
    expect((await production.principal(xia, { slug: 'xi_two' })).tenant.slug).toBe('xi_two')
  })

  test('D9: an approval later does not move home, and only the person can', async () => {
    const asked = await company(production, 'home_b', 'home-b.com', { join_mode: 'request' })
    await company(production, 'home_a', 'home-a.com')
    const hob = person('hob@home-b.com')
    await refusal(production.principal(hob))
    await production.registry.members.approve(asked, operator, 'hob@home-b.com', 'member')
    await eventually(async () => await refusal(production.principal(hob))).toBe('served')
    // The same person, whose token shows another domain now, joins there by name.
    const moved = { ...hob, email: 'hob@home-a.com' }
    const there = await production.principal(moved, { slug: 'home_a' })
    expect(there.tenant.slug).toBe('home_a')
    expect((await production.principal(moved)).tenant.slug).toBe('home_b')
    expect(await registryError(production.registry.members.makeHome(there.tenant, operator))).toBe('forbidden')
    await production.registry.members.makeHome(there.tenant, actorOf(there))
    await eventually(async () => (await production.principal(moved)).tenant.slug).toBe('home_a')
  })

  test('a claim must name the tenant, not merely be absent', async () => {
    await production.registry.tenants.create(operator, { slug: 'null' })
    const nul = person(null, { sub: 'nul', tenant: 'null' })
    expect((await production.principal(nul)).tenant.slug).toBe('null')
    expect(await refusal(production.principal({ ...nul, tenant: null }))).toBe('evidence_missing')
  })

  test('D13: who is no member is told the same as of a tenant that does not exist', async () => {
    await company(production, 'omicron', 'omicron.com')
    await company(production, 'pi', 'pi.com')
    const olga = person('olga@omicron.com')
    expect(await refusal(production.principal(olga, { slug: 'pi' }))).toBe('tenant_foreign')
    expect(await refusal(production.principal(olga, { slug: 'no_such_tenant' }))).toBe('tenant_foreign')
    // Evidence admits to the tenant named as well as to home.
    expect((await production.principal(olga, { slug: 'omicron' })).tenant.slug).toBe('omicron')
  })

  test('a suspended tenant, a deleted one, and a removed member', async () => {
    const tenant = await company(production, 'rho', 'rho.com')
    const rob = person('rob@rho.com')
    await production.principal(rob)
    await production.registry.tenants.suspend(tenant, operator)
    await eventually(async () => await refusal(production.principal(rob))).toBe('tenant_suspended')
    expect(await refusal(production.principal(person('new@rho.com')))).toBe('tenant_suspended')
    await production.registry.tenants.resume(tenant, operator)
    await eventually(async () => await refusal(production.principal(rob))).toBe('served')
    await production.registry.members.remove(tenant, operator, `oidc:${rob.sub}`)
    await eventually(async () => await refusal(production.principal(rob))).toBe('member_removed')
    expect(await refusal(production.principal(rob, { slug: 'rho' }))).toBe('member_removed')
    await production.registry.tenants.delete(tenant, operator)
    await eventually(async () => await refusal(production.principal(rob))).toBe('tenant_unknown')
  })

  test('a tenant that configuration or a trusted claim names comes first, and must exist', async () => {
    await company(production, 'sigma', 'sigma.com')
    await production.registry.tenants.create(operator, { slug: 'pinned' })
    const sid = person('sid@sigma.com')
    expect((await production.principal(sid)).tenant.slug).toBe('sigma')
    expect((await production.principal({ ...sid, tenant: 'pinned' })).tenant.slug).toBe('pinned')
    for (const tenant of ['nowhere', '', 'No Slug\0']) {
      expect(await refusal(production.principal({ ...sid, tenant }))).toBe('tenant_unknown')
    }
    // Without the claim the membership that came from it does not hold.
    expect(await refusal(production.principal(sid, { slug: 'pinned' }))).toBe('evidence_missing')
    expect((await production.principal(sid)).tenant.slug).toBe('sigma')
  })

  test('nothing at all maps to nothing', async () => {
    expect(await refusal(production.principal(person(null)))).toBe('tenant_unknown')
    expect(await refusal(production.principal(person('a@gmail.com')))).toBe('tenant_unknown')
    expect(await refusal(production.principal(person('a@unmapped.com')))).toBe('tenant_unknown')
  })

  test('a public mailbox gives a tenant of its own, whose slug says nothing of the address', async () => {
    const pat = person('pat.smith@gmail.com')
    const [first, again] = await Promise.all([development.principal(pat), development.principal(pat)])
    expect(first.tenant.slug).toMatch(/^p_[a-z0-9]{16}$/)
    expect(again.tenant.slug).toBe(first.tenant.slug)
    expect(first).toMatchObject({ role: 'owner', tenant: { name: 'Personal' } })
    expect((await development.principal(person('other@gmail.com'))).tenant.slug).not.toBe(first.tenant.slug)
    const shared = await startReplica(fresh, { config: { personalTenants: 'shared' } })
    const [one, two] = await Promise.all([
      shared.principal(person('one@outlook.com')),
      shared.principal(person('two@hey.com')),
    ])
    expect([one.tenant.slug, two.tenant.slug, one.role]).toEqual(['shared', 'shared', 'member'])
  })

  test('D10: a first sign-in makes the tenant of exactly its domain: owner in development, member in production', async () => {
    const principal = await development.principal(person('una@4tune-shop.com'))
    expect(principal).toMatchObject({ role: 'owner', tenant: { slug: 't_4tune_shop_com', name: '4tune-shop.com' } })
    expect(principal.tenant.schema).toMatch(/^tenant_.*t_4tune_shop_com$/)
    // The slug of another domain may come to the same: never shared, never reused.
    expect((await development.principal(person('una@4tune.shop.com'))).tenant.slug).toBe('t_4tune_shop_com_2')
    const open = await startReplica(fresh, { config: { unmappedDomains: 'provision' } })
    expect(await open.principal(person('vic@victory.com'))).toMatchObject({
      role: 'member',
      tenant: { slug: 'victory_com' },
    })
    expect(await refusal(open.principal(person('wim@winnow.com', { email_authority: 'once' })))).toBe('tenant_unknown')
    expect(await refusal(open.principal(person('bot@github.io')))).toBe('tenant_unknown')
  })

  test('D10: ten first sign-ins of one domain at once, on two replicas, make one tenant', async () => {
    const other = await startReplica(fresh, {
      database: await fresh.open(),
      config: { unmappedDomains: 'provision', production: false },
    })
    const people = Array.from({ length: 10 }, (_, index) => person(`p${index}@crowd.com`))
    const principals = await Promise.all(
      people.map(async (who, index) => await (index % 2 === 0 ? development : other).principal(who)),
    )
    expect(new Set(principals.map(({ tenant }) => tenant.id)).size).toBe(1)
    expect(principals.filter(({ role }) => role === 'owner')).toHaveLength(1)
    const [{ count } = { count: -1 }] = await fresh.sql<{ count: number }>(
      `SELECT count(*)::integer FROM gatehouse.tenants WHERE slug LIKE 'crowd%'`,
    )
    expect(count).toBe(1)
  })

  test('D10: at most PROVISION_LIMIT new tenants in an hour, counted by all replicas together', async () => {
    const clock = new MovedClock()
    clock.advance(10 * 3_600_000)
    const config = { unmappedDomains: 'provision', provisionLimit: 2 } as const
    const one = await startReplica(fresh, { clock, config })
    const two = await startReplica(fresh, { clock, config })
    expect(await refusal(one.principal(person('a@limit-one.com')))).toBe('served')
    expect(await refusal(two.principal(person('a@limit-two.com')))).toBe('served')
    await expect(one.principal(person('a@limit-three.com'))).rejects.toMatchObject({
      code: 'provision_limited',
      status: 429,
      retryAfter: expect.any(Number),
    })
    expect((await fresh.sql(`SELECT 1 FROM gatehouse.tenants WHERE slug = 'limit_three_com'`)).length).toBe(0)
    clock.advance(3_600_001)
    expect(await refusal(one.principal(person('a@limit-three.com')))).toBe('served')
  })

  test('the people of the development sign-in have their roles, whoever comes first', async () => {
    const dev = (email: string): Identity =>
      person(email, { provider: 'development', iss: 'http://127.0.0.1:3000/dev' })
    const carol = await development.principal(dev('carol@acme.test'))
    const alice = await development.principal(dev('alice@acme.test'))
    const bob = await development.principal(dev('bob@globex.test'))
    expect([alice, carol, bob].map(({ tenant, role }) => [tenant.slug, role])).toEqual([
      ['acme_test', 'owner'],
      ['acme_test', 'viewer'],
      ['globex_test', 'owner'],
    ])
    // Another provider cannot name one of them.
    expect(await refusal(production.principal(person('alice@acme.test')))).toBe('tenant_unknown')
  })

  test('REQUIRED_SCOPES is asked of tokens that carry our scopes, not of others', async () => {
    await company(production, 'tau', 'tau.com')
    const strict = await startReplica(fresh, { config: { requiredScopes: ['projects:read'] } })
    expect(await refusal(strict.principal(person('t@tau.com')))).toBe('served')
    expect(await refusal(strict.principal(person('t@tau.com', { scopes: ['openid'] })))).toBe('scope_insufficient')
    const narrowed = await strict.principal(person('t@tau.com', { scopes: ['projects:write'] }))
    expect([...narrowed.scopes].sort()).toEqual(['projects:read', 'projects:write'])
    expect(narrowed.role_scopes.size).toBe(4)
  })

  test('a schema more than one version behind is not served', async () => {
    await company(production, 'upsilon', 'upsilon.com')
    const uma = person('uma@upsilon.com')
    const { tenant: newest } = fresh.database.admin.required
    const at = async (version: number): Promise<unknown> =>
      await fresh.sql(`UPDATE gatehouse.tenants SET schema_version = ${version} WHERE slug = 'upsilon'`)
    await at(newest - 2)
    await expect(production.principal(uma)).rejects.toMatchObject({ code: 'tenant_behind', status: 503 })
    await at(newest - 1)
    expect(await refusal(production.principal(uma))).toBe('served')
  })

  test('the static key stands in the tenant that configuration names', async () => {
    await company(production, 'phi', 'phi.com')
    const replica = await startReplica(fresh, { staticKeyRole: 'viewer' })
    const key = { ...keyIdentity('static', 'phi'), provider: 'static-key' }
    const principal = await replica.principal(key)
    expect(principal).toMatchObject({ role: 'service', tenant: { slug: 'phi' } })
    expect([...principal.scopes].sort()).toEqual(['documents:read', 'projects:read'])
    expect(await refusal(replica.principal(key, { slug: 'alpha' }))).toBe('tenant_foreign')
    expect(await refusal(replica.principal({ ...key, key: { id: 'static', tenant: 'nobody' } }))).toBe('tenant_unknown')
    expect(await refusal(production.principal(key))).toBe('key_revoked')
  })

  test('joining is audited, and names and addresses are kept current and clean', async () => {
    const tenant = await company(production, 'chi', 'chi.com')
    const cleo = person('cleo@chi.com', { name: 'Cleo\u001b[31m\nX' })
    await production.principal(cleo)
    const [member] = (await production.registry.members.list(tenant, operator)).items
    expect(member).toMatchObject({ name: 'Cleo[31mX', source: 'domain', evidence: 'chi.com', home: true })
    const rows = await fresh.sql(
      `SELECT action, target, sub, ip, outcome, tenant_id FROM gatehouse.audit WHERE action = 'member.joined' AND sub = '${cleo.sub}'`,
    )
    expect(rows).toEqual([
      {
        action: 'member.joined',
        target: member?.id,
        sub: cleo.sub,
        ip: '192.0.2.7',
        outcome: 'ok',
        tenant_id: tenant.id,
      },
    ])
    await production.principal({ ...cleo, name: 'Cleopatra' })
    expect((await production.registry.members.show(tenant, operator, 'CLEO@chi.com')).name).toBe('Cleopatra')
  })
})

test('D10: PROVISION_LIMIT holds from the very first tenants on, however many replicas are asked at once', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const config = { unmappedDomains: 'provision', provisionLimit: 1 } as const
  const replicas = await Promise.all(
    [1, 2, 3].map(async () => await startReplica(fresh, { config, database: await fresh.open() })),
  )
  const answers = await Promise.all(
    [...replicas, ...replicas].map(async (each, index) => await refusal(each.principal(person(`a@rush-${index}.com`)))),
  )
  expect(answers.toSorted()).toEqual([...Array.from({ length: 5 }, () => 'provision_limited'), 'served'])
  await fresh.drop()
})
