/**
 * `npm run storm:audit`: the audit of a tenant with a million entries, page by page and as an export, against a Postgres from npm.
 * Prints its figures; exit code 1 when a page takes 200 ms or an export grows the process by 100 MB.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { withDatabase, withRegistry, type Session } from '#cli/session.ts'
import type { Terminal } from '#cli/terminal.ts'
import { insertAudit, signAudit } from '#tenancy/audit.ts'
import type { AuditQuery } from '#tenancy/audit-query.ts'
import type { Actor } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { person } from '../tenancy/people.ts'
import { query } from '../support/cluster.ts'
import { startPostgres } from '../support/postgres.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    changes: { type: 'string', default: '100000' },
    export: { type: 'string', default: '100000' },
    // What the child process is told.
    child: { type: 'string' },
    slug: { type: 'string', default: 'acme' },
  },
})
const SECRET = 'a session secret for the audit storm 0123456789'
const START = Date.parse('2025-11-01T00:00:00Z')
const YEAR = 365 * 86_400_000
const MOST_MS = 200
const MOST_BYTES = 100 * 1024 * 1024

if (values.child === undefined) await main()
else await exportAll(values.child, values.slug)

async function main(): Promise<void> {
  console.log(
    `${cpus().length} cores of ${cpus()[0]?.model ?? ''}, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`,
  )
  const cluster = await startPostgres()
  const url = `postgres://postgres@localhost/audit?host=${encodeURIComponent(cluster.host)}`
  try {
    await query(url.replace('/audit', '/postgres'), 'CREATE DATABASE audit')
    const terminal = await terminalOf(url)
    await withDatabase(terminal, async ({ admin }) => await admin.bootstrap())
    await withRegistry(terminal, async (session) => {
      const { registry, actor } = session
      const acme = await registry.tenants.create(actor, { slug: 'acme' })
      const small = await registry.tenants.create(actor, { slug: 'small' })
      const other = await registry.tenants.create(actor, { slug: 'other' })
      await time(`${values.rows} calls and ${values.changes} changes are made`, async () => {
        await fill(url, `${acme.schema}.audit`, Number(values.rows), null)
        await fill(url, `${small.schema}.audit`, Number(values.export), null)
        await fill(url, 'gatehouse.audit', Number(values.changes), acme.id)
        await fill(url, 'gatehouse.audit', Number(values.changes) * 5, other.id)
      })
      await time('the same is analysed', async () => void (await query(url, 'ANALYZE')))
      const slow = await pages(session, adminOf(acme), acme)
      const grown = await exported(url)
      await inserts(session, acme)
      process.exitCode = slow || grown > MOST_BYTES ? 1 : 0
    })
  } finally {
    await cluster.stop()
  }
}

/** As a request of the console or the API has it: row security holds. */
function adminOf(tenant: Tenant): Actor {
  return {
    kind: 'person',
    principal: {
      identity: person('admin@acme.test'),
      tenant,
      role: 'admin',
      scopes: new Set(['audit:read']),
      role_scopes: new Set(['audit:read']),
    },
    request_id: null,
    ip: null,
  }
}

/** Rows of a year: forty tools of very different use, three hundred people, two hundred thousand things. */
async function fill(url: string, table: string, rows: number, tenant: string | null): Promise<void> {
  await query(
    url,
    `INSERT INTO ${table} (id, at, tenant_id, iss, sub, action, target, outcome, latency_ms, request_id, ip, detail, arguments_digest, mac)
     SELECT (lpad(to_hex(${START} + i * ${YEAR} / ${rows}), 12, '0') || '7000' || '8000' || lpad(to_hex(i), 12, '0'))::uuid,
       to_timestamp((${START} + i * ${YEAR} / ${rows}) / 1000.0), ${tenant === null ? 'NULL' : `'${tenant}'`}, 'https://issuer.test',
       CASE WHEN i < ${rows} * 0.0001 THEN 'long-gone' ELSE 'person-' || floor(300 * power(random(), 3)) END,
       CASE WHEN i % 50000 = 7 THEN 'delete_project' WHEN i % 1000 = 1 THEN 'refused.rate_limited' WHEN i % 3000 = 5 THEN 'domain.claimed'
         WHEN i % 7000 = 9 THEN 'domain.verified' ELSE 'tool_' || floor(40 * power(random(), 2)) END,
       CASE WHEN i = 1000 THEN 'the-needle' ELSE 'thing-' || floor(200000 * random()) END,
       CASE WHEN i % 1000 = 1 THEN 'refused' WHEN i % 20000 = 3 THEN 'failed' ELSE 'ok' END,
       12, 'a-request-id-of-some-length-0123', '192.0.2.1', CASE WHEN i % 30 = 0 THEN '{"reason": "something that went wrong in a tool"}'::jsonb END,
       repeat('d', 64), repeat('m', 64)
     FROM generate_series(1, ${rows}) AS i`,
  )
}

