import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { packageRoot } from '#base/package.ts'
import { sql } from '#db/sql.ts'
import { loadTools } from '#toolkit/load.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
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
const [asking, resource, prompt] = [named('asking'), named('resource'), named('prompt')]

test('docs/tools.md shows no example that is not run here', () => {
  expect(blocks('docs/tools.md', 'js')).toEqual([example, asking, resource, prompt])
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
