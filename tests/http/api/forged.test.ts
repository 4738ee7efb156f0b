/** Cursors that no list answered: refused as input, whoever made them up, and never our mistake. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { API_ROUTES } from '#http/api-routes.ts'
import { startWorld, type World } from './support.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => await world.server.close())

const coded = (text: string): string => Buffer.from(text).toString('base64url')
const place = (at: string): string => coded(`${at} 00000000-0000-0000-0000-000000000000`)
const FORGED = [coded('{"after":"\\u0000"}'), coded('{"after":"a\\ud800"}'), coded('{"after":{}}'), coded('[]'), '%00']
/** Of the audit: times that no calendar has. Where a text is sorted by, there is nothing after them. */
const TIMES = ['2026-02-30T00:00:00.000000Z', '0000-01-01T00:00:00.000000Z', '2026-01-01T24:00:00.000000Z']
const lists = API_ROUTES.filter(({ operation }) => Object.hasOwn(operation.input.shape, 'cursor'))

test('there are lists', () => expect(lists.length).toBeGreaterThan(4))

test.for(lists)('$path refuses every one', async ({ path }) => {
  for (const cursor of FORGED) {
    const { status, json } = await world.ask(world.tokens.owner, 'GET', `/api/v1${path}?cursor=${cursor}`)
    expect([cursor, status, json?.detail]).toEqual([cursor, 422, expect.any(String)])
  }
  for (const time of TIMES) {
    const cursor = coded(JSON.stringify({ after: place(time) }))
    const { status, json } = await world.ask(world.tokens.owner, 'GET', `/api/v1${path}?cursor=${cursor}`)
    expect(status === 422 || json.next_cursor === null, time).toBe(true)
    if (path === '/audit') expect([time, status]).toEqual([time, 422])
  }
})
