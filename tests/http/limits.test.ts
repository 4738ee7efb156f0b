/** Two whole servers on one database that count requests together, byte by byte as the draft has it. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc, type RpcAnswer } from '../support/rpc.ts'
import { until } from '../support/until.ts'

const SECRET = 'known to the tests and to nobody else'
const env = {
  JWT_SECRET_KEY: SECRET,
  JWT_ISSUER: 'https://app.example.com',
  JWT_AUDIENCE: 'gatehouse',
  JWT_DOMAINS: 'acme.test,globex.test,initech.test,umbrella.test',
  RATE_LIMIT_STORE: 'postgres',
  RATE_LIMIT_PER_PRINCIPAL: '5',
  RATE_LIMIT_PER_TENANT: '8',
  RATE_LIMIT_PER_IP: '5',
}
let one: RunningGatehouse
let two: RunningGatehouse
beforeAll(async () => {
  one = await startGatehouse({ kind: 'postgres', env })
  two = await startGatehouse({ kind: 'postgres', env, beside: one })
})
afterAll(async () => {
  await two.close()
  await one.close()
})

const whoami = async (server: RunningGatehouse, token: string): Promise<RpcAnswer> =>
  await rpc(server.mcp, token, 'tools/call', { name: 'whoami', arguments: {} })
/** A token that both servers accept. */
function tokenOf(email: string): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: env.JWT_ISSUER, aud: env.JWT_AUDIENCE, sub: email, email, email_verified: true }
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...claims, iat: now, exp: now + 600 })}`
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`
}
const rateLimit = ({ headers }: RpcAnswer): string =>
  `${headers.get('ratelimit-policy') ?? ''} ${headers.get('ratelimit')?.replace(/t=\d+$/, 't=...') ?? ''}`

test('RATE_LIMIT_STORE=postgres: two servers share one count per person and per tenant, and say so in the headers', async () => {
  const alice = tokenOf('alice@acme.test')
  const said: string[] = []
  for (const server of [one, two, one, two, one]) said.push(rateLimit(await whoami(server, alice)))
  expect(said).toEqual([4, 3, 2, 1, 0].map((left) => `"principal";q=5;w=60 "principal";r=${left};t=...`))
  const refused = await whoami(two, alice)
  expect(refused.status).toBe(429)
  const wait = refused.headers.get('retry-after') ?? ''
  expect(Number(wait)).toBeGreaterThan(0)
  expect(Number(wait)).toBeLessThanOrEqual(60)
  expect(refused.headers.get('ratelimit')).toBe(`"principal";r=0;t=${wait}`)
  expect(refused.headers.get('ratelimit-policy')).toBe('"principal";q=5;w=60')
  expect(refused.json).toEqual({ error: 'rate_limited', error_description: 'Too many requests. Try again later.' })
  // Five were counted for the tenant, the refused one was not: three are left for everybody else in it.
  const bob = tokenOf('bob@acme.test')
  expect(rateLimit(await whoami(two, bob))).toBe('"tenant";q=8;w=60 "tenant";r=2;t=...')
  await whoami(one, bob)
  expect(rateLimit(await whoami(two, bob))).toBe('"tenant";q=8;w=60 "tenant";r=0;t=...')
  const full = await whoami(one, bob)
  expect([full.status, full.headers.get('ratelimit-policy')]).toEqual([429, '"tenant";q=8;w=60'])
  // Another tenant is not touched by it.
  expect((await whoami(one, tokenOf('carol@globex.test'))).status).toBe(200)
})

test('failed requests of one address are counted by both together, and a right token is never refused for them', async () => {
  const statuses: number[] = []
  for (const server of [one, two, one, two, one, two, one])
    statuses.push((await fetch(server.mcp, { method: 'POST', headers: { authorization: 'Bearer nonsense' } })).status)
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
  expect((await whoami(two, tokenOf('dave@globex.test'))).status).toBe(200)
})

test('the store dies: the limit holds in memory and one line says so; it comes back: the servers count together again', async () => {
  const line = (server: RunningGatehouse, text: string): number =>
    server.lines.filter((one) => one.includes(text)).length
  await one.database.sql('ALTER TABLE gatehouse.counters RENAME TO counters_gone')
  const erin = tokenOf('erin@initech.test')
  const alone: number[] = []
  for (let i = 0; i < 7; i += 1) alone.push((await whoami(one, erin)).status)
  expect(alone).toEqual([200, 200, 200, 200, 200, 429, 429])
  expect((await whoami(two, erin)).status).toBe(200)
  expect([line(one, 'this process counts for itself'), line(two, 'this process counts for itself')]).toEqual([1, 1])
  await one.database.sql('ALTER TABLE gatehouse.counters_gone RENAME TO counters')
  await until(() => line(one, 'count together') === 1 && line(two, 'count together') === 1)
  const frank = tokenOf('frank@umbrella.test')
  expect(rateLimit(await whoami(one, frank))).toContain('r=4')
  expect(rateLimit(await whoami(two, frank))).toContain('r=3')
})
