/**
 * Citus behind DATABASE_CITUS, against a recorded catalogue: there is no Citus on npm. Two real Postgres servers: one with the catalogue's
 * tables and functions as Citus 12 and 13 name them stands for the coordinator, the other for a worker. What Citus itself does is not run.
 */
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { ConfigError, type DatabaseConfig } from '#base/config.ts'
import { uuidv7 } from '#base/id.ts'
import { createLog } from '#base/log.ts'
import { moveOnCitus } from '#db/citus.ts'
import { TenantFenced, type Database } from '#db/database.ts'
import { schemaName } from '#db/names.ts'
import { openDatabase } from '#db/open.ts'
import { createPool } from '#db/pool.ts'
import { sql } from '#db/sql.ts'
import { examineCitus } from '../../src/cli/examination-citus.ts'
import { atCluster, query, startCluster, type OwnCluster } from '../support/cluster.ts'
import { defaultSettings } from '../support/database.ts'

const placeOf = (slug: string) => ({ schema: schemaName(slug), placement: 'default', schemaVersion: 1 }) as const
const acme = placeOf('acme')
let coordinator: OwnCluster
let worker: OwnCluster
let gate: Database
const doors: Database[] = []

const superuser = ({ socket }: OwnCluster): string => atCluster(socket)('postgres', 'postgres')

async function open(cluster: OwnCluster, more: Partial<DatabaseConfig> = {}): Promise<Database> {
  const config = {
    database: { ...defaultSettings, url: superuser(cluster), ...more },
    dataDir: tmpdir(),
    sessionSecrets: ['0123456789012345678901234567890123'],
    production: false,
  }
  const door = await openDatabase({ config, log: createLog('silent'), clock: systemClock })
  doors.push(door)
  return door
}

const provision = async (door: Database, place: ReturnType<typeof placeOf>): Promise<void> => {
  const slug = place.schema.slice('tenant_'.length)
  await door.admin.provision(place, async (db) => {
    await db.query(
      sql`INSERT INTO tenants (id, slug, name, schema, origin) VALUES (${uuidv7()}, ${slug}, ${slug}, ${place.schema}, 'operator')`,
    )
  })
}

/** Says that the schema's tables are on this node. */
const distribute = async (schema: string, group: number): Promise<void> => {
  await query(
    superuser(coordinator),
    `INSERT INTO pg_catalog.pg_dist_schema SELECT oid, oid::integer FROM pg_namespace WHERE nspname = '${schema}' ON CONFLICT DO NOTHING`,
    `INSERT INTO pg_catalog.pg_dist_partition SELECT c.oid, c.relnamespace::integer FROM pg_class c
      WHERE relnamespace = '${schema}'::regnamespace AND relkind = 'r'`,
    `INSERT INTO pg_catalog.pg_dist_shard SELECT logicalrelid, logicalrelid::bigint FROM pg_catalog.pg_dist_partition`,
    `INSERT INTO pg_catalog.pg_dist_placement SELECT shardid, ${group} FROM pg_catalog.pg_dist_shard`,
  )
}

const project = async (door: Database, place = acme, name: string | null = null): Promise<unknown> => {
  if (name !== null)
    return await door.tenant(place, { access: 'write' }, async (db) => {
      await db.query(sql`INSERT INTO projects (id, name, created_by, created_at, updated_at)
        VALUES (${uuidv7()}, ${name}, 'me', now(), now())`)
    })
  return await door.tenant(place, { access: 'read' }, async (db) => await db.query(sql`SELECT name FROM projects`))
}

beforeAll(async () => {
  ;[coordinator, worker] = await Promise.all([startCluster(inject('pg').bin), startCluster(inject('pg').bin)])
  gate = await open(coordinator, { citus: true })
}, 60_000)
afterAll(async () => {
  for (const door of doors) await door.close()
  await Promise.all([coordinator.remove(), worker.remove()])
})

