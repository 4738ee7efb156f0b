import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ControlActor } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { createAnswers, type Answers } from '#tenancy/answers.ts'
import type { Actor } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { MovedClock, person } from './people.ts'
import { actorOf, company, operator, startReplica, type Replica } from './support.ts'

let fresh: FreshDatabase
let replica: Replica
let tenant: Tenant
let other: Tenant
let alice: Actor
let answers: Answers
const clock = new MovedClock()

beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  replica = await startReplica(fresh, { clock })
  tenant = await company(replica, 'acme')
  other = await company(replica, 'globex')
  alice = actorOf(await replica.principal(person('alice@acme.com')))
  answers = createAnswers({ database: fresh.database, clock })
})
afterAll(async () => await fresh.drop())

const asked = (key: string, request = 'the same') => ({ operation: 'invite_member', key, request })
async function first(key: string): Promise<string> {
  const begun = await answers.begin(tenant, alice, asked(key))
  if (begun.kind !== 'first') throw new Error(`it was ${begun.kind}`)
  return begun.id
}

test('a request is under way, then answered, and its key belongs to it', async () => {
  const id = await first('one')
  expect(await answers.begin(tenant, alice, asked('one'))).toEqual({ kind: 'under_way' })
  expect(await answers.begin(tenant, alice, asked('one', 'another'))).toEqual({ kind: 'other' })
  await answers.keep(tenant, alice, id, { status: 201, body: '{"id":"x"}' })
  expect(await answers.begin(tenant, alice, asked('one'))).toEqual({
    kind: 'answered',
    answer: { status: 201, body: '{"id":"x"}' },
  })
})

test('a key that was forgotten is free, one that was answered is not forgotten', async () => {
  const id = await first('two')
  await answers.forget(tenant, alice, id)
  const again = await first('two')
  await answers.keep(tenant, alice, again, { status: 201, body: '{}' })
  await answers.forget(tenant, alice, again)
  expect(await answers.begin(tenant, alice, asked('two'))).toMatchObject({ kind: 'answered' })
})

test('a replica that died leaves its key after five minutes, and cannot answer for who took it over', async () => {
  const dead = await first('three')
  clock.advance(5 * 60_000 - 1_000)
  expect(await answers.begin(tenant, alice, asked('three'))).toEqual({ kind: 'under_way' })
  clock.advance(2_000)
  const taken = await first('three')
  expect(taken).not.toBe(dead)
  await answers.keep(tenant, alice, dead, { status: 201, body: '{"late":true}' })
  expect(await answers.begin(tenant, alice, asked('three'))).toEqual({ kind: 'under_way' })
})

test('after a day the key is free again, for any request, and what was kept is deleted on the way', async () => {
  const id = await first('four')
  await answers.keep(tenant, alice, id, { status: 201, body: '{"email":"dora@example.com"}' })
  clock.advance(24 * 3_600_000 + 1_000)
  expect(await answers.begin(tenant, alice, asked('four', 'another'))).toMatchObject({ kind: 'first' })
  // Postgres goes by its own clock when it says what is over.
  await fresh.sql(`UPDATE gatehouse.answers SET expires_at = now() - interval '1 minute'`)
  const before = await fresh.sql('SELECT 1 FROM gatehouse.answers')
  expect(before.length).toBeGreaterThan(1)
  await first('five')
  expect((await fresh.sql('SELECT 1 FROM gatehouse.answers')).length).toBe(1)
})

test('a key is of one tenant and one caller: another’s says nothing of it', async () => {
  const id = await first('six')
  await answers.keep(tenant, alice, id, { status: 201, body: '{}' })
  expect(await answers.begin(other, operator, asked('six'))).toMatchObject({ kind: 'first' })
  expect(await answers.begin(tenant, operator, asked('six'))).toMatchObject({ kind: 'first' })
  expect(await answers.begin(null, operator, asked('six'))).toMatchObject({ kind: 'first' })
  await expect(answers.begin(other, alice, asked('six'))).rejects.toMatchObject({ code: 'unknown' })
  await expect(answers.begin(null, alice, asked('six'))).rejects.toMatchObject({ code: 'forbidden' })
})

test('D17: the desk of one tenant sees no answer of another, and the resolver none that counts', async () => {
  const count = async (as: ControlActor): Promise<number> => {
    const [row] = await fresh.database.control(
      as,
      async (db) => await db.query<{ n: number }>(sql`SELECT count(*)::int AS n FROM answers`),
    )
    return row?.n ?? -1
  }
  expect(await count({ as: 'operator' })).toBeGreaterThan(1)
  expect(await count({ as: 'desk', tenant: other.id })).toBe(1)
  expect(await count({ as: 'resolver' })).toBe(0)
})
