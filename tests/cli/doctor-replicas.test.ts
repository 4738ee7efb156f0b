/** What `doctor` says of a real streaming replica, and of what is none. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { atCluster, query, startCluster, type OwnCluster } from '../support/cluster.ts'
import { gatehouse } from '../support/command.ts'
import { startReplica, type Replica } from '../support/replica.ts'
import { until } from '../support/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'doctor-replicas-'))
let primary: OwnCluster
let replica: Replica
let env: Readonly<Record<string, string>>

const superuser = (socket: string, database = 'gatehouse'): string => atCluster(socket)('postgres', database)

async function migrate(variables: typeof env): Promise<void> {
  const ran = await gatehouse({ env: variables }, 'migrate')
  if (ran.exit !== 0) throw new Error(ran.stderr)
}

beforeAll(async () => {
  primary = await startCluster(inject('pg').bin)
  await query(superuser(primary.socket, 'postgres'), 'CREATE DATABASE gatehouse', 'CREATE DATABASE eu')
  env = {
    DATA_DIR: folder,
    SESSION_SECRET: 's'.repeat(40),
    DATABASE_URL: superuser(primary.socket),
    JWT_SECRET_KEY: 'k'.repeat(40),
    JWT_ISSUER: 'https://us.test',
  }
  await migrate(env)
  replica = await startReplica(inject('pg').bin, primary)
}, 60_000)
afterAll(async () => {
  await replica.remove()
  await primary.remove()
  rmSync(folder, { recursive: true, force: true })
})

/** `status: detail` of one check; null: it is not there. */
async function looked(
  url: string,
  more: Readonly<Record<string, string>> = {},
  check = 'replica',
): Promise<string | null> {
  const variables = { ...env, DATABASE_REPLICA_URL: url, ...more }
  const ran = await gatehouse({ env: variables }, 'doctor --json')
  const { findings } = ran.json() as { findings: { check: string; status: string; detail: string }[] }
  const found = findings.find((one) => one.check === check)
  return found === undefined ? null : `${found.status}: ${found.detail}`
}

test('doctor tells of a read replica that streams, and of one that stands still', async () => {
  const url = superuser(replica.socket)
  await until(async () => (await looked(url))?.startsWith('ok') === true)
  expect(await looked(url)).toBe('ok: streams, and has all that was written')
  await query(superuser(replica.socket), 'SELECT pg_wal_replay_pause()')
  await query(superuser(primary.socket), 'CREATE TABLE lag (i int)', 'INSERT INTO lag SELECT generate_series(1, 1000)')
  expect(await looked(url)).toMatch(
    /^warning: DATABASE_REPLICA_URL is \d+ octets of WAL behind after a second(; the last commit it has is \d+ s old)?\. Until then reads stay on the primary$/,
  )
  await query(superuser(replica.socket), 'SELECT pg_wal_replay_resume()')
  await until(async () => (await looked(url))?.startsWith('ok') === true)
})

test('doctor tells of a read replica that is away, that is the primary itself, and that is of another server', async () => {
  expect(await looked('postgres://nobody:hunter2@127.0.0.1:9/none')).toBe(
    'failed: DATABASE_REPLICA_URL: cannot be reached (ECONNREFUSED). Reads stay on the primary',
  )
  expect(await looked(superuser(primary.socket))).toMatch(/^failed: DATABASE_REPLICA_URL is no replica/)
  const other = await startCluster(inject('pg').bin)
  try {
    await query(superuser(other.socket, 'postgres'), 'CREATE DATABASE gatehouse')
    // A login role of the same name and password, as on a server that was copied.
    const there = { ...env, DATABASE_URL: superuser(other.socket) }
    await migrate(there)
    expect(await looked(superuser(other.socket))).toMatch(/^failed: DATABASE_REPLICA_URL is of another server/)
  } finally {
    await other.remove()
  }
})

test('doctor names the placement whose replica it is, and is silent where there is none', async () => {
  const eu = {
    DATABASE_URL_EU: superuser(primary.socket, 'eu'),
    DATABASE_REPLICA_URL_EU: superuser(primary.socket, 'eu'),
  }
  expect(await looked(superuser(replica.socket), eu, 'replica eu')).toMatch(
    /^failed: DATABASE_REPLICA_URL_EU is no replica/,
  )
  const none = { ...env, DATABASE_REPLICA_URL: '' }
  expect((await gatehouse({ env: none }, 'doctor')).stdout).not.toMatch(/^\w+ +replica/m)
})
