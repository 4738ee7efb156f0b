import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { packageRoot } from '#base/package.ts'
import { sql } from '#db/sql.ts'
import { createLibrary } from '#toolkit/library.ts'
import { loadDefinitions, loadTools } from '#toolkit/load.ts'
import type { CallRequest } from '#toolkit/call-request.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { startFakeServer } from '../support/fake-provider/server.ts'
import { createDesk } from '../toolkit/desk.ts'
import { bench } from '../upstream/support.ts'
import { blocks, read } from './pages.ts'

const log = createLog('silent')
const [, example = ''] = /<!-- example -->\n```js\n([\s\S]*?)```/.exec(read('docs/tools.md')) ?? []

test('the table in docs/tools.md names every tool and its scope, and no other', async () => {
  const tools = await loadTools({ toolsDir: null, production: false, log })
  const told = [...read('docs/tools.md').matchAll(/^\| (`[^|]+) \| (?:`([a-z]+:[a-z]+)`|none) \|$/gm)].flatMap(
    ([, names = '', scope]) =>
      [...names.matchAll(/`([a-z_]+)`/g)].map(([, name]) => [name, scope === undefined ? [] : [scope]] as const),
  )
  const found = [...tools.values()].map(({ name, scopes }) => [name, [...scopes]] as const)
  const order = (a: readonly [string | undefined, unknown], b: readonly [string | undefined, unknown]): number =>
    (a[0] ?? '').localeCompare(b[0] ?? '')
  expect(told.toSorted(order)).toEqual(found.toSorted(order))
})

const named = (name: string): string =>
  new RegExp(`<!-- example ${name} -->\\n\`\`\`js\\n([\\s\\S]*?)\`\`\``).exec(read('docs/tools.md'))?.[1] ?? ''
const [upstream, asking, resource, prompt] = [named('upstream'), named('asking'), named('resource'), named('prompt')]

test('docs/tools.md shows no example that is not run here', () => {
  expect(blocks('docs/tools.md', 'js')).toEqual([example, upstream, asking, resource, prompt])
})

describe.each(databaseKinds)('the example of docs/tools.md on %s', (kind) => {
  let fresh: FreshDatabase
  let folder: string
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-docs-'))
    // Node's loader hook for `gatehouse` does not reach into the test runner; the path means the same file.
    await writeFile(
      join(folder, 'count-projects.js'),
      example.replace("'gatehouse'", JSON.stringify(join(packageRoot, 'src/index.ts'))),
    )
  })
  afterAll(async () => {
    await fresh.drop()
    await rm(folder, { recursive: true })
  })

  test('is found, runs in a tenant and answers what it says', async () => {
    const tools = await loadTools({ toolsDir: folder, production: false, log })
    const tool = tools.get('count_projects')
    const tenant = await fresh.tenant('acme')
    await fresh.database.tenant(tenant, { access: 'write' }, async (db) => {
      const now = new Date()
      for (const id of ['0190a5ad-0000-7000-8000-000000000001', '0190a5ad-0000-7000-8000-000000000002']) {
        await db.query(
          sql`INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES (${id}, 'One', 'docs', ${now}, ${now})`,
        )
      }
    })
    const run = async (input: Record<string, unknown>): Promise<unknown> =>
      await fresh.database.tenant(tenant, { access: 'read' }, async (db) => await tool?.run(input, { db } as never))
    expect(await run({})).toEqual({ text: '2 projects', structured: { count: 2 } })
    expect(await run({ status: 'archived' })).toEqual({ text: '0 projects', structured: { count: 0 } })
    expect(tool?.output?.parse({ count: 2 })).toEqual({ count: 2 })
  })
})

describe('the other examples of docs/tools.md', () => {
  let fresh: FreshDatabase
  let folder: string
  beforeAll(async () => {
    fresh = await freshDatabase({ kind: 'postgres' })
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-docs-'))
    const files = {
      'get-order.js': upstream,
      'archive-all.js': asking,
      'project.js': resource,
      'plan-project.js': prompt,
    }
    for (const [name, text] of Object.entries(files))
      await writeFile(
        join(folder, name),
        text.replace("'gatehouse'", JSON.stringify(join(packageRoot, 'src/index.ts'))),
      )
  })
  afterAll(async () => {
    await fresh.drop()
    await rm(folder, { recursive: true })
  })

  test('ask an API, and say what it answered', async () => {
    const shop = await startFakeServer()
    const order = { status: 200, body: { status: 'sent' } }
    shop.route('GET', '/v1/orders/7%2F1', 'order', () => order)
    const { upstreams, close } = bench({ UPSTREAM_SHOP_URL: `${shop.url}/v1`, UPSTREAM_SHOP_AUTH: 'none' })
    const { tools } = await loadDefinitions({ toolsDir: folder, production: false, log })
    const desk = createDesk(fresh.database, tools, { upstreams })
    const call = desk.as(desk.principal(await fresh.tenant('globex')))
    expect((await call('get_order', { number: '7/1' })).content).toEqual([{ type: 'text', text: 'Order 7/1 is sent.' }])
    expect(shop.questions[0]?.query.get('fields')).toBe('status')
    expect((await call('get_order', { number: '8' })).content).toEqual([{ type: 'text', text: 'order not found' }])
    await close()
    await shop.close()
  })

  test('ask before they write, are read in a tenant, and are completed', async () => {
    const { tools, resources, prompts } = await loadDefinitions({ toolsDir: folder, production: false, log })
    const tenant = await fresh.tenant('acme')
    const id = '0190a5ad-0000-7000-8000-000000000003'
    await fresh.database.tenant(tenant, { access: 'write' }, async (db) => {
      const now = new Date()
      await db.query(
        sql`INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES (${id}, 'One', 'docs', ${now}, ${now})`,
      )
    })
    const desk = createDesk(fresh.database, tools)
    const principal = desk.principal(tenant)
    const call = async (round?: CallRequest['round']) =>
      await desk.as(principal)('archive_all', {}, round === undefined ? {} : { round })
    const asked = await call()
    expect(asked).toMatchObject({ inputRequests: { sure: { params: { message: 'Archive 1 projects?' } } } })
    const state = String(asked['requestState'])
    expect((await call({ answers: { sure: { action: 'decline' } }, state })).isError).toBe(true)
    const answers = { sure: { action: 'accept', content: { sure: true } } }
    expect((await call({ answers, state })).content).toEqual([{ type: 'text', text: '1 projects archived' }])
    expect((await call({ answers, state })).isError).toBe(true)

    const library = createLibrary({ resources, prompts, runner: desk.runner })
    const uri = `planner://projects/${id}`
    expect(await library.read(principal, uri, request)).toEqual({
      contents: [{ uri, mimeType: 'text/markdown', text: '# One\n\n' }],
    })
    const completed = async (kind: 'prompt' | 'template', of: string, argument: string, value: string) =>
      (await library.complete(principal, { kind, of, argument, value, others: {} }, request)).values
    expect(await library.resources(principal, undefined, request)).toMatchObject({
      resources: [{ uri, name: 'One' }, {}],
    })
    expect(await completed('template', 'planner://projects/{id}', 'id', '0190')).toEqual([id])
    expect(await completed('prompt', 'plan_project', 'tone', 'f')).toEqual(['formal', 'friendly'])
    expect(await library.get(principal, 'plan_project', { goal: 'peace' }, request)).toMatchObject({
      messages: [{ content: { text: 'Plan a project that reaches this: peace. ' } }],
    })
  })
})

const request: CallRequest = {
  signal: new AbortController().signal,
  requestId: 'request-1',
  ip: null,
  progress: async () => {},
}
