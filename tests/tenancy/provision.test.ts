/** D10: what is made for a first person, under which name, and how many in an hour. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEVELOPMENT_PEOPLE } from '#tenancy/seeds.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { MovedClock, operator, person, refusal, type Replica, type ReplicaOptions, startReplica } from './support.ts'

let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
})
afterAll(async () => await fresh.drop())

const open = async (config: ReplicaOptions['config'] = {}, more: ReplicaOptions = {}): Promise<Replica> =>
  await startReplica(fresh, { ...more, config: { unmappedDomains: 'provision', ...config } })

test('D10: a slug that was ever taken is left alone: the next free number is, however many are taken', async () => {
  const replica = await open({ provisionLimit: 100 })
  for (const slug of ['taken_com', 'taken_com_2', 'taken_com_4'])
    await replica.registry.tenants.create(operator, { slug })
  const gone = await replica.registry.tenants.get(operator, 'taken_com_2')
  await replica.registry.tenants.delete(gone, operator)
  expect((await replica.principal(person('a@taken.com'))).tenant.slug).toBe('taken_com_3')
  for (let n = 1; n <= 21; n++)
    await fresh.sql(
      `INSERT INTO gatehouse.tenants (id, slug, name, schema, origin) VALUES (gen_random_uuid(), $1, 'x', $2, 'operator')`,
      [n === 1 ? 'crowd_com' : `crowd_com_${n}`, `tenant_x_${n}`],
    )
  expect((await replica.principal(person('a@crowd.com'))).tenant.slug).toBe('crowd_com_22')
})

test('D10: PROVISION_LIMIT tells when there is room again, and counts only what strangers had made', async () => {
  const clock = new MovedClock()
  clock.advance(100 * 3_600_000)
  const replica = await open({ provisionLimit: 2, personalTenants: 'per-user' }, { clock })
  await replica.registry.tenants.create(operator, { slug: 'by_operator' })
  await replica.principal(person('a@first-of-hour.com'))
  clock.advance(600_000)
  // A personal tenant counts as well.
  await replica.principal(person('someone@gmail.com'))
  clock.advance(600_000)
  const error: unknown = await replica.principal(person('a@third-of-hour.com')).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'provision_limited', status: 429 })
  const { retryAfter } = error as { retryAfter: number }
  // 60 minutes after the first of the two: some 40 from now.
  expect(retryAfter).toBeLessThanOrEqual(2_400)
  expect(retryAfter).toBeGreaterThan(2_390)
  // Who belongs somewhere already is served all the while.
  expect(await refusal(replica.principal(person('b@first-of-hour.com')))).toBe('served')
  clock.advance(retryAfter * 1_000)
  expect(await refusal(replica.principal(person('a@third-of-hour.com')))).toBe('served')
  expect(await refusal(replica.principal(person('a@fourth-of-hour.com')))).toBe('provision_limited')
})

test('D10: a first person is owner in development and member in production', async () => {
  const [development, production] = [await open({ production: false }), await open({ production: true })]
  expect((await development.principal(person('a@made-in-dev.com'))).role).toBe('owner')
  expect((await production.principal(person('a@made-in-prod.com'))).role).toBe('member')
})

test('D7: nothing is made on the word of an address that was verified once, or of none', async () => {
  const replica = await open({ personalTenants: 'off' })
  for (const who of [
    person('a@only-once.com', { email_authority: 'once' }),
    person(null),
    person('a@gmail.com'),
    person('a@co.uk'),
  ])
    expect(await refusal(replica.principal(who))).toBe('tenant_unknown')
  const closed = await open({ unmappedDomains: 'reject' })
  expect(await refusal(closed.principal(person('a@unmapped.com')))).toBe('tenant_unknown')
  // Live evidence counts wherever it stands.
  const both = person('a@only-once.com', { email_authority: 'once', organization: { kind: 'hd', value: 'hosted.com' } })
  expect((await replica.principal(both)).tenant).toMatchObject({ slug: 'hosted_com', name: 'hosted.com' })
  const [{ count } = { count: -1 }] = await fresh.sql<{ count: number }>(
    `SELECT count(*)::int FROM gatehouse.tenants WHERE slug LIKE 'only%'`,
  )
  expect(count).toBe(0)
})

test('D1: the development sign-in’s people have their tenants and roles whatever UNMAPPED_DOMAINS says, others do not', async () => {
  const replica = await startReplica(fresh, { seeds: DEVELOPMENT_PEOPLE })
  const dev = (email: string) => person(email, { provider: 'development', iss: 'http://127.0.0.1:3000/dev' })
  expect(await refusal(replica.principal(dev('dora@acme.test')))).toBe('tenant_unknown')
  const carol = await replica.principal(dev('carol@acme.test'))
  expect(carol).toMatchObject({ role: 'viewer', tenant: { slug: 'acme_test' } })
  expect(await replica.principal(dev('alice@acme.test'))).toMatchObject({ role: 'owner' })
  expect(await replica.principal(dev('dora@acme.test'), { tokenDigest: 'later' })).toMatchObject({ role: 'member' })
  const { items } = await replica.registry.members.list(carol.tenant, operator)
  expect(items.map(({ sub, source, evidence }) => [sub, source, evidence])).toEqual([
    ['carol@acme.test', 'development', 'acme.test'],
    ['alice@acme.test', 'development', null],
    ['dora@acme.test', 'domain', 'acme.test'],
  ])
  expect((await replica.registry.tenants.show(operator, 'acme_test')).origin).toBe('development')
})
