import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { DatabaseUnavailable, type Database } from '#db/database.ts'
import { createFamilies } from '#login/families.ts'
import type { Refresh } from '#login/flow.ts'
import { createRenewal, type Renewal } from '#login/renewal.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'
import { startReplica } from '../tenancy/support.ts'
import { NOBODY, PUBLIC_URL, REQUEST, SECRETS, ending, openRoom, signedInAt, type Room } from './support/room.ts'

/** Postgres goes away in the middle of a renewal. The provider ended the old refresh token by then, so its answer must not be lost. */

let room: Room
beforeAll(async () => void (room = await openRoom()), 60_000)
afterAll(async () => await room.close())

const signedIn = async (): Promise<Refresh> => await signedInAt(room)
const asked = (): number => room.fake.hits('company/token')

function renewalOver(database: Pick<Database, 'control'>): Renewal {
  const log = createLog('silent')
  const sealing = { secrets: SECRETS, issuer: PUBLIC_URL, clock: room.clock }
  const families = createFamilies({ ...sealing, database, ready: () => true, log })
  return createRenewal({ publicUrl: PUBLIC_URL, ...room, families, limit: async () => {}, log })
}

const form = (held: Refresh | string) => ({
  grant_type: 'refresh_token',
  refresh_token: typeof held === 'string' ? held : room.seals.refresh.seal(held),
  client_id: REQUEST.client_id,
})
const renew = async (by: Renewal, held: Refresh | string): Promise<string> =>
  (await by(form(held), NOBODY)).granted.refresh_token ?? ''
const rowIn = async (fresh: FreshDatabase, { family }: Refresh) =>
  (
    await fresh.sql<{ generation: number; revoked_at: Date | null }>(
      'SELECT generation, revoked_at FROM gatehouse.sign_in_families WHERE id = $1',
      [family],
    )
  )[0]

describe.each(upperKinds)('%s', (kind) => {
  let fresh: FreshDatabase
  let one: Renewal
  let two: Renewal
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    await startReplica(fresh)
    one = renewalOver(fresh.database)
    two = renewalOver(kind === 'postgres' ? await fresh.open() : fresh.database)
  }, 60_000)
  afterAll(async () => await fresh.drop())

  test('D28: the provider renewed and Postgres went away before COMMIT: the person stays signed in', async () => {
    const lossy = renewalOver({
      control: async (actor, run) =>
        await fresh.database.control(actor, async (db) => {
          await run(db)
          throw new DatabaseUnavailable('gone before COMMIT')
        }),
    })
    const held = await signedIn()
    const first = await renew(lossy, held)
    expect(await rowIn(fresh, held)).toBeUndefined()
    const second = await renew(one, first)
    expect(await rowIn(fresh, held)).toMatchObject({ generation: 2, revoked_at: null })
    const third = await renew(lossy, second)
    expect(await rowIn(fresh, held)).toMatchObject({ generation: 2 })
    const fourth = await renew(two, third)
    // What was counted last counts: an older one is a copy, as ever.
    expect(await ending(one(form(second), NOBODY))).toBe('grant_invalid')
    expect(await ending(one(form(fourth), NOBODY))).toBe('grant_invalid')
  })

  test('D28: Postgres cuts a renewal short while the provider still answers: what it answers is not lost', async () => {
    const held = await signedIn()
    room.fake.behave('company/token', { slow: 200 })
    const before = asked()
    const impatient = renewalOver({
      control: async (actor, run) =>
        await fresh.database.control(actor, async (db) => {
          const done = run(db)
          done.catch(() => {})
          await until(() => asked() > before)
          throw new DatabaseUnavailable('cut off in the middle')
        }),
    })
    const next = await renew(impatient, held)
    room.fake.behave('company/token', 'ok')
    expect(await ending(one(form(next), NOBODY))).toBe('done')
  })
})

test('D28: the connection dies while the provider answers: the person stays signed in', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  try {
    await startReplica(fresh)
    const by = renewalOver(fresh.database)
    const held = await signedIn()
    room.fake.behave('company/token', { slow: 400 })
    const before = asked()
    const renewing = renew(by, held)
    await until(() => asked() > before)
    const killed = await fresh.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND state = 'idle in transaction' AND query LIKE '%members%'`,
      [],
    )
    expect(killed).toHaveLength(1)
    const next = await renewing
    expect(await rowIn(fresh, held)).toBeUndefined()
    room.fake.behave('company/token', 'ok')
    expect(await ending(by(form(next), NOBODY))).toBe('done')
    expect(await rowIn(fresh, held)).toMatchObject({ generation: 2 })
  } finally {
    await fresh.drop()
  }
})
