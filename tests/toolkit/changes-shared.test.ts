/** News of changes between processes, on a real Postgres, with its channel in the hands of a tenant's own role. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { createSeal } from '#base/seal.ts'
import { systemClock, type Clock } from '#base/clock.ts'
import { NO_METRICS, type Metrics } from '#base/metrics.ts'
import { uuidv7 } from '#base/id.ts'
import type { Database } from '#db/database.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { PARCEL } from '#toolkit/changes-parcel.ts'
import { createSharedChanges, type SharedChanges } from '#toolkit/changes-shared.ts'
import type { News } from '#toolkit/changes.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

const SECRET = 'a secret of both processes 0123456789012345'
let fresh: FreshDatabase
let acme: Tenant
let globex: Tenant
let there: Database
let one: SharedChanges
let two: SharedChanges
/** What is heard at the second process, by tenant. */
const heard: [string, News][] = []
/** Minutes by which the clock of the second process is ahead. */
let ahead = 0
const clock: Clock = { now: () => systemClock.now() + ahead * 60_000 }

/** Notifications that the second process did not believe. */
let refused = 0
const metrics: Metrics = {
  ...NO_METRICS,
  counter:
    () =>
    ({ outcome }: Readonly<Record<string, string>>) =>
      void (outcome === 'refused' && (refused += 1)),
}

const options = { secrets: [SECRET], clock: systemClock, log: createLog('silent') }

beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  acme = await fresh.tenant('acme')
  globex = await fresh.tenant('globex')
  there = await fresh.open()
  one = createSharedChanges({ ...options, database: fresh.database })
  // In the middle of a roll-out that changes the secret: the old one still opens.
  two = createSharedChanges({
    ...options,
    clock,
    metrics,
    database: there,
    secrets: ['a newer secret 01234567890123456789', SECRET],
  })
  for (const { id, slug } of [acme, globex]) two.subscribe(id, (news) => heard.push([slug, news]))
  await one.start()
  await two.start()
  // The first moment of listening counts as a gap.
  await until(() => heard.length >= 2)
})
afterAll(async () => {
  await one.close()
  await two.close()
  await fresh.drop()
})

/** A connection with no more rights than a tenant's own role. */
async function intruder({ schema }: Tenant): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: fresh.url })
  await client.connect()
  await client.query(`SET ROLE ${schema}`)
  return client
}
const own = { resource: 'gatehouse://documents/1' }

test('a change told at one process is heard at the other, in its tenant and nowhere else, and once', async () => {
  heard.length = 0
  const here: News[] = []
  const stop = one.subscribe(acme.id, (news) => here.push(news))
  for (let i = 0; i < 5; i += 1) one.publish(acme.id, own)
  one.publish(acme.id, 'tools')
  await until(() => heard.length === 2)
  expect(heard).toEqual([
    ['acme', own],
    ['acme', 'tools'],
  ])
  // Its own notification comes back to the first process, and says nothing new there.
  one.publish(globex.id, 'prompts')
  await until(() => heard.length === 3)
  expect(heard[2]).toEqual(['globex', 'prompts'])
  expect(here).toEqual([own, own, own, own, own, 'tools'])
  stop()
})

test('D15: who may only write to the channel, as every tenant may, is not believed; what they overhear says nothing and cannot be said again', async () => {
  const mallory = await intruder(acme)
  const overheard: string[] = []
  mallory.on('notification', ({ payload }) => overheard.push(payload ?? ''))
  await mallory.query('LISTEN gatehouse_news')
  heard.length = 0
  one.publish(globex.id, { resource: 'gatehouse://documents/of-globex' })
  await until(() => heard.length === 1 && overheard.length === 1)
  const [sealed = ''] = overheard
  expect(sealed).not.toContain('of-globex')
  expect(Buffer.from(sealed.slice(3), 'base64url').toString('latin1')).not.toContain(globex.id)

  const parcel = { from: 'mallory', of: [[globex.id, ['tools']] as const] }
  const sealedAs = (purpose: 'news' | 'session', secret: string): string =>
    createSeal({ purpose, issuer: 'registry', schema: PARCEL, life: 60, secrets: [secret], clock: systemClock }).seal(
      parcel,
    )
  const before = refused
  const forged = [
    JSON.stringify(parcel),
    sealedAs('news', 'a secret that only Mallory knows 0123456789'),
    sealedAs('session', SECRET),
    // Said again, with one letter changed, and with more after it.
    sealed,
    sealed.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    `${sealed}=`,
    '',
  ]
  for (const text of forged) await mallory.query(`NOTIFY gatehouse_news, '${text}'`)
  // All but the same one again, which is ours and says nothing new.
  await until(() => refused === before + forged.length - 1)
  one.publish(globex.id, 'resources')
  await until(() => heard.length >= 2)
  expect(heard).toEqual([
    ['globex', { resource: 'gatehouse://documents/of-globex' }],
    ['globex', 'resources'],
  ])
  await mallory.end()
})

test('a notification older than a minute is not believed', async () => {
  const before = refused
  ahead = 5
  heard.length = 0
  one.publish(globex.id, 'tools')
  await until(() => refused > before)
  ahead = 0
  one.publish(globex.id, 'prompts')
  await until(() => heard.length > 0)
  expect(heard).toEqual([['globex', 'prompts']])
})

test('a tenant with more changes than are kept, or one too long, is told as anything; others are told as they are', async () => {
  heard.length = 0
  for (let i = 0; i < 2_000; i += 1) one.publish(acme.id, { resource: `x://${i}` })
  one.publish(globex.id, own)
  await until(() => heard.length === 2)
  expect(heard).toEqual([
    ['acme', 'anything'],
    ['globex', own],
  ])
  heard.length = 0
  one.publish(acme.id, { resource: `x://${'long'.repeat(1_000)}` })
  await until(() => heard.length === 1)
  expect(heard).toEqual([['acme', 'anything']])
  // As many as are kept take several notifications, and none is lost.
  heard.length = 0
  const uris = Array.from({ length: 250 }, (_, index) => `x://${index}/${'ü"'.repeat(60)}`)
  for (const resource of uris) one.publish(acme.id, { resource })
  await until(() => heard.length === uris.length)
  expect(heard).toEqual(uris.map((resource) => ['acme', { resource }]))
})

test('changes of very many tenants arrive, each in its own', async () => {
  const ids = Array.from({ length: 1_500 }, () => uuidv7())
  const seen = new Set<string>()
  const stops = ids.map((id) => two.subscribe(id, (news) => news === 'tools' && seen.add(id)))
  for (const id of ids) one.publish(id, 'tools')
  await until(() => seen.size === ids.length)
  expect(seen).toEqual(new Set(ids))
  for (const stop of stops) stop()
})

test('what cannot be told waits, and a listener that was deaf hears that anything may have changed', async () => {
  heard.length = 0
  let away = true
  const flaky = createSharedChanges({
    ...options,
    database: {
      tell: async (texts) => {
        if (away) throw new Error('away')
        await fresh.database.tell(texts)
      },
      hear: async () => {},
    },
  })
  flaky.publish(acme.id, own)
  flaky.publish(acme.id, own)
  away = false
  await flaky.close()
  await until(() => heard.length > 0)
  expect(heard).toEqual([['acme', own]])
  heard.length = 0
  await fresh.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = current_database() AND query LIKE '%gatehouse_beat%'`)
  await until(() => heard.length >= 2)
  expect(heard.slice(0, 2)).toEqual([
    ['acme', 'anything'],
    ['globex', 'anything'],
  ])
})
