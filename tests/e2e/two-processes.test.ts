import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { freePort } from '../support/gatehouse.ts'
import { gatehouse, startReplica, type Replica } from '../support/processes.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'

/** Two servers and a command line, each a process of its own, on one Postgres: nothing in one is needed by the next request at the other. */
let database: FreshDatabase
let replicas: readonly Replica[]
let env: Record<string, string>
let alice: string

beforeAll(async () => {
  database = await freshDatabase({ kind: 'postgres' })
  const [first, second] = [await freePort(), await freePort()]
  env = {
    DATABASE_URL: database.url,
    DATA_DIR: database.config.dataDir,
    DATABASE_SLUG_PREFIX: database.config.database.slugPrefix,
    SESSION_SECRET: database.config.sessionSecrets[0] ?? '',
    PUBLIC_URL: `http://127.0.0.1:${first}`,
  }
  replicas = await Promise.all([first, second].map(async (port) => await startReplica({ ...env, PORT: String(port) })))
  alice = (await gatehouse(['dev-token', 'alice@acme.test'], { ...env, PORT: String(first) })).stdout.trim()
  await until(async () => await everywhere(alice, 200))
}, 60_000)
afterAll(async () => {
  await Promise.all((replicas ?? []).map(async (replica) => await replica.end('SIGKILL')))
  await database?.drop()
})

let turn = 0
/** Each request goes to the other replica. */
async function whoami(token: string): Promise<{ status: number; text: string }> {
  turn += 1
  return await rpc(replicas[turn % replicas.length]?.mcp ?? '', token, 'tools/call', { name: 'whoami', arguments: {} })
}

async function cli(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await gatehouse([...args, '--json'], env)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

/** Both replicas answer so, twice in a row each. */
async function everywhere(token: string, status: number): Promise<boolean> {
  for (let i = 0; i < 4; i++) if ((await whoami(token)).status !== status) return false
  return true
}

/** The database's own clock says when the change was committed; both replicas must follow within a second of it. */
async function bites(token: string, status: number, change: () => Promise<unknown>): Promise<void> {
  const changed = change()
  let since: number | null = null
  void changed.then(() => (since = performance.now()))
  await until(async () => await everywhere(token, status))
  const seen = performance.now()
  await changed
  // The command ends only after it told everyone, so "not yet ended" means sooner than measured.
  expect(since === null ? 0 : seen - since).toBeLessThan(1000)
}

test('a revoked key is refused by every process within a second', async () => {
  const made = (await cli('key', 'create', 'acme_test', '--name', 'ci', '--scopes', 'projects:read')) as {
    key: string
    id: string
  }
  expect(await everywhere(made.key, 200)).toBe(true)
  await bites(made.key, 401, async () => await cli('key', 'revoke', 'acme_test', made.id, '--yes'))
})

test('a suspended tenant is shut at every process within a second, and open again after resume', async () => {
  expect(await everywhere(alice, 200)).toBe(true)
  await bites(alice, 403, async () => await cli('tenant', 'suspend', 'acme_test', '--yes'))
  await bites(alice, 200, async () => await cli('tenant', 'resume', 'acme_test'))
})

test('what one process wrote the other reads at once, and when one is killed the other goes on', async () => {
  const [first, second] = replicas
  const made = await rpc(first?.mcp ?? '', alice, 'tools/call', {
    name: 'create_project',
    arguments: { name: 'Shared' },
  })
  expect(made.text).toContain('Shared')
  expect((await rpc(second?.mcp ?? '', alice, 'tools/call', { name: 'list_projects', arguments: {} })).text).toContain(
    'Shared',
  )
  await second?.end('SIGKILL')
  expect((await rpc(first?.mcp ?? '', alice, 'tools/call', { name: 'list_projects', arguments: {} })).text).toContain(
    'Shared',
  )
})

test('SIGTERM ends an idle server within two seconds with exit code 0', async () => {
  const before = performance.now()
  expect(await replicas[0]?.end('SIGTERM')).toBe(0)
  expect(performance.now() - before).toBeLessThan(2000)
})
