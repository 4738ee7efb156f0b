/** Reads on a real streaming replica: never staler than what was written before, by whomever (src/db/replicas.ts). */
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { systemClock } from '#base/clock.ts'
import type { DatabaseConfig } from '#base/config.ts'
import { uuidv7 } from '#base/id.ts'
import { createLog } from '#base/log.ts'
import { TenantFenced, type Database } from '#db/database.ts'
import { schemaName } from '#db/names.ts'
import { openDatabase } from '#db/open.ts'
import { sql } from '#db/sql.ts'
import { atCluster, query, startCluster, type OwnCluster } from '../support/cluster.ts'
import { defaultSettings } from '../support/database.ts'
import { startReplica, type Replica } from '../support/replica.ts'
import { until } from '../support/until.ts'

const place = { schema: schemaName('acme'), placement: 'default', schemaVersion: 1 } as const
let primary: OwnCluster
let replica: Replica
/** Two processes of one deployment. */
let one: Database
let other: Database
const doors: Database[] = []

const superuser = (socket: string): string => atCluster(socket)('postgres', 'postgres')

async function open(more: Partial<DatabaseConfig> = {}): Promise<Database> {
  const url = superuser(primary.socket)
  const replicas = { default: superuser(replica.socket) }
  const config = {
    database: { ...defaultSettings, url, replicas, ...more },
    dataDir: tmpdir(),
    sessionSecrets: ['0123456789012345678901234567890123'],
    production: false,
  }
  const door = await openDatabase({ config, log: createLog('silent'), clock: systemClock })
  doors.push(door)
  return door
}

beforeAll(async () => {
  primary = await startCluster(inject('pg').bin)
  replica = await startReplica(inject('pg').bin, primary)
  one = await open()
  other = await open()
  await one.admin.bootstrap()
  await one.admin.provision(place, async (db) => {
    await db.query(
      sql`INSERT INTO tenants (id, slug, name, schema, origin) VALUES (${uuidv7()}, 'acme', 'Acme', ${place.schema}, 'operator')`,
    )
  })
}, 60_000)
afterAll(async () => {
  for (const door of doors) await door.close()
  await replica.remove()
  await primary.remove()
})

const write = async (door: Database, name: string): Promise<void> => {
  await door.tenant(place, { access: 'write' }, async (db) => {
    await db.query(sql`INSERT INTO projects (id, name, created_by, created_at, updated_at)
      VALUES (${uuidv7()}, ${name}, 'me', now(), now())`)
  })
}
interface Seen {
  readonly names: readonly string[]
  readonly replica: boolean
}
const read = async (door: Database): Promise<Seen | undefined> => {
  const [seen] = await door.tenant(
    place,
    { access: 'read' },
    async (db) =>
      await db.query<Seen>(
        sql`SELECT coalesce(array_agg(name), '{}') AS names, pg_is_in_recovery() AS replica FROM projects`,
      ),
  )
  return seen
}
const replay = async (word: 'pause' | 'resume'): Promise<void> => {
  await query(superuser(replica.socket), `SELECT pg_wal_replay_${word}()`)
  if (word === 'pause')
    await until(async () => {
      const [row] = await query<{ state: string }>(
        superuser(replica.socket),
        'SELECT pg_get_wal_replay_pause_state() AS state',
      )
      return row?.state === 'paused'
    })
}
const onReplica = async (door: Database): Promise<void> => await until(async () => (await read(door))?.replica === true)

test('a tool that reads is answered by the replica, one that writes by the primary', async () => {
  await onReplica(one)
  await write(one, 'first')
  const [where] = await one.tenant(
    place,
    { access: 'write' },
    async (db) => await db.query<{ replica: boolean }>(sql`SELECT pg_is_in_recovery() AS replica`),
  )
  expect(where).toEqual({ replica: false })
  const [snapshot] = await one.tenant(
    place,
    { access: 'read', snapshot: true },
    async (db) => await db.query<{ replica: boolean }>(sql`SELECT pg_is_in_recovery() AS replica`),
  )
  expect(snapshot).toEqual({ replica: false })
})

