/**
 * `npm run measure -- migrations [--tenants 200]`: how long so many tenants take to be made, a start beside them, and one migration of all of
 * them with 1, 2 and 4 workers, killed in the middle and resumed, while a server answers calls. Postgres from npm, with fsync as it comes.
 * Exit 1: a call failed, a tenant was left behind, a start got slower with the tenants, or memory grew with them.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { systemClock } from '#base/clock.ts'
import { createLog } from '#base/log.ts'
import { readMigrations } from '#db/migrations.ts'
import { openDatabase } from '#db/open.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { createDns } from '#tenancy/dns.ts'
import { createRegistry } from '#tenancy/registry.ts'
import { createScopes } from '#tenancy/roles.ts'
import { loadConfig } from '#base/config-load.ts'
import { startLoad } from '../faults/load.ts'
import { freePort } from '../support/free-port.ts'
import { nextRelease, peakOf } from '../support/next-release.ts'
import { startPostgres } from '../support/postgres.ts'
import { BUILT, startReplica } from '../support/processes.ts'

const { values } = parseArgs({ args: process.argv.slice(2), options: { tenants: { type: 'string', default: '200' } } })
const TENANTS = Number(values.tenants)
const KEY = randomBytes(32).toString('hex')
/** What the brief of the product promises: a start takes no longer beside many tenants (seconds more than beside one). */
const SLOWER_START = 1
/** Megabytes that `migrate` may take at most, whatever the number of tenants. */
const MOST_MEMORY = 250

const cluster = await startPostgres({
  max_connections: '100',
  shared_buffers: '256MB',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
})
const home = await mkdtemp(join(tmpdir(), 'measure-'))
const url = `postgres://${cluster.user}@localhost:${cluster.port}/postgres?host=${encodeURIComponent(cluster.host)}`
const env = {
  DATABASE_URL: url,
  DATA_DIR: home,
  SESSION_SECRET: randomBytes(32).toString('hex'),
  PUBLIC_URL: 'http://127.0.0.1:3000',
  API_KEY: KEY,
  API_KEY_TENANT: 'first',
  RATE_LIMIT: 'off',
}
const problems: string[] = []
const say = (what: string, figure: string): void => console.log(`${what.padEnd(58)} ${figure}`)
const seconds = (from: number): number => (performance.now() - from) / 1000

async function query<Row extends object>(text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}

/** `serve` that may migrate, from its start until it is ready. */
async function startOnce(): Promise<number> {
  const began = performance.now()
  const replica = await startReplica({ ...env, PORT: String(await freePort()) })
  const took = seconds(began)
  await replica.end('SIGTERM')
  return took
}

/** Answers how long a start took beside one tenant. */
async function makeTenants(): Promise<number> {
  const config = loadConfig(env, { cwd: home })
  const database = await openDatabase({ config, log: createLog('error'), clock: systemClock, adminConnections: 5 })
  await database.admin.bootstrap()
  const registry = createRegistry({
    database,
    clock: systemClock,
    scopes: createScopes([]),
    auditKey: auditKey(env.SESSION_SECRET, CONTROL_SCHEMA),
    slugPrefix: '',
    deleteDays: 7,
    dns: createDns({ servers: ['127.0.0.1:9'] }),
    links: { issuer: env.PUBLIC_URL, secrets: [env.SESSION_SECRET] },
  })
  const operator = { kind: 'operator', name: 'measure' } as const
  await registry.tenants.create(operator, { slug: 'first' })
  const alone = await startOnce()
  say('start until ready, 1 tenant', `${alone.toFixed(2)} s`)
  const times: number[] = []
  const began = performance.now()
  const slugs = Array.from({ length: TENANTS - 1 }, (_, index) => `t${index}`).values()
  const worker = async (): Promise<void> => {
    for (const slug of slugs) {
      const from = performance.now()
      await registry.tenants.create(operator, { slug })
      times.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: 4 }, worker))
  const mean = (some: readonly number[]): string => `${(some.reduce((a, b) => a + b, 0) / some.length).toFixed(1)} ms`
  say(
    `${TENANTS} tenants made, 4 at a time`,
    `${seconds(began).toFixed(1)} s, ${(TENANTS / seconds(began)).toFixed(0)}/s`,
  )
  say('each of the first 100, and of the last 100', `${mean(times.slice(0, 100))}, ${mean(times.slice(-100))}`)
  const from = performance.now()
  await database.admin.bootstrap()
  say('bootstrap beside them', `${seconds(from).toFixed(2)} s`)
  await database.close()
  return alone
}

