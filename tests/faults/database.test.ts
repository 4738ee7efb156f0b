import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { atCluster, query, startCluster, type OwnCluster } from '../support/cluster.ts'
import { freePort } from '../support/free-port.ts'
import { gatehouse, startReplica, type Replica } from '../support/processes.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'
import { startLoad } from './load.ts'

/** Milliseconds after Postgres takes connections again until every call is served. */
const RECOVERY = 2_000
/** Milliseconds: the time limit of the tools used here (15 s) and the wait for an outcome (5 s) are the most a call may take. */
const LONGEST = 20_000

let cluster: OwnCluster
let server: Replica
let dataDir: string
const key = randomBytes(32).toString('hex')

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'faults-'))
  cluster = await startCluster(inject('pg').bin)
  const at = atCluster(cluster.socket)
  await query(at('postgres', 'postgres'), 'CREATE DATABASE gatehouse')
  const env = {
    PORT: String(await freePort()),
    DATABASE_URL: at('postgres', 'gatehouse'),
    DATA_DIR: dataDir,
    SESSION_SECRET: randomBytes(32).toString('hex'),
    API_KEY: key,
    API_KEY_TENANT: 'acme',
    RATE_LIMIT: 'off',
    TOOLS_DIR: fileURLToPath(new URL('tools', import.meta.url)),
  }
  server = await startReplica(env)
  const { code, stderr } = await gatehouse(['tenant', 'create', 'acme', '--json'], env)
  if (code !== 0) throw new Error(stderr)
}, 60_000)
afterAll(async () => {
  await server?.end('SIGKILL')
  await cluster?.remove()
  await rm(dataDir, { recursive: true, force: true })
})

test.each(['SIGQUIT', 'SIGKILL'] as const)(
  'Postgres ends with %s under load: calls fail as documented, and are served again within 2 s of its return',
  async (signal) => {
    const load = startLoad(() => server.mcp, key)
    await until(() => load.made().length >= 20, 30_000)
    const from = performance.now()
    await cluster.kill(signal)
    await pause(1_500)
    const down = performance.now()
    // After SIGKILL its orphans must be gone before it can start: until then it says why it does not.
    await until(async () => await cluster.start().then(() => true), 20_000)
    const back = performance.now()
    await pause(RECOVERY + 2_000)
    await load.stop()

    const failed = load.calls.filter(({ served }) => !served)
    expect(load.calls.some(({ sent, answered }) => sent > from && answered < down)).toBe(true)
    // Before dispatch 503 with its own code, after dispatch a result with isError; no other answer, no broken connection.
    const documented = ({ status, text }: (typeof failed)[number]): boolean =>
      (status === 503 && text.includes('temporarily_unavailable')) ||
      (status === 200 && /database (did not|cannot)/.test(text))
    expect(failed.filter((call) => !documented(call))).toEqual([])
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.filter(({ answered }) => answered < from)).toEqual([])
    expect(failed.filter(({ sent }) => sent > back + RECOVERY)).toEqual([])
    expect(Math.max(...load.calls.map(({ sent, answered }) => answered - sent))).toBeLessThan(LONGEST)
    expect(
      load.calls.filter(({ sent, tool }) => sent > back + RECOVERY && tool === 'create_project').length,
    ).toBeGreaterThan(5)

    const rows = await query<{ id: string }>(
      atCluster(cluster.socket)('postgres', 'gatehouse'),
      'SELECT id FROM tenant_acme.projects',
    )
    const there = new Set(rows.map(({ id }) => id))
    expect(load.made().filter((id) => !there.has(id))).toEqual([])
  },
  90_000,
)

/** Every process of the cluster: it neither answers nor breaks off. */
async function processes(): Promise<readonly number[]> {
  const postmaster = Number((await readFile(join(cluster.socket, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
  const url = atCluster(cluster.socket)('postgres', 'postgres')
  const backends = await query<{ pid: number }>(url, 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()')
  return [postmaster, ...backends.map(({ pid }) => pid)]
}

test('a Postgres that is frozen: no call hangs longer than its limit, and all are served when it goes on', async () => {
  const query = async (): Promise<string> =>
    (await rpc(server.mcp, key, 'tools/call', { name: 'long_query', arguments: {} })).text
  const list = async (): Promise<boolean> =>
    (await rpc(server.mcp, key, 'tools/call', { name: 'list_projects', arguments: { limit: 1 } })).text.includes(
      '"items"',
    )
  expect(await list()).toBe(true)
  const pids = await processes()
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  const started = performance.now()
  try {
    const answers = await Promise.all(Array.from({ length: 12 }, query))
    expect(performance.now() - started).toBeLessThan(LONGEST)
    for (const answer of answers) expect(answer).toMatch(/"isError":true|temporarily_unavailable/)
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
  const back = performance.now()
  await until(async () => (await Promise.all(Array.from({ length: 12 }, list))).every((served) => served))
  expect(back - started).toBeGreaterThan(700)
}, 60_000)
