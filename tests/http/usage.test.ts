/** A whole server counts what is called, and holds a key to its own limit. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc, type RpcAnswer } from '../support/rpc.ts'

let server: RunningGatehouse
let token: string
beforeAll(async () => {
  server = await startGatehouse({ kind: 'postgres' })
  token = await server.token('alice@acme.test')
})
afterAll(async () => await server.close())

const call = async (as: string, name: string, args: object = {}): Promise<RpcAnswer> =>
  await rpc(server.mcp, as, 'tools/call', { name, arguments: args })

test('a key over its own limit is answered 429 with the seconds to wait, other keys and people are not', async () => {
  expect((await call(token, 'whoami')).status).toBe(200)
  const create = async (...more: string[]): Promise<{ key: string; requests_per_hour: number | null }> =>
    (await gatehouse(server, ['key', 'create', 'acme_test', '--json', ...more])).json()
  const limited = await create('--requests-per-hour', '2')
  expect(limited.requests_per_hour).toBe(2)
  const free = await create()
  for (let i = 0; i < 2; i += 1) expect((await call(limited.key, 'whoami')).status).toBe(200)
  const refused = await call(limited.key, 'whoami')
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500)
  expect(refused.headers.get('ratelimit-policy')).toBe('"key";q=2;w=3600')
  expect(refused.headers.get('ratelimit')).toMatch(/^"key";r=0;t=3\d{3}$/)
  // The token made for it is the same key.
  const exchanged = await fetch(`${server.url}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ api_key: limited.key }),
  })
  expect(exchanged.status).toBe(429)
  expect((await call(free.key, 'whoami')).status).toBe(200)
})

test('reads, writes, failures and refusals of a tenant are counted, and written at the end at the latest', async () => {
  const made = await call(token, 'create_project', { name: 'Apollo' })
  expect(made.text).toContain('Apollo')
  await call(token, 'list_projects')
  await call(token, 'get_project', { id: '01890a5d-ac96-774b-bcce-b302099a8057' })
  await call(token, 'no_such_tool')
  await call(token, 'list_projects', { limit: 'many' })
  await server.stop()
  const rows = await server.database.sql(
    `SELECT tool, sum(calls)::int AS calls, sum(failures)::int AS failures, sum(refusals)::int AS refusals
     FROM gatehouse.usage u JOIN gatehouse.tenants t ON t.id = u.tenant_id WHERE t.slug = 'acme_test' GROUP BY tool ORDER BY tool`,
  )
  expect(rows).toEqual([
    { tool: 'create_project', calls: 1, failures: 0, refusals: 0 },
    { tool: 'get_project', calls: 1, failures: 1, refusals: 0 },
    { tool: 'list_projects', calls: 2, failures: 1, refusals: 0 },
    { tool: 'refused', calls: 0, failures: 0, refusals: 1 },
    { tool: 'unknown', calls: 1, failures: 1, refusals: 0 },
    { tool: 'whoami', calls: 4, failures: 0, refusals: 0 },
  ])
})