interface Run {
  readonly code: number | null
  readonly took: number
  readonly peak: number
  readonly said: string
}

/** `migrate` of a later release. @param kill when so many tenants are at the version */
async function migrate(
  program: readonly string[],
  workers: number,
  kill: number | null,
  version: number,
): Promise<Run> {
  const began = performance.now()
  const child = spawn(process.execPath, [...program, 'migrate', '--json', '--workers', String(workers)], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString()))
  child.stderr.on('data', () => {})
  let peak = 0
  const running = { now: true }
  const watch = (async () => {
    while (running.now) {
      peak = Math.max(peak, (await peakOf(child.pid ?? 0)) ?? 0)
      if (kill !== null) {
        const [row] = await query<{ n: number }>(
          `SELECT count(*)::integer AS n FROM gatehouse.tenants WHERE schema_version >= ${version}`,
        )
        if ((row?.n ?? 0) >= kill) child.kill('SIGKILL')
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  const [code] = (await once(child, 'close')) as [number | null]
  running.now = false
  await watch
  return { code, took: seconds(began), peak, said }
}

try {
  const alone = await makeTenants()
  const ready = await startOnce()
  say(`start until ready, ${TENANTS} tenants`, `${ready.toFixed(2)} s`)

  const base = (await readMigrations('tenant')).length
  const texts = [1, 2, 3, 4].flatMap((n) => [
    `ALTER TABLE projects ADD COLUMN next${n} text NOT NULL DEFAULT 'x'; CREATE INDEX projects_next${n} ON projects (next${n})`,
  ])
  const server = await startReplica(
    { ...env, MIGRATE_ON_START: 'false', PORT: String(await freePort()) },
    { program: BUILT },
  )
  const load = startLoad(() => server.mcp, KEY, 1)
  for (const [index, workers] of [1, 2, 4].entries()) {
    const program = await nextRelease(join(home, `r${index}`), texts.slice(0, index + 1))
    const { code, took, peak, said } = await migrate(program, workers, null, base + index + 1)
    const pace = `${took.toFixed(1)} s, ${(TENANTS / took).toFixed(0)} tenants/s, RSS at most ${peak} MB`
    say(`migrate, ${workers} at a time`, pace)
    if (code !== 0) problems.push(`migrate ended with ${code}: ${said}`)
    if (peak > MOST_MEMORY) problems.push(`migrate took ${peak} MB, promised are ${MOST_MEMORY}`)
  }
  const last = base + texts.length
  const program = await nextRelease(join(home, 'last'), texts)
  const killed = await migrate(program, 2, Math.floor(TENANTS / 2), last)
  const [half] = await query<{ n: number }>(
    `SELECT count(*)::integer AS n FROM gatehouse.tenants WHERE schema_version >= ${last}`,
  )
  say('killed (SIGKILL) in the middle', `after ${killed.took.toFixed(1)} s, ${half?.n} of ${TENANTS} done`)
  const resumed = await migrate(program, 2, null, last)
  const result = JSON.parse(resumed.said) as { total: number; done: number; left: number; failed: unknown[] }
  say('resumed', `${resumed.took.toFixed(1)} s, ${result.done} of ${result.total}, ${result.failed.length} failed`)
  if (result.left !== 0 || result.failed.length > 0 || result.done !== TENANTS - (half?.n ?? 0))
    problems.push(`the resumed run left something: ${resumed.said}`)
  await load.stop()
  await server.end('SIGTERM')
  const lost = load.calls.filter(({ served }) => !served)
  const slowest = Math.max(...load.calls.map(({ sent, answered }) => answered - sent))
  say(
    'calls meanwhile, of one caller',
    `${load.calls.length}, ${lost.length} failed, the longest ${slowest.toFixed(0)} ms`,
  )
  if (lost.length > 0) problems.push(`${lost.length} calls failed, the first: ${lost[0]?.text}`)
  if (ready - alone > SLOWER_START) problems.push(`a start takes ${(ready - alone).toFixed(1)} s longer`)
} finally {
  await cluster.stop()
  await rm(home, { recursive: true, force: true })
}
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
