import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGatehouse, type RunningGatehouse } from '../../support/gatehouse.ts'
import { startWorld, type World } from './support.ts'

let world: World
let beside: RunningGatehouse
beforeAll(async () => {
  world = await startWorld()
  beside = await startGatehouse({ kind: 'postgres', beside: world.server, env: world.env })
})
afterAll(async () => {
  await beside.close()
  await world.server.close()
})

const invite = async (email: string, key: string, at = world.server.url, token = world.tokens.owner) => {
  const answer = await fetch(`${at}/api/v1/invitations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ email }),
  })
  return { status: answer.status, headers: answer.headers, json: (await answer.json()) as any }
}
const invited = async (email: string): Promise<number> => {
  const { json } = await world.ask(world.tokens.owner, 'GET', '/api/v1/invitations?limit=100')
  return json.items.filter((item: { email: string }) => item.email === email).length
}

test('who repeats a creation gets the same answer without the secret, and nothing is made a second time', async () => {
  const first = await invite('first@example.com', '"a-key"')
  expect(first.status).toBe(201)
  expect(first.json.token).toMatch(/^v1\./)
  expect(first.headers.get('idempotency-replayed')).toBeNull()
  // Quoted or not it is the same key, and another replica knows it.
  const again = await invite('first@example.com', 'a-key', beside.url)
  expect(again.status).toBe(201)
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(again.headers.get('location')).toBe(first.headers.get('location'))
  expect(again.json).toEqual({ ...first.json, token: null, link: null })
  expect(await invited('first@example.com')).toBe(1)
})

test('what is kept holds no secret', async () => {
  const { json } = await invite('kept@example.com', 'kept')
  const rows = await world.server.database.sql<{ body: string }>('SELECT body FROM gatehouse.answers')
  expect(rows.some(({ body }) => body.includes('kept@example.com'))).toBe(true)
  expect(JSON.stringify(rows)).not.toContain(json.token)
})

test('a key is of one request, one caller and one operation', async () => {
  await invite('bound@example.com', 'bound')
  const other = await invite('other@example.com', 'bound')
  expect(other.json).toMatchObject({ status: 422, code: 'idempotency_key_reused' })
  // Another admin has keys of their own, and so has another operation.
  const admin = await invite('other@example.com', 'bound', world.server.url, world.tokens.admin)
  expect(admin.status).toBe(201)
  const claim = await world.ask(
    world.tokens.owner,
    'POST',
    '/api/v1/domains',
    { domain: 'bound.com' },
    { 'idempotency-key': 'bound' },
  )
  expect(claim.status).toBe(201)
})

test('after a failure the key may be used again', async () => {
  const bad = await invite('no address', 'mended')
  expect(bad.json).toMatchObject({ status: 422, code: 'invalid' })
  expect((await invite('mended@example.com', 'mended')).status).toBe(201)
})

test('of the same request asked many times at once over two replicas, one is done', async () => {
  const answers = await Promise.all(
    Array.from(
      { length: 10 },
      async (_, at) => await invite('storm@example.com', 'storm', at % 2 === 0 ? world.server.url : beside.url),
    ),
  )
  const fresh = answers.filter(({ status, json }) => status === 201 && json.token !== null)
  expect(fresh.length).toBe(1)
  for (const { status, json, headers } of answers) {
    if (status === 201) continue
    expect([status, json.code, headers.get('retry-after')]).toEqual([409, 'idempotency_key_in_use', '1'])
  }
  expect(await invited('storm@example.com')).toBe(1)
})

test('a key that cannot be one is told', async () => {
  const answer = await invite('x@example.com', 'x'.repeat(256))
  expect(answer.json).toMatchObject({ status: 400, code: 'invalid_request' })
})
