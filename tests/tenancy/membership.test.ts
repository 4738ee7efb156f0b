/** D7: a membership that came from evidence holds while the token carries it, as the registry's rules stand now. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Identity } from '#identity/identity.ts'
import type { Registry } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { company, enlist, operator, person, refusal, type Replica, startReplica } from './support.ts'

let fresh: FreshDatabase
let replica: Replica
let registry: Registry
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  replica = await startReplica(fresh)
  ;({ registry } = replica)
})
afterAll(async () => await fresh.drop())

let asked = 0
/** Asks as with a new token, so that nothing held answers. */
const answer = async (identity: Identity, slug: string | null = null): Promise<string> =>
  await replica
    .principal(identity, { slug, tokenDigest: `token ${(asked += 1)}` })
    .then(({ tenant }) => tenant.slug)
    .catch(async (error: unknown) => await refusal(Promise.reject(error)))

const rule = async (domain: string, set: string): Promise<unknown> =>
  await fresh.sql(`UPDATE gatehouse.domains SET ${set} WHERE domain = '${domain}'`)

test('D7: by a parent that includes subdomains, while it includes them', async () => {
  const tenant = await company(replica, 'wide', 'wide.com', { include_subdomains: true })
  const ann = person('ann@eu.wide.com')
  expect(await answer(ann)).toBe('wide')
  expect(await registry.members.show(tenant, operator, 'ann@eu.wide.com')).toMatchObject({
    source: 'domain',
    evidence: 'wide.com',
    role: 'member',
    status: 'active',
    home: true,
  })
  expect(await answer(ann)).toBe('wide')
  expect(await answer({ ...ann, email: 'ann@wide.com' })).toBe('wide')
  expect(await answer({ ...ann, email: 'ann@eu.wide.org' })).toBe('evidence_missing')
  await rule('wide.com', 'include_subdomains = false')
  expect(await answer(ann)).toBe('evidence_missing')
  expect(await answer({ ...ann, email: 'ann@wide.com' })).toBe('wide')
  // Who is new does not join by it either.
  expect(await answer(person('new@eu.wide.com'))).toBe('tenant_unknown')
})

test('D6: by a provider that may still assert the domain', async () => {
  await company(replica, 'told', 'told.com')
  const ann = person('ann@told.com')
  expect(await answer(ann)).toBe('told')
  await rule('told.com', `asserted_by = '{google}'`)
  expect(await answer(ann)).toBe('evidence_missing')
  await rule('told.com', `asserted_by = '{oidc}'`)
  expect(await answer(ann)).toBe('told')
})

test('D7: by live evidence, or by once-verified where the domain allows it', async () => {
  await company(replica, 'easy', 'easy.com', { allow_once: true })
  const ann = person('ann@easy.com', { email_authority: 'once' })
  expect(await answer(ann)).toBe('easy')
  await rule('easy.com', 'allow_once = false')
  expect(await answer(ann)).toBe('evidence_missing')
  expect(await answer({ ...ann, email_authority: 'live' })).toBe('easy')
})

test('D7: a domain that was taken off the list keeps its members, on live evidence of exactly that domain', async () => {
  const tenant = await company(replica, 'left', 'left.com', { include_subdomains: true, allow_once: true })
  const [ann, bob] = [person('ann@left.com'), person('bob@eu.left.com')]
  expect([await answer(ann), await answer(bob)]).toEqual(['left', 'left'])
  await registry.domains.remove(tenant, operator, 'left.com')
  expect([await answer(ann), await answer(bob)]).toEqual(['left', 'evidence_missing'])
  expect(await answer({ ...ann, email_authority: 'once' })).toBe('evidence_missing')
  expect(await answer(person('new@left.com'))).toBe('tenant_unknown')
})

test('D8: by the organisation that operators mapped, its kind and value', async () => {
  const tenant = await registry.tenants.create(operator, { slug: 'org' })
  await registry.organizations.add(tenant, operator, { iss: 'https://issuer.test', kind: 'tid', value: 'f00' })
  const ann = person('ann@anywhere.com', { organization: { kind: 'tid', value: 'f00' } })
  expect(await answer(ann)).toBe('org')
  expect(await registry.members.show(tenant, operator, 'ann@anywhere.com')).toMatchObject({
    source: 'organization',
    evidence: 'tid:f00',
    role: 'member',
  })
  expect(await answer(ann)).toBe('org')
  for (const organization of [{ kind: 'org_id', value: 'f00' }, { kind: 'tid', value: 'bar' }, null] as const)
    expect(await answer({ ...ann, organization })).toBe('evidence_missing')
  // Another issuer's organisation of that name is another's.
  expect(await answer(person('x', { ...ann, iss: 'https://other.test', sub: 'x' }))).toBe('tenant_unknown')
})

