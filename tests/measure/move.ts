/**
 * `npm run measure -- move [--rows 1000000] [--callers 8] [--verify keys]`: a tenant moves between two real Postgres servers while two real
 * server processes serve it. Exit 1 when a row differs, an acknowledged write is missing, a call failed, or writes stood still for longer
 * than calls wait (6 s).
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startLoad } from '../faults/load.ts'
import { freePort } from '../support/free-port.ts'
import { startPostgres, type Cluster } from '../support/postgres.ts'
import { gatehouse, startReplica } from '../support/processes.ts'
import { until } from '../support/until.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    callers: { type: 'string', default: '8' },
    verify: { type: 'string', default: 'keys' },
  },
})
const rows = Number(values.rows)
const SCHEMA = 'tenant_acme'
const TABLES = ['projects', 'todos', 'documents'] as const

const urlOf = ({ host, port, user }: Cluster): string =>
  `postgres://${user}@localhost:${port}/postgres?host=${encodeURIComponent(host)}`

async function say<Row extends object>(url: string, text: string, bound: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text, bound)).rows
  } finally {
    await client.end()
  }
}

/** One in a hundred is a project, one in ten a document, the rest are todos; ids in the order of time, as ours are. */
const seed = (count: number): string => `
  INSERT INTO ${SCHEMA}.projects (id, name, created_by, created_at, updated_at)
    SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'project ' || n, 'seed', now(), now() FROM generate_series(1, ${count} / 100) n;
  INSERT INTO ${SCHEMA}.documents (id, project_id, title, content, created_by, created_at, updated_at)
    SELECT ('01900001-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ('01900000-0000-7000-8000-' || lpad(to_hex(1 + n % (${count} / 100)), 12, '0'))::uuid,
      'document ' || n, repeat('some words of document ' || n || ' ', 8), 'seed', now(), now() FROM generate_series(1, ${count} / 10) n;
  INSERT INTO ${SCHEMA}.todos (id, project_id, title, created_by, created_at, updated_at)
    SELECT ('01900002-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ('01900000-0000-7000-8000-' || lpad(to_hex(1 + n % (${count} / 100)), 12, '0'))::uuid,
      'todo ' || n, 'seed', now(), now() FROM generate_series(1, ${count} - ${count} / 100 - ${count} / 10) n`

const settings = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on', shared_buffers: '256MB' }
const [one, two] = await Promise.all([startPostgres(settings), startPostgres(settings)])
const dataDir = await mkdtemp(join(tmpdir(), 'move-'))
const key = randomBytes(32).toString('hex')
const env = {
  DATABASE_URL: urlOf(one),
  DATABASE_URL_TWO: urlOf(two),
  DATA_DIR: dataDir,
  SESSION_SECRET: randomBytes(32).toString('hex'),
  PUBLIC_URL: 'http://127.0.0.1:3000',
  API_KEY: key,
  API_KEY_TENANT: 'acme',
  RATE_LIMIT: 'off',
  LOG_LEVEL: 'warn',
}
async function cli(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await gatehouse(args, env)
  if (code !== 0) throw new Error(`${args.join(' ')}: exit ${code}\n${stderr}`)
  return `${stderr}${stdout}`
}

await cli('migrate')
await cli('tenant', 'create', 'acme')
await say(env.DATABASE_URL, seed(rows))
await say(env.DATABASE_URL, 'ANALYZE')
const replicas = await Promise.all(
  [0, 1].map(async () => await startReplica({ ...env, PORT: String(await freePort()) })),
)
let turn = 0
const load = startLoad(() => replicas[(turn += 1) % 2]?.mcp ?? '', key, Number(values.callers))
await until(() => load.made().length > 50, 60_000)
const began = performance.now()
console.log(await cli('tenant', 'move', 'acme', '--to', 'two', '--verify', values.verify))
const ended = performance.now()
const made = load.made().length
await until(() => load.made().length > made + 50, 60_000)
await load.stop()

const during = load.calls.filter(({ answered }) => answered > began - 1_000 && answered < ended + 1_000)
const writes = during.filter(({ tool, served }) => tool === 'create_project' && served).map(({ answered }) => answered)
const gap = writes.reduce((most, at, index) => Math.max(most, at - (writes[index - 1] ?? at)), 0)
const longest = Math.max(...during.map(({ sent, answered }) => answered - sent))
const failed = load.calls.filter(({ served }) => !served)
/** Every column of every row that was there before; what came meanwhile is looked for by its id. */
const digest = (table: string): string =>
  `SELECT count(*)::text AS rows, md5(string_agg(md5(t::text), '' ORDER BY id)) AS digest FROM ${SCHEMA}.${table} t WHERE created_by = 'seed'`
const differing: string[] = []
for (const table of TABLES) {
  const [[here], [there]] = await Promise.all([
    say(env.DATABASE_URL, digest(table)),
    say(env.DATABASE_URL_TWO, digest(table)),
  ])
  if (JSON.stringify(here) !== JSON.stringify(there)) differing.push(table)
}
const present = await say<{ id: string }>(
  env.DATABASE_URL_TWO,
  `SELECT id FROM ${SCHEMA}.projects WHERE id = ANY ($1::uuid[])`,
  [load.made()],
)
const missing = load.made().length - present.length
console.log(
  [
    `${rows} rows, ${values.callers} callers at 2 server processes, ${load.calls.length} calls, verify ${values.verify}`,
    `the command: ${((ended - began) / 1000).toFixed(1)} s`,
    `longest time between two acknowledged writes: ${gap.toFixed(0)} ms`,
    `longest call: ${longest.toFixed(0)} ms`,
    `calls that failed: ${failed.length}${failed.length === 0 ? '' : `, the first: ${failed[0]?.status} ${failed[0]?.text.slice(0, 200)}`}`,
    `tables that differ: ${differing.length === 0 ? 'none' : differing.join(', ')}`,
    `acknowledged writes: ${load.made().length}, missing: ${missing}`,
  ].join('\n'),
)
await Promise.all(replicas.map(async (replica) => await replica.end('SIGKILL')))
await Promise.all([one.stop(), two.stop(), rm(dataDir, { recursive: true, force: true })])
if (differing.length > 0 || missing > 0 || failed.length > 0 || gap > 6_000) process.exitCode = 1
