/** Two whole servers on one database, one with the direct lane and one without: what an organisation has switched off is not there, for it alone. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { listen } from '../support/listening.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'

let direct: RunningGatehouse
let sdk: RunningGatehouse
/** Owners of two organisations. */
const ALICE = 'alice@acme.test'
const BOB = 'bob@globex.test'
beforeAll(async () => {
  const env = { RATE_LIMIT: 'off', OPERATORS: 'development:carol@acme.test' }
  direct = await startGatehouse({ kind: 'postgres', env: { ...env, GATEHOUSE_DIRECT_LANE: 'on' } })
  sdk = await startGatehouse({ kind: 'postgres', env: { ...env, GATEHOUSE_DIRECT_LANE: 'off' }, beside: direct })
  for (const email of [ALICE, BOB]) await tools(direct, email)
})
afterAll(async () => {
  await sdk?.close()
  await direct?.close()
})

type Era = 'modern' | 'legacy'
const ERAS: readonly Era[] = ['modern', 'legacy']

/** The answer to one request of either era. */
async function ask(
  server: RunningGatehouse,
  email: string,
  era: Era,
  method: string,
  params: object,
): Promise<unknown> {
  const name = 'name' in params ? { 'mcp-name': String(params.name) } : {}
  const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...name }
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const [more, headers] = era === 'modern' ? [{ ...params, _meta }, modern] : [params, {}]
  const answer = await rpc(server.mcp, await server.token(email), method, more, headers)
  return { status: answer.status, type: answer.headers.get('content-type'), json: answer.json }
}

async function tools(server: RunningGatehouse, email: string, era: Era = 'modern'): Promise<readonly string[]> {
  const { json } = (await ask(server, email, era, 'tools/list', {})) as {
    json: { result: { tools: { name: string }[] } }
  }
  return json.result.tools.map(({ name }) => name)
}