test('D8: an organisation admits by its own rules', async () => {
  const tenant = await registry.tenants.create(operator, { slug: 'org_rules' })
  const iss = 'https://issuer.test'
  await registry.organizations.add(tenant, operator, { iss, kind: 'org_id', value: 'a', join_mode: 'invite' })
  await registry.organizations.add(tenant, operator, {
    iss,
    kind: 'org_id',
    value: 'b',
    join_mode: 'request',
    default_role: 'admin',
  })
  const of = (value: string): Identity => person(`${value}@x.com`, { organization: { kind: 'org_id', value } })
  expect([await answer(of('a')), await answer(of('b')), await answer(of('b'))]).toEqual([
    'tenant_unknown',
    'join_by_request',
    'join_by_request',
  ])
  expect((await registry.members.list(tenant, operator)).items).toMatchObject([
    { user_id: 'oidc:b@x.com', status: 'requested', role: 'admin', evidence: 'org_id:b' },
  ])
})

test('by the tenant that a trusted claim names, while it names it', async () => {
  const tenant = await registry.tenants.create(operator, { slug: 'named' })
  await registry.tenants.create(operator, { slug: 'named_too' })
  const ann = person(null, { sub: 'claimed', tenant: 'named' })
  expect([await answer(ann), await answer(ann)]).toEqual(['named', 'named'])
  expect(await registry.members.show(tenant, operator, 'oidc:claimed')).toMatchObject({
    source: 'organization',
    evidence: 'tenant:named',
    role: 'member',
  })
  expect(await answer({ ...ann, tenant: 'named_too' })).toBe('named_too')
  // Home is the first, and what holds there is asked when no claim names another.
  expect(await answer({ ...ann, tenant: null })).toBe('evidence_missing')
  await registry.tenants.delete(tenant, operator)
  expect(await answer(ann)).toBe('tenant_unknown')
  expect(await answer(person('new@named.com', { tenant: 'named' }))).toBe('tenant_unknown')
})

test('the second domain that a token shows counts when the first maps to nothing', async () => {
  await company(replica, 'second', 'second.com')
  const ann = person('ann@second.com', { organization: { kind: 'hd', value: 'first-of-two.com' } })
  expect(await answer(ann)).toBe('second')
  // Where the first decides against, the second is not asked.
  await company(replica, 'strict', 'strict.com', { asserted_by: ['google'] })
  const bob = person('bob@second.com', { organization: { kind: 'hd', value: 'strict.com' } })
  expect(await answer(bob)).toBe('tenant_unknown')
})

test('D7: who asked to join is let in by the same row once live evidence comes, and not before', async () => {
  const tenant = await company(replica, 'later')
  const once = person('ann@later.com', { email_authority: 'once' })
  expect(await answer(once)).toBe('join_by_request')
  const [row] = (await registry.members.list(tenant, operator)).items
  // Not by naming the tenant either.
  expect(await answer(once, 'later')).toBe('join_by_request')
  expect(await answer({ ...once, email_authority: 'live' })).toBe('later')
  expect((await registry.members.list(tenant, operator)).items).toEqual([
    { ...row, status: 'active', source: 'domain', evidence: 'later.com' },
  ])
  const invited = await company(replica, 'invited', 'invited.com', { join_mode: 'invite' })
  expect(await answer(person('x@invited.com', { email_authority: 'once' }))).toBe('tenant_unknown')
  expect((await registry.members.list(invited, operator)).items).toEqual([])
})

test('who comes to many replicas at once joins once, and is served by all', async () => {
  const tenant = await company(replica, 'rush')
  const replicas = await Promise.all(Array.from({ length: 6 }, async () => await startReplica(fresh)))
  const answers = await Promise.all(
    replicas.map(async (each) => (await each.principal(person('ann@rush.com'))).tenant.slug),
  )
  expect(new Set(answers)).toEqual(new Set(['rush']))
  expect((await registry.members.list(tenant, operator)).items).toHaveLength(1)
})

test('D13: naming a tenant leads nowhere that evidence does not', async () => {
  await company(replica, 'here')
  await company(replica, 'there', 'there.com', { asserted_by: ['google'] })
  const ann = person('ann@here.com')
  expect(await answer(ann, 'there')).toBe('tenant_foreign')
  expect(await answer(person('ann@there.com'), 'there')).toBe('tenant_foreign')
  expect(await answer(person('ann@gmail.com'), 'here')).toBe('tenant_foreign')
  expect(await answer(ann, 'here')).toBe('here')
  expect(await answer(ann, 'there')).toBe('tenant_foreign')
})

