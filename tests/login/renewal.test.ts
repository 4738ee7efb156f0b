import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { uuidv7 } from '#base/id.ts'
import { DatabaseUnavailable, type Database } from '#db/database.ts'
import { createFamilies } from '#login/families.ts'
import type { Refresh } from '#login/flow.ts'
import { createRenewal, type Renewal } from '#login/renewal.ts'
import { createLimit } from '#toolkit/limit.ts'
import { people } from '../support/fake-provider.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { operator, startReplica, type Replica } from '../tenancy/support.ts'
import { NOBODY, PUBLIC_URL, REQUEST, SECRETS, ending, openRoom, signedInAt, type Room } from './support/room.ts'

describe.each(databaseKinds)('%s', (kind) => {
  let fresh: FreshDatabase
  let room: Room
  let replica: Replica
  let one: Renewal
  let two: Renewal

  const renewalOver = (
    database: Pick<Database, 'control'>,
    ready = (): boolean => true,
    perMinute = 10_000,
  ): Renewal => {
    const renewals = createLimit({ on: true, name: 'test', perMinute, detail: 'renewals' })
    const limit = async (family: string): Promise<void> => void (await renewals.consume(family))
    const log = createLog('silent')
    const families = createFamilies({ database, ready, log, clock: room.clock, secrets: SECRETS, issuer: PUBLIC_URL })
    return createRenewal({ publicUrl: PUBLIC_URL, ...room, families, limit, log })
  }

  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    room = await openRoom()
    replica = await startReplica(fresh)
    one = renewalOver(fresh.database)
    two = renewalOver(kind === 'postgres' ? await fresh.open() : fresh.database)
  }, 60_000)
  afterAll(async () => {
    await fresh.drop()
    await room.close()
  })
  beforeEach(() => {
    room.fake.reset()
    room.company.signIn.change(null)
    room.company.signIn.person(people.alice)
  })

  const signedIn = async (change: Partial<Refresh> = {}): Promise<Refresh> => await signedInAt(room, change)

  const form = (held: Refresh | string, change: Record<string, string | undefined> = {}) => ({
    grant_type: 'refresh_token',
    refresh_token: typeof held === 'string' ? held : room.seals.refresh.seal(held),
    client_id: REQUEST.client_id,
    ...change,
  })
  const renew = async (by: Renewal, held: Refresh | string): Promise<string> =>
    (await by(form(held), NOBODY)).granted.refresh_token ?? ''
  const asked = (): number => room.fake.hits('company/token')
  const rowOf = async ({ family }: Refresh) =>
    (
      await fresh.sql<{ generation: number; answer: string | null; revoked_at: Date | null }>(
        'SELECT generation, answer, revoked_at FROM gatehouse.sign_in_families WHERE id = $1',
        [family],
      )
    )[0]

  test('D28: each renewal gives new tokens, at whichever replica; the row is made by the first', async () => {
    const held = await signedIn()
    expect(await rowOf(held)).toBeUndefined()
    const first = await renew(one, held)
    expect(await rowOf(held)).toMatchObject({ generation: 1, revoked_at: null })
    const second = await renew(two, first)
    expect(room.seals.refresh.open(second)).toMatchObject({ ...held, generation: 2, refresh_token: expect.any(String) })
    expect(await rowOf(held)).toMatchObject({ generation: 2 })
  })

  test('D28: two at once, and one whose answer was lost, get the same answer from one question', async () => {
    const held = await signedIn()
    const before = asked()
    room.fake.behave('company/token', { slow: 150 })
    const answers = await Promise.all([renew(one, held), renew(two, held), renew(one, held)])
    expect(new Set(answers).size).toBe(1)
    expect(asked() - before).toBe(1)
    room.clock.advance(29_000)
    expect(await renew(two, held)).toBe(answers[0])
    expect(asked() - before).toBe(1)
    expect(await rowOf(held)).toMatchObject({ generation: 1, revoked_at: null })
  })

  test('D28: the generation before after 30 s was copied: the family ends, at the provider too', async () => {
    const held = await signedIn()
    const next = await renew(one, held)
    const alive = room.seals.refresh.open(next)?.refresh_token
    expect(room.company.signIn.alive()).toContain(alive)
    room.clock.advance(31_000)
    expect(await ending(one(form(held), NOBODY))).toBe('grant_invalid')
    expect(await ending(two(form(next), NOBODY))).toBe('grant_invalid')
    expect((await rowOf(held))?.revoked_at).toBeInstanceOf(Date)
    expect((await rowOf(held))?.answer).toBeNull()
    expect(room.company.signIn.revoked).toContain(alive)
  })

  test('D28: an older generation ends the family at any time', async () => {
    const held = await signedIn()
    const next = await renew(one, await renew(one, held))
    expect(await ending(one(form(held), NOBODY))).toBe('grant_invalid')
    expect(await ending(one(form(next), NOBODY))).toBe('grant_invalid')
  })

  test('D28: another client, resource or secret, and what is no refresh token, before anything is locked or asked', async () => {
    const held = await signedIn()
    const before = asked()
    const other = { client_id: 'https://app.test/client.json' }
    expect(await ending(one(form(held, other), NOBODY))).toBe('grant_invalid')
    expect(await ending(one(form(held, { resource: `${PUBLIC_URL}/t/acme/mcp` }), NOBODY))).toBe('target_invalid')
    expect(await ending(one(form(held, { resource: 'https://elsewhere.test/mcp' }), NOBODY))).toBe('target_invalid')
    expect(await ending(one(form(`${room.seals.refresh.seal(held)}x`), NOBODY))).toBe('grant_invalid')
    expect(await ending(one(form('gho_something'), NOBODY))).toBe('grant_invalid')
    expect(await ending(one(form(held, { refresh_token: undefined }), NOBODY))).toBe('authorization_malformed')
    expect(await ending(one(form({ ...held, provider: 'gone' }), NOBODY))).toBe('grant_invalid')
    expect(asked()).toBe(before)
    expect(await rowOf(held)).toBeUndefined()
    expect(await ending(one(form(held, { resource: `${REQUEST.resource}/` }), NOBODY))).toBe('done')
  })

  test('D14: a refresh token of one issuer is never shown to another that was configured in its place', async () => {
    const held = await signedIn({ iss: 'https://issuer-before.test' })
    const before = asked()
    expect(await ending(one(form(held), NOBODY))).toBe('grant_invalid')
    expect(asked()).toBe(before)
    expect(await rowOf(held)).toBeUndefined()
  })

  test('D28: 30 days after the sign-in it ends, however young the refresh token is', async () => {
    const held = await signedIn({ signed_in: Math.floor(room.clock.now() / 1000) - 30 * 86_400 + 60 })
    const next = await renew(one, held)
    room.clock.advance(61_000)
    expect(await ending(one(form(next), NOBODY))).toBe('grant_invalid')
  })

  test('a client that renews without end has to wait, and nobody else', async () => {
    const few = renewalOver(fresh.database, () => true, 3)
    const held = await signedIn()
    const third = await renew(few, await renew(few, await renew(few, held)))
    const before = asked()
    expect(await ending(few(form(third), NOBODY))).toBe('rate_limited')
    expect(asked()).toBe(before)
    expect(await ending(few(form(await signedIn()), NOBODY))).toBe('done')
    expect(await ending(one(form(third), NOBODY))).toBe('done')
  })

  test('D28: with the provider away nothing is judged, and the same refresh token works afterwards', async () => {
    const held = await signedIn()
    for (const how of ['error', 'limited', 'garbage', 'cut'] as const) {
      room.fake.behave('company/token', how)
      expect(await ending(one(form(held), NOBODY)), how).toBe('provider_unavailable')
    }
    expect(await rowOf(held)).toBeUndefined()
    room.fake.behave('company/token', 'ok')
    expect(await ending(two(form(held), NOBODY))).toBe('done')
  })

  test('D28: with Postgres away, or not ready, it is 503 and the provider is not asked', async () => {
    const held = await signedIn()
    const before = asked()
    const away = renewalOver({ control: async () => await Promise.reject(new DatabaseUnavailable('away')) })
    expect(await ending(away(form(held), NOBODY))).toBe('database_unavailable')
    expect(await ending(renewalOver(fresh.database, () => false)(form(held), NOBODY))).toBe('database_unavailable')
    expect(asked()).toBe(before)
    expect(await ending(one(form(held), NOBODY))).toBe('done')
  })

  test('what the provider ended is ended', async () => {
    const held = await signedIn()
    room.company.signIn.forget()
    expect(await ending(one(form(held), NOBODY))).toBe('grant_invalid')
    const before = asked()
    expect(await ending(one(form(held), NOBODY))).toBe('grant_invalid')
    expect(asked()).toBe(before)
  })

  test('a provider that renews somebody else ends the sign-in', async () => {
    const held = await signedIn()
    room.company.signIn.change(async (answer, { client_id }) => ({
      ...answer,
      id_token: await room.company.sign({ ...people.bob, aud: client_id }),
    }))
    expect(await ending(one(form(held), NOBODY))).toBe('grant_invalid')
  })

  test('D28: a blocked person renews nothing, and must sign in again when unblocked', async () => {
    room.company.signIn.person({ sub: 'blocked', email: 'blocked@acme.test' })
    const held = await signedIn()
    const before = asked()
    await replica.registry.revocations.blockPerson(operator, held)
    expect(await ending(one(form(held), NOBODY))).toBe('grant_invalid')
    expect(asked()).toBe(before)
    await replica.registry.revocations.unblockPerson(operator, held)
    expect(await ending(one(form(held), NOBODY))).toBe('grant_invalid')
    expect(await ending(one(form(await signedIn()), NOBODY))).toBe('done')
  })

  test('D28: removed everywhere is the end; in one tenant of two is not', async () => {
    room.company.signIn.person({ sub: 'member', email: 'member@acme.test' })
    const held = await signedIn()
    const tenants = [await fresh.tenant(`first_${kind}`), await fresh.tenant(`second_${kind}`)]
    const members: string[] = []
    for (const { id } of tenants) {
      const member = uuidv7()
      members.push(member)
      await fresh.sql(
        `INSERT INTO gatehouse.members (id, tenant_id, iss, sub, provider, role, source) VALUES ($1, $2, $3, $4, 'company', 'member', 'operator')`,
        [member, id, held.iss, held.sub],
      )
    }
    const remove = async (member: string | undefined): Promise<unknown> =>
      await fresh.sql(`UPDATE gatehouse.members SET status = 'removed' WHERE id = $1`, [member])
    await remove(members[0])
    const next = await renew(one, held)
    await remove(members[1])
    expect(await ending(one(form(next), NOBODY))).toBe('grant_invalid')
  })

  test('D22: tokens revoked after the sign-in cannot be renewed into new ones', async () => {
    room.company.signIn.person({ sub: 'cut', email: 'cut@acme.test' })
    const held = await signedIn()
    const { id } = await fresh.tenant(`third_${kind}`)
    await fresh.sql(
      `INSERT INTO gatehouse.members (id, tenant_id, iss, sub, provider, role, source, tokens_not_before) VALUES ($1, $2, $3, $4, 'company', 'member', 'operator', $5)`,
      [uuidv7(), id, held.iss, held.sub, new Date(room.clock.now())],
    )
    expect(await ending(one(form(held), NOBODY))).toBe('grant_invalid')
    room.clock.advance(1_500)
    expect(await ending(one(form(await signedIn()), NOBODY))).toBe('done')
  })

  test('answers are sealed in the row and gone when they are of no use; ended sign-ins are deleted', async () => {
    const held = await signedIn()
    const next = await renew(one, held)
    const { answer } = (await rowOf(held)) ?? {}
    expect(answer).toMatch(/^v1\./)
    expect(answer).not.toContain(room.seals.refresh.open(next)?.refresh_token ?? 'nothing')
    room.clock.advance(61_000)
    await renew(one, await signedIn())
    expect(await rowOf(held)).toMatchObject({ answer: null, revoked_at: null })
    expect(await ending(one(form(next), NOBODY))).toBe('done')
    room.clock.advance(31 * 86_400_000)
    await renew(one, await signedIn())
    expect(await rowOf(held)).toBeUndefined()
  })

  test('ending a family, begun or not, is done once', async () => {
    const families = createFamilies({
      database: fresh.database,
      ready: () => true,
      log: createLog('silent'),
      clock: room.clock,
      secrets: SECRETS,
      issuer: PUBLIC_URL,
    })
    const held = await signedIn()
    expect([await families.end(held), await families.end(held)]).toEqual([true, false])
    expect(await ending(one(form(held), NOBODY))).toBe('grant_invalid')
    // Its row may have been lost with a COMMIT: the end must hold all the same.
    const later = await signedIn({ generation: 2 })
    expect(await families.end(later)).toBe(true)
    expect(await ending(one(form(later), NOBODY))).toBe('grant_invalid')
  })
})