/** By the API of a tenant, as its owner. */
async function set(server: RunningGatehouse, email: string, body: object, method = 'PATCH') {
  const response = await fetch(`${server.url}/api/v1/tenant/tools`, {
    method,
    headers: { authorization: `Bearer ${await server.token(email)}`, 'content-type': 'application/json' },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, json: (await response.json()) as { items?: { name: string; on: boolean }[] } }
}

/** Milliseconds until the server has it so. */
async function within(server: RunningGatehouse, email: string, tool: string, there: boolean): Promise<number> {
  const began = performance.now()
  await until(async () => (await tools(server, email)).includes(tool) === there)
  return performance.now() - began
}

/** Of the tenant's audit, what is said of calls of this name. */
async function audited(slug: string, name: string): Promise<readonly object[]> {
  const [row] = await direct.database.sql<{ schema: string }>(`SELECT schema FROM gatehouse.tenants WHERE slug = $1`, [
    slug,
  ])
  return await direct.database.sql(
    `SELECT outcome, target, detail, arguments_digest FROM "${row?.schema ?? ''}".audit WHERE action = $1 ORDER BY at, id`,
    [name],
  )
}
const directly = async (): Promise<number> => {
  const text = await (await fetch(`${direct.url}/metrics`)).text()
  return Number(/gatehouse_mcp_requests_total\{lane="direct"\} (\d+)/.exec(text)?.[1] ?? 0)
}

test('D21: what an organisation switches off is gone from both lists at every replica within a second, and comes back; the wall: no other organisation’s list changes', async () => {
  const whole = await tools(direct, ALICE)
  expect(whole).toContain('delete_project')
  expect((await set(direct, ALICE, { off: ['delete_project', 'whoami'] })).status).toBe(200)
  expect(await within(sdk, ALICE, 'delete_project', false)).toBeLessThan(1_000)
  const left = whole.filter((name) => name !== 'delete_project' && name !== 'whoami')
  await within(direct, ALICE, 'whoami', false)
  const before = await directly()
  for (const server of [direct, sdk])
    for (const era of ERAS) {
      // The first teaches the lane, the second is answered by it.
      for (let time = 0; time < 2; time += 1) {
        expect(await tools(server, ALICE, era)).toEqual(left)
        expect(await tools(server, 'carol@acme.test', era)).not.toContain('whoami')
        expect(await tools(server, BOB, era)).toEqual(whole)
      }
    }
  expect(await directly()).toBeGreaterThan(before)
  // Another organisation's own switch changes nothing here.
  await set(sdk, BOB, { off: ['list_projects'] })
  expect(await within(direct, BOB, 'list_projects', false)).toBeLessThan(1_000)
  expect(await tools(direct, ALICE)).toEqual(left)
  expect(await tools(direct, BOB)).toEqual(whole.filter((name) => name !== 'list_projects'))
  await set(sdk, BOB, { on: ['list_projects'] })
  await set(sdk, ALICE, { on: ['delete_project', 'whoami'] })
  expect(await within(direct, ALICE, 'delete_project', true)).toBeLessThan(1_000)
  for (const era of ERAS) expect(await tools(direct, ALICE, era)).toEqual(whole)
})

test('a call of what is off is answered and audited as that of a tool that never was, in both eras and lanes; of another organisation it works', async () => {
  await set(direct, ALICE, { off: ['list_projects'] })
  for (const server of [direct, sdk]) await within(server, ALICE, 'list_projects', false)
  let calls = 0
  for (const server of [direct, sdk])
    for (const era of ERAS)
      for (let time = 0; time < 2; time += 1) {
        calls += 1
        // Bad arguments too: what is not there checks none.
        const given = { arguments: time === 0 ? { limit: 3 } : { limit: 'many' } }
        const off = await ask(server, ALICE, era, 'tools/call', { name: 'list_projects', ...given })
        const never = await ask(server, ALICE, era, 'tools/call', { name: 'list_planets', ...given })
        expect(JSON.parse(JSON.stringify(off).replaceAll('list_projects', 'list_planets'))).toEqual(never)
        expect(off).toMatchObject({ json: { error: { code: -32602, message: 'Unknown tool: list_projects' } } })
        const there = await ask(server, BOB, era, 'tools/call', { name: 'list_projects', arguments: { limit: 3 } })
        expect(there).toMatchObject({ json: { result: { structuredContent: { items: expect.any(Array) } } } })
      }
  await until(async () => (await audited('acme_test', 'list_planets')).length === calls)
  await until(async () => (await audited('acme_test', 'list_projects')).length === calls)
  const never = await audited('acme_test', 'list_planets')
  expect(never[0]).toMatchObject({ outcome: 'failed', detail: { reason: 'tool_unknown' } })
  expect(await audited('acme_test', 'list_projects')).toEqual(never)
  // What counts calls learns no name of it.
  const text = await (await fetch(`${sdk.url}/metrics`)).text()
  expect(text).not.toMatch(/tool="list_projects"[^\n]*outcome="invalid"/)
  await set(direct, ALICE, { on: ['list_projects'] })
  await within(sdk, ALICE, 'list_projects', true)
  await within(direct, ALICE, 'list_projects', true)
  const again = await ask(direct, ALICE, 'modern', 'tools/call', { name: 'list_projects', arguments: {} })
  expect(again).toMatchObject({ json: { result: { structuredContent: {} } } })
})

test('who listens at any replica is told, once the list there is the new one, and of its own organisation only', async () => {
  const acme = [await listen(direct, ALICE), await listen(sdk, ALICE)]
  const globex = await listen(sdk, BOB)
  const asked = acme.map(async ({ heard }, which) => {
    await until(() => heard.includes('tools/list_changed'))
    return await tools(which === 0 ? direct : sdk, ALICE)
  })
  await set(direct, ALICE, { off: ['whoami'] })
  for (const list of await Promise.all(asked)) expect(list).not.toContain('whoami')
  // By the command line, which knows no listener.
  expect(await gatehouse(direct, 'tenant tools acme_test --on whoami')).toMatchObject({ exit: 0 })
  await until(() => acme.every(({ heard }) => heard.length >= 2))
  await set(sdk, BOB, { off: ['whoami'] })
  await until(() => globex.heard.length > 0)
  expect(globex.heard).toEqual(['tools/list_changed'])
  for (const { heard } of acme) expect(heard).toEqual(['tools/list_changed', 'tools/list_changed'])
  await set(sdk, BOB, { on: ['whoami'] })
  for (const { stop } of [...acme, globex]) stop()
})

test('an operator switches for a tenant by API and command line, an admin turns it back, and a name that is no tool is refused with words', async () => {
  const url = `${direct.url}/api/v1/operator/tenants/globex_test/tools`
  const operator = {
    authorization: `Bearer ${await direct.token('carol@acme.test')}`,
    'content-type': 'application/json',
  }
  const off = await fetch(url, { method: 'PATCH', headers: operator, body: JSON.stringify({ off: ['create_todo'] }) })
  expect(off.status).toBe(200)
  expect(await off.json()).toMatchObject({
    items: expect.arrayContaining([expect.objectContaining({ name: 'create_todo', on: false })]),
  })
  await within(sdk, BOB, 'create_todo', false)
  const wrong = await fetch(url, { method: 'PATCH', headers: operator, body: JSON.stringify({ off: ['create_tood'] }) })
  expect(await wrong.json()).toMatchObject({
    status: 422,
    errors: [{ pointer: '#/off', detail: 'there is no tool "create_tood"' }],
  })
  expect(await set(sdk, BOB, { on: ['create_todo'] })).toMatchObject({ status: 200 })
  await within(direct, BOB, 'create_todo', true)

  const shown = await gatehouse(direct, 'tenant tools globex_test --off create_todo,delete_todo --json')
  const rows: readonly { name: string; on: boolean }[] = shown.json()
  expect(rows.filter(({ on }) => !on).map(({ name }) => name)).toEqual(['create_todo', 'delete_todo'])
  await within(sdk, BOB, 'delete_todo', false)
  expect(await gatehouse(direct, 'tenant tools globex_test --off create_tood')).toMatchObject({
    exit: 1,
    stderr: expect.stringContaining('there is no tool "create_tood"'),
  })
  expect((await gatehouse(direct, 'tenant tools globex_test')).stdout).toMatch(
    /create_todo +off[\s\S]*create_api_key|create_api_key[\s\S]*create_todo +off/,
  )
  expect(await gatehouse(direct, 'tenant tools globex_test --on create_todo,delete_todo')).toMatchObject({ exit: 0 })
  await within(sdk, BOB, 'delete_todo', true)
})
