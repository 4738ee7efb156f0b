import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFakeProvider, type FakeIssuer, type FakeProvider } from '../support/fake-provider.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc, type RpcAnswer } from '../support/rpc.ts'
import { until } from '../support/until.ts'

/** How a provider's keys can fail (security.md 3d, N2 to N7), against a whole server. Each way has an issuer of its own. */
const WAYS = [
  'error',
  'hang',
  'trickle',
  'cut',
  'limited',
  'redirect',
  'huge',
  'bomb',
  'empty',
  'html',
  'garbage',
] as const
type Way = (typeof WAYS)[number]

const MINUTE = 60_000

let fake: FakeProvider
let server: RunningGatehouse
let ahead = 0
const held = new Map<Way, FakeIssuer>()
const cold = new Map<Way, FakeIssuer>()

beforeAll(async () => {
  fake = await startFakeProvider()
  const env: Record<string, string> = {}
  const add = (name: string): FakeIssuer => {
    const issuer = fake.issuer({ path: name })
    const prefix = `OIDC_${name.toUpperCase()}`
    env[`${prefix}_ISSUER`] = issuer.iss
    env[`${prefix}_AUDIENCE`] = 'gatehouse'
    env[`${prefix}_TENANT`] = 'acme'
    return issuer
  }
  for (const way of WAYS) {
    held.set(way, add(`held${way}`))
    cold.set(way, add(`cold${way}`))
    fake.behave(`cold${way}/jwks`, way)
  }
  server = await startGatehouse({
    kind: 'postgres',
    env,
    parts: { clock: { now: () => Date.now() + ahead } },
  })
  await server.database.tenant('acme')
  // Their keys are fetched at start.
  for (const way of WAYS) await until(() => fake.hits(`held${way}/jwks`) > 0)
}, 60_000)
afterAll(async () => {
  await server?.close()
  await fake?.close()
})

async function whoami(issuer: FakeIssuer | undefined): Promise<RpcAnswer> {
  const now = Math.floor((Date.now() + ahead) / 1000)
  // A token of its own each time: none is known from before.
  const token = await issuer?.sign({
    sub: 'alice',
    aud: 'gatehouse',
    iat: now,
    exp: now + 600,
    jti: String(Math.random()),
  })
  return await rpc(server.mcp, token ?? '', 'tools/call', { name: 'whoami', arguments: {} })
}

test('keys that are not to be had: 503 with Retry-After and no challenge, within their time limit, while others are served', async () => {
  const started = performance.now()
  const others = WAYS.map(async (way) => await whoami(held.get(way)))
  const answers = await Promise.all(WAYS.map(async (way) => ({ way, answer: await whoami(cold.get(way)) })))
  for (const { way, answer } of answers) {
    expect({ way, status: answer.status }).toEqual({ way, status: 503 })
    expect(answer.json).toMatchObject({ error: 'temporarily_unavailable' })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.headers.get('www-authenticate')).toBeNull()
  }
  // 5 s is the whole exchange; the rest is for a busy machine.
  expect(performance.now() - started).toBeLessThan(12_000)
  expect((await Promise.all(others)).map(({ status }) => status)).toEqual(WAYS.map(() => 200))
  expect(fake.hits('GET /redirected')).toBe(0)
})

test('keys once fetched serve on for an hour, however their provider fails; after that 503', async () => {
  for (const way of WAYS) fake.behave(`held${way}/jwks`, way)
  ahead = 40 * MINUTE
  const during = await Promise.all(WAYS.map(async (way) => ({ way, status: (await whoami(held.get(way))).status })))
  expect(during).toEqual(WAYS.map((way) => ({ way, status: 200 })))
  // It was asked, and did fail.
  for (const way of WAYS) await until(() => fake.hits(`held${way}/jwks`) > 1)
  ahead = 70 * MINUTE
  const after = await Promise.all(WAYS.map(async (way) => ({ way, status: (await whoami(held.get(way))).status })))
  expect(after).toEqual(WAYS.map((way) => ({ way, status: 503 })))
})

test('a provider that is back is believed again after at most its back-off', async () => {
  for (const way of WAYS) for (const state of ['held', 'cold']) fake.behave(`${state}${way}/jwks`, 'ok')
  ahead += MINUTE
  const all = [...held.values(), ...cold.values()]
  const statuses = async (): Promise<readonly number[]> =>
    (await Promise.all(all.map(whoami))).map(({ status }) => status)
  await until(async () => (await statuses()).every((status) => status === 200))
  expect(await statuses()).toEqual(all.map(() => 200))
})
