import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorld, type World } from './support.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => await world.server.close())

const file = async (query: string, token = world.tokens.owner): Promise<Response> =>
  await fetch(`${world.server.url}/api/v1/audit/export${query}`, { headers: { authorization: `Bearer ${token}` } })

test('the audit log comes as a file, one entry a line, and its reading is in it', async () => {
  await (await file('')).text()
  const answer = await file('?source=admin')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
  expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="audit-acme_test-[\d-]+\.ndjson"$/)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const lines = (await answer.text()).trimEnd().split('\n')
  const actions = lines.map((line) => JSON.parse(line).action)
  expect(actions).toContain('member.role_changed')
  expect(actions).toContain('audit.exported')
})

test('as CSV it has a header line', async () => {
  const answer = await file('?format=csv&action=member.*')
  expect(answer.headers.get('content-type')).toContain('text/csv')
  const [header = '', first = ''] = (await answer.text()).split('\r\n')
  expect(header).toMatch(/^at,action,outcome,/)
  expect(first).toContain('member.role_changed')
})

test('an owner takes the whole tenant out, whole', async () => {
  const answer = await fetch(`${world.server.url}/api/v1/tenant/export`, {
    headers: { authorization: `Bearer ${world.tokens.owner}` },
  })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/gzip')
  expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="acme_test-[\d-]+\.tar\.gz"$/)
  const tar = gunzipSync(Buffer.from(await answer.arrayBuffer())).toString()
  expect(tar).toMatch(/^manifest\.json\0/)
  expect(tar).toContain('end.json')
  expect(tar).not.toContain('globex')
})

test('another tenant’s admin gets nothing of it', async () => {
  const text = await (await file('', world.tokens.stranger)).text()
  expect(text).not.toContain('acme')
  expect((await file('', world.tokens.member)).status).toBe(403)
})

test('nobody makes a file only to throw it away', async () => {
  const headers = { authorization: `Bearer ${world.tokens.owner}` }
  const answer = await fetch(`${world.server.url}/api/v1/audit/export`, { method: 'HEAD', headers })
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET'])
})