test('what was written is read, at once and by every process, while the replica stands still', async () => {
  await onReplica(one)
  await onReplica(other)
  await replay('pause')
  for (const name of ['second', 'third']) {
    await write(one, name)
    for (const door of [other, one, await open()]) {
      const seen = await read(door)
      expect(seen?.names).toContain(name)
      expect(seen?.replica).toBe(false)
    }
  }
  // The replica itself still knows nothing of it.
  const [stale] = await query<{ count: number }>(
    superuser(replica.socket),
    `SELECT count(*)::integer AS count FROM ${place.schema}.projects WHERE name IN ('second', 'third')`,
  )
  expect(stale).toEqual({ count: 0 })
  await replay('resume')
  await onReplica(one)
  expect((await read(one))?.names).toEqual(expect.arrayContaining(['second', 'third']))
})

test('writers and readers on two processes while the replica stops and goes: no read misses a write before it', async () => {
  let answers = 0
  for (let round = 0; round < 3; round += 1) {
    await replay('resume')
    await onReplica(other)
    const stopped = (async () => await replay('pause'))()
    for (let turn = 0; turn < 10; turn += 1) {
      const name = `round ${round}, ${turn}`
      await write(one, name)
      const seen = await Promise.all([read(other), read(one), read(other)])
      for (const each of seen) expect(each?.names).toContain(name)
      answers += seen.filter((each) => each?.replica === true).length
    }
    await stopped
  }
  await replay('resume')
  await onReplica(one)
  console.log(`${answers} of 90 reads were answered by the replica`)
})

test('D18: a fence holds for reads on the replica as well, also while it has not heard of it', async () => {
  await onReplica(one)
  await replay('pause')
  await other.admin.fence(place, async () => {})
  await expect(read(one)).rejects.toThrow(TenantFenced)
  await replay('resume')
  await expect(read(one)).rejects.toThrow(TenantFenced)
  await expect(read(await open())).rejects.toThrow(TenantFenced)
  await other.admin.unfence(place, async () => {})
  expect((await read(one))?.names).toContain('first')
})

test('D16: with TENANT_LOGIN the tenant logs in at the replica too', async () => {
  const door = await open({ tenantLogin: true })
  await door.admin.bootstrap()
  await onReplica(door)
  const [who] = await door.tenant(
    place,
    { access: 'read' },
    async (db) => await db.query<object>(sql`SELECT session_user::text AS login, pg_is_in_recovery() AS replica`),
  )
  expect(who).toEqual({ login: place.schema, replica: true })
  await (await open()).admin.bootstrap()
})

test('after a failover a replica that holds what the new primary never got is not asked', async () => {
  await onReplica(one)
  const senders = async (): Promise<readonly number[]> =>
    (await query<{ pid: number }>(superuser(primary.socket), 'SELECT pid FROM pg_stat_replication')).map(
      ({ pid }) => pid,
    )
  const before = await senders()
  const heir = await startReplica(inject('pg').bin, primary)
  await until(async () => (await senders()).length > before.length)
  const [sender = 0] = (await senders()).filter((pid) => !before.includes(pid))
  // Pages to write, so that its first checkpoint after the failover, before which the control file names the old timeline, takes a while.
  await query(superuser(primary.socket), `CREATE TABLE pages AS SELECT repeat('x', 2000) FROM generate_series(1, 8000)`)
  await until(async () => (await query(superuser(heir.socket), 'SELECT 1 FROM pages LIMIT 1')).length > 0)
  // From here on the heir is told nothing, the replica everything.
  process.kill(sender, 'SIGSTOP')
  try {
    await query(superuser(primary.socket), `SELECT pg_logical_emit_message(true, 'x', repeat('x', 2000000))`)
    await write(one, 'lost')
    await until(async () => (await read(one))?.replica === true)
    await query(superuser(heir.socket), 'SELECT pg_promote()')
    const door = await open({ url: superuser(heir.socket) })
    for (let turn = 0; turn < 5; turn += 1) {
      const name = `after the failover ${turn}`
      await write(door, name)
      const seen = await read(door)
      expect(seen?.names).toContain(name)
      expect(seen).toMatchObject({ replica: false })
    }
  } finally {
    process.kill(sender, 'SIGCONT')
    await heir.remove()
  }
})

test('a URL that leads to no replica of this server, or to none at all, costs nothing but the reads it would have taken', async () => {
  for (const url of [superuser(primary.socket), 'postgres://postgres@localhost:1/postgres']) {
    const door = await open({ replicas: { default: url } })
    expect(await read(door)).toMatchObject({ replica: false })
  }
  await replica.remove()
  expect(await read(one)).toMatchObject({ replica: false })
})