test('a database without the extension is told so, with the name of the setting', async () => {
  const failure: unknown = await gate.admin.bootstrap().catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(ConfigError)
  expect(failure).toMatchObject({
    problems: [expect.stringMatching(/^DATABASE_CITUS: the extension citus is not in this database: CREATE EXTENSION/)],
  })
  expect(await gate.admin.citus()).toMatchObject({ version: null })
})

test('provisioning commits role and schema first, then tables and rights, and leaves nothing when it fails', async () => {
  await query(
    superuser(coordinator),
    `SET allow_system_table_mods = on;
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
      VALUES (90000, 'citus', 10, 'pg_catalog'::regnamespace, false, '13.2-1');
    CREATE TABLE pg_catalog.pg_dist_node (nodeid integer, groupid integer, nodename text, nodeport integer, noderole text, isactive boolean);
    CREATE TABLE pg_catalog.pg_dist_schema (schemaid oid PRIMARY KEY, colocationid integer);
    CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, colocationid integer);
    CREATE TABLE pg_catalog.pg_dist_shard (logicalrelid regclass, shardid bigint);
    CREATE TABLE pg_catalog.pg_dist_placement (shardid bigint, groupid integer);
    GRANT SELECT ON pg_catalog.pg_dist_node, pg_catalog.pg_dist_schema, pg_catalog.pg_dist_partition, pg_catalog.pg_dist_shard,
      pg_catalog.pg_dist_placement TO PUBLIC;
    INSERT INTO pg_catalog.pg_dist_node VALUES (1, 0, '${coordinator.socket}', 5432, 'primary', true),
      (2, 7, '${worker.socket}', 5432, 'primary', true), (3, 7, '/nowhere', 5432, 'secondary', true);
    CREATE FUNCTION pg_catalog.run_command_on_workers(text, boolean DEFAULT true) RETURNS text LANGUAGE sql AS 'SELECT $1';
    CREATE FUNCTION pg_catalog.citus_schema_move(regnamespace, text, integer, text DEFAULT 'auto') RETURNS void LANGUAGE sql AS
      'UPDATE pg_catalog.pg_dist_placement SET groupid = (SELECT groupid FROM pg_catalog.pg_dist_node WHERE nodename = $2 AND nodeport = $3)'`,
  )
  await gate.admin.bootstrap()
  await gate.admin.bootstrap()
  await provision(gate, acme)
  const [commits] = await query<object>(
    superuser(coordinator),
    `SELECT count(DISTINCT xid)::integer AS commits FROM (
      SELECT xmin::text FROM pg_authid WHERE rolname = '${acme.schema}' UNION ALL
      SELECT xmin::text FROM pg_attribute WHERE attrelid = '${acme.schema}.projects'::regclass AND attname = 'name' UNION ALL
      SELECT xmin::text FROM pg_class WHERE oid = '${acme.schema}.projects'::regclass) AS made (xid)`,
  )
  expect(commits).toEqual({ commits: 3 })
  const [owners] = await query<object>(
    superuser(coordinator),
    `SELECT pg_get_userbyid(n.nspowner) AS owner, pg_get_userbyid(c.relowner) AS tables
      FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid WHERE n.nspname = '${acme.schema}' AND c.relname = 'projects'`,
  )
  expect(owners).toEqual({ owner: 'gatehouse_owner', tables: 'gatehouse_owner' })
  const failing = gate.admin.provision(placeOf('lost'), async () => {
    throw new RangeError('no')
  })
  await expect(failing).rejects.toThrow(RangeError)
  expect(
    await query(
      superuser(coordinator),
      `SELECT nspname FROM pg_namespace WHERE nspname = 'tenant_lost' UNION SELECT rolname FROM pg_roles WHERE rolname = 'tenant_lost'`,
    ),
  ).toEqual([])
})

test('no tenant may run commands on other nodes, and the owner can be had by the coordinator', async () => {
  const [rights] = await query<object>(
    superuser(coordinator),
    `SELECT has_function_privilege('${acme.schema}', 'run_command_on_workers(text, boolean)', 'EXECUTE') AS commands,
      (SELECT rolcanlogin FROM pg_roles WHERE rolname = 'gatehouse_owner') AS owner`,
  )
  expect(rights).toEqual({ commands: false, owner: true })
})

