import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { gatehouse, startReplica, type Replica } from '../support/processes.ts'
import { rpc } from '../support/rpc.ts'
import { until as soon } from '../support/until.ts'

/** Starting a server takes seconds where the machine has other work. */
const PATIENCE = 60_000
const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => await soon(condition, PATIENCE)

/** One program, two server processes on one port. */
let database: FreshDatabase
let env: Record<string, string>
let server: Replica
const key = randomBytes(24).toString('hex')
const tools = fileURLToPath(new URL('../measure/tools', import.meta.url))

beforeAll(async () => {
  database = await freshDatabase({ kind: 'postgres' })
  const port = String(await freePort())
  env = {
    DATABASE_URL: database.url,
    DATA_DIR: database.config.dataDir,
    DATABASE_SLUG_PREFIX: database.config.database.slugPrefix,
    SESSION_SECRET: database.config.sessionSecrets[0] ?? '',
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    PORT: port,
    API_KEY: key,
    API_KEY_TENANT: 'acme',
    TOOLS_DIR: tools,
    WORKERS: '2',
  }
  await gatehouse(['tenant', 'create', 'acme'], env)
  server = await startReplica(env, { patience: PATIENCE })
  await until(() => listening(server).length === 2)
}, 180_000)
afterAll(async () => {
  await server?.end('SIGKILL')
  await database?.drop()
})

interface Line {
  readonly msg?: string
  readonly worker?: number
  readonly pid?: number
  readonly [fact: string]: unknown
}

const lines = (of: Replica): readonly Line[] =>
  of
    .output()
    .split('\n')
    .flatMap((line) => (line.startsWith('{"level"') ? [JSON.parse(line) as Line] : []))
const listening = (of: Replica): readonly Line[] => lines(of).filter(({ msg }) => msg === 'a worker listens')
/** The process of a worker: of the last one in its place. */
const pidOf = (of: Replica, worker: number): number =>
  listening(of).findLast((line) => line.worker === worker)?.pid ?? 0

/** On a connection of its own: the primary deals out connections, not requests. */
async function call(of: Replica, name = 'whoami', args: object = {}): Promise<number> {
  try {
    return (await rpc(of.mcp, key, 'tools/call', { name, arguments: args }, { connection: 'close' })).status
  } catch {
    return 0
  }
}
const servedBy = (of: Replica): ReadonlySet<number | undefined> =>
  new Set(lines(of).flatMap(({ worker, route }) => (route === '/mcp' ? [worker] : [])))

test('two workers serve on one port, and every line of theirs says which of them', async () => {
  for (let i = 0; i < 6; i++) expect(await call(server)).toBe(200)
  await until(() => servedBy(server).size === 2)
  expect(servedBy(server)).toEqual(new Set([1, 2]))
})

test('/metrics answers for both workers, whichever is asked, and describes each metric once', async () => {
  for (let i = 0; i < 3; i++) {
    const text = await (await fetch(`${server.url}/metrics`, { headers: { connection: 'close' } })).text()
    for (const worker of [1, 2]) expect(text).toContain(`process_start_time_seconds{worker="${worker}"}`)
    expect(text.match(/^# TYPE gatehouse_http_request_duration_seconds histogram$/gm)).toHaveLength(1)
  }
})

test('when a worker is killed the other answers, and one is started in its place', async () => {
  const pid = pidOf(server, 1)
  process.kill(pid, 'SIGKILL')
  // Connections that it had are lost with it, as with any replica; new ones are dealt to who is there.
  await until(() => lines(server).some(({ msg }) => msg === 'a worker ended: it is started again'))
  for (let i = 0; i < 6; i++) expect(await call(server)).toBe(200)
  await until(() => pidOf(server, 1) !== pid)
  expect(lines(server)).toContainEqual(expect.objectContaining({ worker: 1, signal: 'SIGKILL', wait_ms: 100 }))
}, 180_000)

/** Statements of slow_query that Postgres works on. */
const atWork = async (): Promise<number> => {
  const [row] = await database.sql<{ busy: number }>(
    `SELECT count(*)::int AS busy FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%generate_series%' AND state = 'active' AND pid <> pg_backend_pid()`,
  )
  return row?.busy ?? 0
}
const slowCalls = (count: number): readonly Promise<number>[] =>
  Array.from({ length: count }, async () => await call(server, 'slow_query', { rows: 8_000_000 }))
/** A connection that nobody has accepted yet is lost with whoever listened: so all four are at work before anything ends. What was let in is served, what came later is told to come again: nothing is lost, and nothing fails. */
const outcomes = (statuses: readonly number[]): ReadonlySet<number> =>
  new Set(statuses.filter((status) => status !== 503))

test('a worker that is told to end finishes its calls, and one is started in its place', async () => {
  const pid = pidOf(server, 2)
  const calls = slowCalls(4)
  await until(async () => (await atWork()) === 4)
  process.kill(pid, 'SIGTERM')
  expect(outcomes(await Promise.all(calls))).toEqual(new Set([200]))
  await until(() => pidOf(server, 2) !== pid)
}, 180_000)

test('SIGTERM lets both workers finish their calls and ends with 0, and nothing of it is left', async () => {
  const before = lines(server).length
  const calls = slowCalls(4)
  await until(async () => (await atWork()) === 4)
  const pids = [pidOf(server, 1), pidOf(server, 2)]
  const ended = server.end('SIGTERM')
  expect(outcomes(await Promise.all(calls))).toEqual(new Set([200]))
  expect(await ended).toBe(0)
  const stopped = lines(server)
    .slice(before)
    .filter(({ msg }) => msg === 'stopped')
  expect(new Set(stopped.map(({ worker }) => worker))).toEqual(new Set([1, 2]))
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
}, 180_000)

test('what keeps the first worker from starting ends the program with its exit code, and is said once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tools-'))
  await writeFile(join(folder, 'broken.js'), 'export default 1\n')
  const ended = await gatehouse(['serve'], { ...env, TOOLS_DIR: folder })
  await rm(folder, { recursive: true })
  expect(ended.code).toBe(78)
  expect(ended.stderr.match(/^error: /gm)).toHaveLength(1)
  expect(ended.stdout + ended.stderr).not.toContain('started again')
}, 180_000)

test('a port that is taken ends the program, with every worker', async () => {
  const other = await startReplica({ ...env, WORKERS: '1' }, { patience: PATIENCE })
  const ended = await gatehouse(['serve'], env)
  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('EADDRINUSE')
  expect(await other.end('SIGTERM')).toBe(0)
}, 180_000)

test('a worker that cannot start again is tried five times while the other serves, then the program ends with its exit code', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tools-'))
  const own = await startReplica({ ...env, TOOLS_DIR: folder }, { patience: PATIENCE })
  await until(() => listening(own).length === 2)
  await writeFile(join(folder, 'broken.js'), 'export default 1\n')
  process.kill(pidOf(own, 2), 'SIGKILL')
  await until(() => lines(own).filter(({ code }) => code === 78).length >= 2)
  expect(await call(own)).toBe(200)
  await until(() => lines(own).some(({ msg }) => msg === 'a worker cannot be started: stopping'))
  expect(lines(own).filter(({ code }) => code === 78)).toHaveLength(5)
  expect(await own.end('SIGCONT')).toBe(78)
  await rm(folder, { recursive: true })
}, 180_000)