async function pages({ registry }: Session, actor: Actor, acme: Tenant): Promise<boolean> {
  const day = (days: number): number => START + days * 86_400_000
  const asked: readonly (readonly [string, AuditQuery])[] = [
    ['no filter', {}],
    ['action', { action: 'tool_3' }],
    ['action, rare', { action: 'delete_project' }],
    ['action, none', { action: 'nobody_did_this' }],
    ['action prefix domain.*', { action: 'domain.*' }],
    ['action prefix tool_*', { action: 'tool_*' }],
    ['action prefix, none', { action: 'zzz*' }],
    ['actor, busy', { actor: 'oidc:person-1' }],
    ['actor, long gone', { actor: 'oidc:long-gone' }],
    ['actor, none', { actor: 'nobody@nowhere.test' }],
    ['target', { target: 'thing-77' }],
    ['target, one row', { target: 'the-needle' }],
    ['target, none', { target: 'nothing' }],
    ['outcome ok', { outcome: 'ok' }],
    ['outcome refused', { outcome: 'refused' }],
    ['outcome failed', { outcome: 'failed' }],
    ['since (a week)', { since: day(358) }],
    ['until (the first week)', { until: day(7) }],
    ['until before all', { until: day(-1) }],
    ['source tools', { source: 'tools' }],
    ['source admin', { source: 'admin' }],
    ['action and outcome', { action: 'tool_3', outcome: 'failed' }],
    ['actor and action', { actor: 'oidc:person-1', action: 'delete_project' }],
    ['target and since', { target: 'thing-77', since: day(200) }],
  ]
  let slow = false
  console.log('\npage of 50'.padEnd(31), 'first ms', 'median', ' slowest', '20 pages on')
  for (const [name, terms] of asked) {
    const took: number[] = []
    let next: string | null = null
    for (let turn = 0; turn < 15; turn += 1) {
      const began = performance.now()
      const page = await registry.audit.list(acme, actor, terms, { limit: 50 })
      took.push(performance.now() - began)
      ;({ next } = page)
    }
    let deep = 0
    for (let turn = 0; turn < 20 && next !== null; turn += 1) {
      const began = performance.now()
      ;({ next } = await registry.audit.list(acme, actor, terms, { limit: 50, after: next }))
      deep = Math.max(deep, performance.now() - began)
    }
    const [first = 0] = took
    const sorted = took.toSorted((a, b) => a - b)
    const worst = Math.max(sorted.at(-1) ?? 0, deep)
    const figures = [first, sorted[7] ?? 0, sorted.at(-1) ?? 0, deep]
    console.log(
      name.padEnd(30),
      ...figures.map((figure) => figure.toFixed(1).padStart(8)),
      worst < MOST_MS ? '' : 'SLOW',
    )
    if (worst >= MOST_MS) slow = true
  }
  return slow
}

/** Exports in a process of its own and answers by how many bytes it grew at most. */
async function exported(url: string): Promise<number> {
  console.log(`\nexport of ${values.export} entries   grew by MB      MB sent  seconds`)
  let most = 0
  for (const format of ['csv', 'ndjson']) {
    const child = fork(fileURLToPath(import.meta.url), ['--child', format, '--slug', 'small'], {
      env: { ...process.env, AUDIT_URL: url },
      execArgv: ['--conditions=gatehouse-source', '--import', 'tsx'],
    })
    const told = await new Promise<unknown>((resolve, reject) => {
      child.once('message', resolve)
      child.once('exit', (code) => reject(new Error(`the export ended with ${code}`)))
    })
    const { grown, bytes, lines, ms }: { grown: number; bytes: number; lines: number; ms: number } = JSON.parse(
      String(told),
    )
    const [mb, sent] = [grown, bytes].map((size) => (size / 1024 / 1024).toFixed(1))
    console.log(
      `${format} (${lines} lines)`.padEnd(30),
      String(mb).padStart(8),
      String(sent).padStart(12),
      (ms / 1000).toFixed(1).padStart(8),
    )
    most = Math.max(most, grown)
  }
  return most
}

/** In the child: a reader that takes each piece and forgets it, now and then slowly. */
async function exportAll(format: string, slug: string): Promise<void> {
  await withRegistry(await terminalOf(process.env['AUDIT_URL'] ?? ''), async ({ registry, actor }) => {
    const tenant = await registry.tenants.get(actor, slug)
    // What is loaded once for any work is no growth of this one.
    await registry.audit.list(tenant, actor, {}, { limit: 100 })
    const before = process.memoryUsage().rss
    const began = performance.now()
    let [highest, bytes, lines] = [before, 0, 0]
    const { text } = await registry.audit.export(tenant, actor, {}, format === 'csv' ? 'csv' : 'ndjson')
    for await (const part of text) {
      bytes += Buffer.byteLength(part)
      for (let end = part.indexOf('\n'); end !== -1; end = part.indexOf('\n', end + 1)) lines += 1
      highest = Math.max(highest, process.memoryUsage().rss)
    }
    process.send?.(JSON.stringify({ grown: highest - before, bytes, lines, ms: performance.now() - began }))
  })
}

/** What the indexes cost who writes: one row per transaction, as a call does it. */
async function inserts({ database }: Session, acme: Tenant): Promise<void> {
  const key = randomBytes(32)
  const nothing = { tenant_id: acme.id, key_id: null, request_id: null, ip: null, detail: null, arguments_digest: null }
  const entry = { ...nothing, iss: 'https://issuer.test', sub: 'person-1', outcome: 'ok', latency_ms: 1 } as const
  const took: number[] = []
  for (let turn = 0; turn < 500; turn += 1) {
    const row = signAudit(key, { ...entry, at: Date.now(), action: 'tool_1', target: `thing-${turn}` }, Date.now())
    await database.tenant(acme, { access: 'write' }, async (db) => {
      const began = performance.now()
      await insertAudit(db, [row])
      took.push(performance.now() - began)
    })
  }
  console.log(`\none row is inserted in ${took.toSorted((a, b) => a - b)[250]?.toFixed(2)} ms (median of 500)`)
}

async function terminalOf(url: string): Promise<Terminal> {
  const dataDir = await mkdtemp(join(tmpdir(), 'audit-storm-'))
  const env = { DATABASE_URL: url, SESSION_SECRET: SECRET, DATA_DIR: dataDir }
  return { env, cwd: dataDir, stdin: new PassThrough(), stdout: process.stderr, stderr: process.stderr }
}

async function time(what: string, work: () => Promise<void>): Promise<void> {
  const began = performance.now()
  await work()
  console.log(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`)
}