test('a tool call goes straight to the worker that holds the schema; the registry stays on the coordinator', async () => {
  // As Citus would have done: the same roles and tables on the worker.
  const there = await open(worker)
  await there.admin.bootstrap()
  await provision(there, acme)
  await project(gate, acme, 'before it was distributed')
  await distribute(acme.schema, 7)
  const fresh = await open(coordinator, { citus: true })
  await project(fresh, acme, 'on the worker')
  expect(await project(fresh)).toEqual([{ name: 'on the worker' }])
  expect(await project(there)).toEqual([{ name: 'on the worker' }])
  const [row] = await fresh.control(
    { as: 'operator' },
    async (db) => await db.query(sql`SELECT count(*)::integer AS count FROM tenants`),
  )
  expect(row).toEqual({ count: 1 })
})

test('a tenant that is not distributed is served by the coordinator', async () => {
  const door = await open(coordinator, { citus: true })
  await provision(door, placeOf('local'))
  await project(door, placeOf('local'), 'here')
  expect(await project(door, placeOf('local'))).toEqual([{ name: 'here' }])
})

test('D18: after a move the node that fails is looked up again: the call is told, the next one is served', async () => {
  const door = await open(coordinator, { citus: true })
  expect(await project(door)).toEqual([{ name: 'on the worker' }])
  const admin = createPool({ url: superuser(coordinator) }, { max: 1, maxLifetime: 0 })
  await expect(moveOnCitus(admin, acme.schema, { host: '/elsewhere', port: 5432 })).rejects.toThrow(RangeError)
  await expect(moveOnCitus(admin, 'tenant_a; DROP', { host: worker.socket, port: 5432 })).rejects.toThrow(TypeError)
  await moveOnCitus(admin, acme.schema, { host: coordinator.socket, port: 5432 })
  await admin.end()
  await query(superuser(worker), `REVOKE ALL ON ALL TABLES IN SCHEMA ${acme.schema} FROM ${acme.schema}`)
  await expect(project(door)).rejects.toThrow(TenantFenced)
  expect(await project(door)).toEqual([{ name: 'before it was distributed' }])
  // Where nothing moved, a tool's own mistake stays its own.
  await expect(
    door.tenant(acme, { access: 'read' }, async (db) => await db.query(sql`SELECT * FROM gatehouse.tenants`)),
  ).rejects.toMatchObject({ code: '42501' })
})

test('doctor tells what keeps the cluster from serving or moving tenants', async () => {
  await query(superuser(coordinator), `CREATE TABLE ${acme.schema}.keyless (id uuid)`)
  await query(
    superuser(worker),
    `SET allow_system_table_mods = on; CREATE FUNCTION pg_catalog.run_command_on_workers(text) RETURNS text LANGUAGE sql AS 'SELECT $1'`,
  )
  const state = await gate.admin.citus()
  if (state === null) throw new Error('there is a cluster')
  const told = examineCitus(state).map(({ status, detail }) => `${status}: ${detail}`)
  const node = (cluster: OwnCluster): string => `${cluster.socket}:5432`
  expect(told).toEqual([
    `warning: ${node(coordinator)} has wal_level=replica: moving a tenant needs logical`,
    `warning: ${node(worker)} has wal_level=replica: moving a tenant needs logical`,
    `failed: ${node(worker)} lacks the roles of 1 tenants`,
    `warning: any tenant may call run_command_on_workers(text) on ${node(worker)}: revoke it from PUBLIC there`,
    `failed: no primary key, so nothing beside it can be moved: ${acme.schema}.keyless`,
    'warning: 1 tenants live on the coordinator: citus_schema_distribute moves tenant_local',
  ])
  await query(superuser(coordinator), `UPDATE pg_catalog.pg_dist_node SET nodename = '/gone' WHERE nodeid = 2`)
  const away = await gate.admin.citus()
  expect(away === null ? [] : examineCitus(away).map(({ detail }) => detail)).toContain(
    '/gone:5432 cannot be reached directly: tool calls go straight to it',
  )
})
