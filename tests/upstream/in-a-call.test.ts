import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { Tool, ToolContext } from '#toolkit/tool.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { API_KEY, startFakeApi, type FakeApi } from '../support/fake-api.ts'
import { createDesk, listening, textOf } from '../toolkit/desk.ts'
import { bench, type Bench } from './support.ts'

let fresh: FreshDatabase
let api: FakeApi
let one: Bench
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  api = await startFakeApi()
  one = bench({
    UPSTREAM_URL: `${api.url}/v1`,
    UPSTREAM_AUTH: 'header',
    UPSTREAM_HEADER_NAMES: 'X-Api-Key',
    UPSTREAM_HEADER_VALUES: API_KEY,
  })
})
afterAll(async () => {
  await one.close()
  await api.close()
  await fresh.drop()
})

const tool = (access: Tool['access'], run: (context: ToolContext) => Promise<string>): Tool => ({
  name: 'ask',
  title: 'Ask',
  description: 'Asks.',
  scopes: ['projects:read'],
  access,
  timeout: 400,
  input: z.object({}),
  run: async (_, context) => await run(context),
})
const call = async (made: Tool) => {
  const { log, lines } = listening()
  const desk = createDesk(fresh.database, new Map([['ask', made]]), { upstreams: one.upstreams, log })
  const tenant = await (acme ??= fresh.tenant('acme'))
  const result = await desk.as(desk.principal(tenant, 'owner'))('ask')
  return { result, text: textOf(result), lines }
}
let acme: ReturnType<FreshDatabase['tenant']> | undefined

test('what an upstream did not answer is told to the caller in words, and to the operator with the reason', async () => {
  api.behave('contacts', { status: 503, body: 'body-of-the-api' })
  const { result, text, lines } = await call(
    tool('none', async ({ upstream }) => (await upstream().request('/contacts', { retries: 0 })).text()),
  )
  expect([result.isError, text]).toEqual([true, 'default cannot be reached right now.'])
  expect(lines).toContainEqual(
    expect.objectContaining({
      msg: 'an upstream gave no answer',
      upstream: 'default',
      code: 'unavailable',
      status: 503,
    }),
  )
  expect(JSON.stringify(lines)).not.toMatch(/body-of-the-api|key-of-the-fake/)
  api.behave('contacts', 'ok')
})

test('a call that ends after it changed something elsewhere does not say that nothing was changed', async () => {
  const late = tool('write', async ({ upstream, signal }) => {
    await upstream().request('/contacts', { method: 'POST', json: {} })
    return await new Promise<string>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
  })
  const { text } = await call(late)
  expect(text).toContain('another service was asked to change something and may have done so')
  const quiet = tool('write', async ({ upstream, signal }) => {
    await upstream().request('/contacts')
    return await new Promise<string>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
  })
  expect((await call(quiet)).text).toContain('nothing was changed.')
})

test('D20: a tool that reads and would POST is a bug: hidden from the caller, in the log, and nothing is sent', async () => {
  const before = api.hits()
  const { result, text, lines } = await call(
    tool('none', async ({ upstream }) => (await upstream().request('/contacts', { method: 'POST', json: {} })).text()),
  )
  expect([result.isError, text]).toEqual([true, 'internal error, request request-1'])
  expect(JSON.stringify(lines)).toContain("POST needs access 'write'")
  expect((await call(tool('none', async ({ upstream }) => upstream('erp').name))).text).toContain('internal error')
  expect(api.hits()).toBe(before)
})
