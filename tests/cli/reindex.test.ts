import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Tenant } from '#tenancy/tenant.ts'
import { environment, gatehouse, type Ran } from '../support/command.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { embeddingsEndpoint, type EmbeddingsEndpoint } from '../support/embeddings-endpoint.ts'

let fresh: FreshDatabase
let acme: Tenant
let endpoint: EmbeddingsEndpoint

beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  acme = await fresh.tenant('acme')
  endpoint = await embeddingsEndpoint()
  await fresh.sql(`INSERT INTO ${acme.schema}.documents (id, title, content, created_by, created_at, updated_at)
    SELECT gen_random_uuid(), 'Title ' || n, 'Text of ' || n, 'p:a', now(), now() FROM generate_series(1, 23) AS n`)
})
afterAll(async () => {
  await endpoint.close()
  await fresh.drop()
})

const run = async (line: string, more: Record<string, string> = endpoint.env, isTTY = false): Promise<Ran> =>
  await gatehouse({ env: { ...environment(fresh), ...more }, isTTY }, line)

test('without an endpoint it says what to set', async () => {
  expect(await run('reindex --tenant acme', {})).toMatchObject({
    exit: 1,
    stdout: '',
    stderr: expect.stringContaining('EMBEDDINGS_URL'),
  })
})

test('with a dead endpoint it ends with exit 3 and says how much waits', async () => {
  endpoint.mode = 'fail'
  const ran = await run('reindex --tenant acme --json')
  expect(ran).toMatchObject({ exit: 3 })
  expect(ran.json()).toMatchObject({ documents: 23, passages: 23, embedded: 0, waiting: 23 })
  endpoint.mode = 'answer'
})

test('it embeds every passage once with a bar, and again none', async () => {
  const ran = await run('reindex --tenant acme', endpoint.env, true)
  expect(ran).toMatchObject({ exit: 0, stderr: expect.stringMatching(/\[#{30}\] 23\/23/) })
  expect(ran.stdout).toMatch(/^waiting +0$/m)
  // This server has no pgvector.
  expect(ran.stderr).toContain('no pgvector')
  expect(endpoint.answered).toHaveLength(23)
  expect((await run('reindex --tenant acme --json')).json()).toMatchObject({ embedded: 23, waiting: 0, index: false })
  expect(endpoint.answered).toHaveLength(23)
})

test('--all embeds all of it again, and so does another model', async () => {
  await run('reindex --tenant acme --all')
  expect(endpoint.answered).toHaveLength(46)
  const other = { ...endpoint.env, EMBEDDINGS_MODEL: 'other' }
  expect((await run('reindex --tenant acme --json', other)).json()).toMatchObject({ embedded: 23 })
  expect(endpoint.answered).toHaveLength(69)
})
