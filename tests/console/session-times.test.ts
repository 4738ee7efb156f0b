import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { SESSION, visitor, type Visitor } from './support.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let ahead = 0
let server: RunningGatehouse
beforeAll(async () => {
  const clock = { now: () => Date.now() + ahead }
  server = await startGatehouse({ kind: 'postgres', parts: { clock } })
}, 60_000)
afterAll(async () => await server?.close())
beforeEach(() => void (ahead = 0))

async function signedIn(): Promise<Visitor> {
  const alice = visitor(server)
  await alice.signIn('alice')
  return alice
}
const status = async (who: Visitor): Promise<number> => (await who.get('/console/account')).status

test('D31: eight hours without a request end a session', async () => {
  const alice = await signedIn()
  ahead = 8 * HOUR - MINUTE
  expect(await status(alice)).toBe(200)
  ahead += 8 * HOUR - MINUTE
  expect(await status(alice)).toBe(200)
  ahead += 8 * HOUR
  expect(await status(alice)).toBe(303)
})

test('D31: twenty-four hours after the sign-in a session is over, however busy; its copies end with it', async () => {
  const alice = await signedIn()
  for (ahead = 0; ahead < 24 * HOUR - MINUTE; ahead += 4 * HOUR) expect(await status(alice)).toBe(200)
  ahead = 24 * HOUR - MINUTE
  expect(await status(alice)).toBe(200)
  ahead = 24 * HOUR + MINUTE
  expect(await status(alice)).toBe(303)
})

test('the cookie is sealed anew at most every five minutes, and the old one is no longer good after its eight hours', async () => {
  const alice = await signedIn()
  const first = alice.jar.get(SESSION)
  expect((await alice.get('/console/account')).cookies).toEqual([])
  ahead = 6 * MINUTE
  expect((await alice.get('/console/account')).cookies).toHaveLength(1)
  expect(alice.jar.get(SESSION)).not.toBe(first)
  const copy = visitor(server)
  copy.jar.set(SESSION, first ?? '')
  ahead = 8 * HOUR + MINUTE
  expect(await status(copy)).toBe(303)
  expect(await status(alice)).toBe(200)
})

test('D24: a sign-in that takes more than ten minutes is begun again', async () => {
  const alice = visitor(server)
  const callback = await alice.untilCallback('alice')
  ahead = 10 * MINUTE + 1000
  expect((await alice.get(callback)).status).toBe(400)
})
