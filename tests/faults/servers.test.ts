import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { readMigrations } from '#db/migrations.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { gatehouse, startReplica, type Replica } from '../support/processes.ts'
import { nextRelease } from '../support/next-release.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'
import { startLoad } from './load.ts'

/** Servers that are killed, ended or replaced while they work; each a process of its own. */
const key = randomBytes(32).toString('hex')
const TOOLS = fileURLToPath(new URL('tools', import.meta.url))
let database: FreshDatabase
let schema: string
let env: Record<string, string>
const running: Replica[] = []

beforeAll(async () => {
  database = await freshDatabase({ kind: 'postgres' })
  env = {
    DATABASE_URL: database.url,
    DATA_DIR: database.config.dataDir,
    DATABASE_SLUG_PREFIX: database.config.database.slugPrefix,
    SESSION_SECRET: database.config.sessionSecrets[0] ?? '',
    PUBLIC_URL: 'http://127.0.0.1:3000',
    API_KEY: key,
    API_KEY_TENANT: 'acme',
    RATE_LIMIT: 'off',
    TOOLS_DIR: TOOLS,
  }
  schema = (await database.tenant('acme')).schema
}, 60_000)
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (replica) => await replica.end('SIGKILL')))
})
afterAll(async () => await database?.drop())

async function serve(more: Record<string, string> = {}, program?: readonly string[]): Promise<Replica> {
  const options = program === undefined ? {} : { program }
  const replica = await startReplica({ ...env, PORT: String(await freePort()), ...more }, options)
  running.push(replica)
  return replica
}

const stored = async (): Promise<ReadonlySet<string>> =>
  new Set((await database.sql<{ id: string }>(`SELECT id FROM ${schema}.projects`)).map(({ id }) => id))

test('kill -9 under load: every acknowledged write is there, each with its audit row, and the other server goes on', async () => {
  const [first, second] = await Promise.all([serve(), serve()])
  const load = startLoad(() => first.mcp, key)
  const beside = startLoad(() => second.mcp, key, 2)
  await until(() => load.made().length >= 100, 30_000)
  await first.end('SIGKILL')
  await load.stop()
  const before = beside.made().length
  await until(() => beside.made().length > before + 10)
  await beside.stop()

  expect(beside.calls.filter(({ served }) => !served)).toEqual([])
  const rows = await stored()
  const acknowledged = [...load.made(), ...beside.made()]
  expect(acknowledged.filter((id) => !rows.has(id))).toEqual([])
  // A write and its audit row are one transaction: also for those whose answer nobody got.
  const audited = await database.sql<{ target: string }>(
    `SELECT target FROM ${schema}.audit WHERE action = 'create_project' AND outcome = 'ok'`,
  )
  expect(audited.map(({ target }) => target).sort()).toEqual([...rows].sort())
}, 90_000)

test('SIGTERM with 100 calls in flight: all are answered, all are in the audit, exit code 0', async () => {
  const server = await serve()
  const ids = Array.from({ length: 5 }, (_, index) => `00000000-0000-7000-8000-00000000000${index}`)
  const call = async (name: string, args: object) => await rpc(server.mcp, key, 'tools/call', { name, arguments: args })
  const calls = [
    ...ids.map(async (id) => await call('hold', { id, ms: 1500 })),
    ...Array.from({ length: 95 }, async () => await call('wait', { ms: 1500 })),
  ]
  await until(() => server.output().split(/"(?:waiting|holding)"/).length > 100, 20_000)
  const ended = server.end('SIGTERM')
  const answers = await Promise.all(calls)
  expect(answers.filter(({ status, text }) => status !== 200 || !text.includes('"done"'))).toEqual([])
  expect(await ended).toBe(0)
  const rows = await stored()
  expect(ids.filter((id) => !rows.has(id))).toEqual([])
  const [count] = await database.sql<{ count: number }>(
    `SELECT count(*)::integer AS count FROM ${schema}.audit WHERE action IN ('wait', 'hold') AND outcome = 'ok'`,
  )
  expect(count?.count).toBe(100)
}, 60_000)

/** Version of the tenants' schemas that this release makes. */
const required = (await readMigrations('tenant')).length

test('a tenant one version behind is served during a roll-out: two releases, and every call while one replaces the other', async () => {
  const home = await mkdtemp(join(tmpdir(), 'next-'))
  const next = await nextRelease(home, ["ALTER TABLE projects ADD COLUMN next text NOT NULL DEFAULT 'x'"])
  // As in production: starting migrates nothing.
  const careful = { MIGRATE_ON_START: 'false' }
  const old = await Promise.all([serve(careful), serve(careful)])
  let live: readonly Replica[] = old
  let turn = 0
  const load = startLoad(() => live[(turn += 1) % live.length]?.mcp ?? '', key, 4)
  const some = async (): Promise<void> => {
    const before = load.calls.length
    await until(() => load.calls.length > before + 20, 20_000)
  }
  const version = async (): Promise<unknown> =>
    (await database.sql(`SELECT schema_version FROM gatehouse.tenants WHERE slug = 'acme'`))[0]

  // The new one serves tenants that are one version behind; the old ones serve tenants that are ahead of them.
  const fresh = await Promise.all([serve(careful, next), serve(careful, next)])
  live = [...old, ...fresh]
  await some()
  expect(await version()).toEqual({ schema_version: required })
  expect(await gatehouse(['migrate', '--json'], { ...env, ...careful }, next)).toMatchObject({ code: 0 })
  expect(await version()).toEqual({ schema_version: required + 1 })
  await some()
  live = fresh
  expect(await Promise.all(old.map(async (replica) => await replica.end('SIGTERM')))).toEqual([0, 0])
  await some()
  await load.stop()

  expect(load.calls.filter(({ served }) => !served)).toEqual([])
  const rows = await stored()
  expect(load.made().filter((id) => !rows.has(id))).toEqual([])
  await rm(home, { recursive: true, force: true })
}, 120_000)