test('D9: home is the first tenant joined; without one it is the earliest that is active; a removal chooses none', async () => {
  const tenants: Tenant[] = []
  for (const slug of ['one', 'two', 'three']) tenants.push(await registry.tenants.create(operator, { slug }))
  const [one, two, three] = tenants as [Tenant, Tenant, Tenant]
  const ann = person(null, { sub: 'ann of three' })
  const rows = []
  for (const tenant of tenants) rows.push(await enlist(replica, tenant, ann, 'member'))
  expect(rows.map(({ home }) => home)).toEqual([true, false, false])
  expect(await answer(ann)).toBe('one')
  // A home that is gone with its tenant leaves the earliest of the rest.
  await registry.tenants.delete(one, operator)
  expect(await answer(ann)).toBe('two')
  await fresh.sql(`UPDATE gatehouse.members SET created_at = now() + interval '1 hour' WHERE id = $1`, [rows[1]?.id])
  expect(await answer(ann)).toBe('three')
  await fresh.sql(`UPDATE gatehouse.members SET status = 'requested' WHERE id = $1`, [rows[2]?.id])
  expect(await answer(ann)).toBe('two')
  await registry.members.remove(two, operator, `oidc:${ann.sub}`)
  expect([await answer(ann), await answer(ann, 'two')]).toEqual(['member_removed', 'member_removed'])
  await fresh.sql(`UPDATE gatehouse.members SET status = 'active' WHERE id = $1`, [rows[2]?.id])
  expect([await answer(ann), await answer(ann, 'three')]).toEqual(['member_removed', 'three'])
  expect((await registry.members.show(three, operator, `oidc:${ann.sub}`)).home).toBe(false)
})

test('what people see of a member is kept current, from what the provider vouches for', async () => {
  const tenant = await company(replica, 'faces')
  const ann = person('ann@faces.com', { name: 'Ann' })
  const face = async (): Promise<unknown> => {
    const { email, name } = await registry.members.show(tenant, operator, `oidc:${ann.sub}`)
    return { email, name }
  }
  await answer(ann)
  expect(await face()).toEqual({ email: 'ann@faces.com', name: 'Ann' })
  await answer({ ...ann, email: 'anna@faces.com' })
  expect(await face()).toEqual({ email: 'anna@faces.com', name: 'Ann' })
  await answer({ ...ann, email: 'anna@faces.com', name: 'Anna\u0007' })
  expect(await face()).toEqual({ email: 'anna@faces.com', name: 'Anna' })
  await answer({ ...ann, email: 'anna@faces.com', name: null })
  expect(await face()).toEqual({ email: 'anna@faces.com', name: 'Anna' })
  const guest = person(null, { sub: 'guest' })
  await enlist(replica, tenant, guest, 'viewer')
  await answer({ ...guest, email: 'boss@faces.com', email_verified: false })
  expect(await registry.members.show(tenant, operator, 'oidc:guest')).toMatchObject({ email: null, name: null })
  await answer({ ...guest, email: `${'x'.repeat(400)}@y.com`, email_verified: true, name: 'n'.repeat(400) })
  const { email, name } = await registry.members.show(tenant, operator, 'oidc:guest')
  expect([email?.length, name?.length]).toEqual([320, 256])
})

test('a suspended tenant serves nobody, and whoever was removed from it is told that first', async () => {
  const tenant = await company(replica, 'closed')
  const [ann, bob] = [person('ann@closed.com'), person('bob@closed.com')]
  expect([await answer(ann), await answer(bob)]).toEqual(['closed', 'closed'])
  await registry.members.remove(tenant, operator, 'bob@closed.com')
  await registry.tenants.suspend(tenant, operator)
  expect([await answer(ann), await answer(bob), await answer(person('new@closed.com'))]).toEqual([
    'tenant_suspended',
    'member_removed',
    'tenant_suspended',
  ])
  expect(await answer({ ...ann, email: null })).toBe('evidence_missing')
})

test('PERSONAL_TENANTS decides about public mailboxes only for those whom nothing else places', async () => {
  const shared = await startReplica(fresh, { config: { personalTenants: 'shared' } })
  const own = await startReplica(fresh, { config: { personalTenants: 'per-user' } })
  const [one, two] = [person('one@gmail.com'), person('two@gmail.com')]
  const first = await shared.principal(one)
  expect(first).toMatchObject({ role: 'member', tenant: { slug: 'shared', name: 'Shared' } })
  expect(await shared.principal(two)).toMatchObject({ role: 'member', tenant: { slug: 'shared' } })
  expect((await registry.members.list(first.tenant, operator)).items).toMatchObject([
    { user_id: 'oidc:one@gmail.com', source: 'personal', evidence: 'shared', role: 'member', home: true },
    { user_id: 'oidc:two@gmail.com', source: 'personal', evidence: 'shared', role: 'member', home: true },
  ])
  expect(await refusal(shared.principal(person('a@unmapped.com')))).toBe('tenant_unknown')
  expect(await refusal(replica.principal(person('three@gmail.com')))).toBe('tenant_unknown')
  const three = await own.principal(person('three@gmail.com'))
  expect(three).toMatchObject({ role: 'owner', tenant: { name: 'Personal' } })
  expect((await registry.members.list(three.tenant, operator)).items).toMatchObject([
    { source: 'personal', evidence: null, role: 'owner', home: true },
  ])
  expect((await registry.tenants.show(operator, three.tenant.slug)).origin).toBe('personal')
  // Deleted, the shared one is made anew under the next free name.
  await registry.tenants.delete(first.tenant, operator)
  expect((await shared.principal(one, { tokenDigest: 'again' })).tenant.slug).toBe('shared_2')
})
