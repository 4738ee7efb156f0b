import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { embeddingsEndpoint, type EmbeddingsEndpoint } from '../support/embeddings-endpoint.ts'
import { freePort } from '../support/free-port.ts'
import { startReplica, type Replica } from '../support/processes.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'

const key = randomBytes(32).toString('hex')
let database: FreshDatabase
let schema: string
let endpoint: EmbeddingsEndpoint
const running: Replica[] = []

beforeAll(async () => {
  database = await freshDatabase({ kind: 'postgres' })
  schema = (await database.tenant('acme')).schema
  endpoint = await embeddingsEndpoint()
}, 60_000)
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (replica) => await replica.end('SIGKILL')))
})
afterAll(async () => {
  await endpoint.close()
  await database.drop()
})

async function serve(): Promise<Replica> {
  const replica = await startReplica({
    DATABASE_URL: database.url,
    DATA_DIR: database.config.dataDir,
    DATABASE_SLUG_PREFIX: database.config.database.slugPrefix,
    SESSION_SECRET: database.config.sessionSecrets[0] ?? '',
    PUBLIC_URL: 'http://127.0.0.1:3000',
    API_KEY: key,
    API_KEY_TENANT: 'acme',
    RATE_LIMIT: 'off',
    PORT: String(await freePort()),
    ...endpoint.env,
  })
  running.push(replica)
  return replica
}

const write = async ({ mcp }: Replica, title: string): Promise<void> =>
  void (await rpc(mcp, key, 'tools/call', {
    name: 'create_document',
    arguments: { title, content: `Text of ${title}` },
  }))

const embedded = async (): Promise<number> =>
  (
    await database.sql<{ n: number }>(
      `SELECT count(*)::integer AS n FROM ${schema}.passages WHERE embedding IS NOT NULL`,
    )
  )[0]!.n

test('kill -9 while texts are being embedded: another server goes on, nothing is lost, nothing is embedded twice', async () => {
  endpoint.mode = 'hang'
  const first = await serve()
  for (let n = 0; n < 12; n += 1) await write(first, `Before ${n}`)
  await until(() => endpoint.received.length > 0)
  await first.end('SIGKILL')
  expect(await embedded()).toBe(0)
  endpoint.mode = 'answer'
  // Two minutes and more go by: what the dead one had taken, and its turn to look at all tenants, are free again.
  await database.sql(
    `UPDATE ${schema}.passages SET not_before = now() - interval '1 second' WHERE not_before IS NOT NULL`,
  )
  await database.sql('DELETE FROM gatehouse.chores')
  await serve()
  await until(async () => (await embedded()) === 12, 40_000)
  expect([...endpoint.answered].sort()).toEqual(
    Array.from({ length: 12 }, (_, n) => `Before ${n}\n\nText of Before ${n}`).sort(),
  )
}, 120_000)

test('a dead endpoint: documents are written all the same, and are embedded once when it is back', async () => {
  endpoint.answered.length = 0
  const before = await embedded()
  endpoint.mode = 'fail'
  const server = await serve()
  const came = endpoint.received.length
  for (let n = 0; n < 3; n += 1) await write(server, `During ${n}`)
  await until(() => endpoint.received.length > came, 20_000)
  expect(await embedded()).toBe(before)
  endpoint.mode = 'answer'
  await until(async () => (await embedded()) === before + 3, 60_000)
  expect(endpoint.answered).toHaveLength(3)
  expect(new Set(endpoint.answered).size).toBe(3)
}, 120_000)
