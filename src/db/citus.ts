import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import { ConfigError } from '#base/config.ts'
import { adminTransaction } from './admin-connection.ts'
import type { TenantPlace } from './database.ts'
import { named } from './errors.ts'
import type { Migration } from './migrations.ts'
import { assertSchema, ROLE } from './names.ts'
import { nodeOf, type Node } from './servers.ts'
import { bringUp, createTenantRole, dropTenantSchema, openTenant, type TenantRole } from './tenant-schema.ts'

/** Where a tenant's calls go. */
export interface Nodes {
  /** The name of the server (servers.ts) that holds the tenant's tables: a worker, or the coordinator for what is not distributed. */
  locate(place: TenantPlace): Promise<string>
  /** After a failure: reads the catalogue again. True: the schema lives elsewhere than it was believed to. */
  moved(place: TenantPlace): Promise<boolean>
}

/** Milliseconds; a call on the wrong node works too, slowly, so nothing else would end a stale entry without failures. */
const REMEMBERED = 60_000
const MOST = 20_000

/** All tables of a distributed schema are on one node. Not `citus_schemas`, which adds up sizes. */
const NODE = `SELECT n.nodename::text AS host, n.nodeport::integer AS port
  FROM pg_catalog.pg_dist_schema s
    JOIN pg_catalog.pg_dist_partition p ON p.colocationid = s.colocationid
    JOIN pg_catalog.pg_dist_shard d ON d.logicalrelid = p.logicalrelid
    JOIN pg_catalog.pg_dist_placement l ON l.shardid = d.shardid
    JOIN pg_catalog.pg_dist_node n ON n.groupid = l.groupid
  WHERE s.schemaid = pg_catalog.to_regnamespace($1::text)::oid AND n.noderole = 'primary' AND n.isactive
  LIMIT 1`

/** Looks up the node of each tenant of the placement `default` in the coordinator's catalogue, and remembers it for a minute. */
export function createNodes(coordinator: () => pg.Pool): Nodes {
  const known = new LRUCache<string, string>({ max: MOST, ttl: REMEMBERED })
  async function look({ schema, placement }: TenantPlace): Promise<string> {
    try {
      const { rows } = await coordinator().query<Node>(NODE, [schema])
      const server = rows[0] === undefined ? placement : nodeOf(placement, rows[0])
      known.set(schema, server)
      return server
    } catch (error) {
      throw named(error)
    }
  }
  return {
    async locate(place) {
      if (place.placement !== 'default') return place.placement
      return known.get(place.schema) ?? (await look(place))
    },
    async moved(place) {
      if (place.placement !== 'default') return false
      const believed = known.get(place.schema)
      known.delete(place.schema)
      return (await look(place)) !== believed
    },
  }
}

/** Throws ConfigError where the extension is absent, or older than schema-based sharding. */
async function assertCitus(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: string }>(
    `SELECT extversion AS version FROM pg_catalog.pg_extension WHERE extname = 'citus'`,
  )
  const version = rows[0]?.version
  if (version === undefined)
    throw new ConfigError([
      'DATABASE_CITUS: the extension citus is not in this database: CREATE EXTENSION citus on every node, or DATABASE_CITUS=false',
    ])
  if (Number.parseInt(version, 10) < 12)
    throw new ConfigError([`DATABASE_CITUS: Citus 12 or newer is needed for schema-based sharding, this is ${version}`])
}

/**
 * What a coordinator needs beside `prepare`: it speaks to workers as the present role, so the owner of tables must be able to log in (it has
 * no password), and nobody but administrators may run commands on workers. Within the caller's transaction.
 */
export async function prepareCitus(client: pg.ClientBase): Promise<void> {
  await assertCitus(client)
  await client.query(`ALTER ROLE ${ROLE.owner} LOGIN PASSWORD NULL`)
  const { rows } = await client.query<{ name: string }>(OPEN_COMMANDS)
  for (const { name } of rows) await client.query(`REVOKE EXECUTE ON FUNCTION ${name} FROM PUBLIC`)
}

/** Functions by which a tenant could run statements elsewhere than on its own connection. */
export const OPEN_COMMANDS = `SELECT p.oid::pg_catalog.regprocedure::text AS name FROM pg_catalog.pg_proc p
  WHERE p.proname ~ '^run_command_on_' AND EXISTS (
    SELECT 1 FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
    WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE')
  ORDER BY 1`

/**
 * A tenant's role and schema on a cluster. Structure and its contents are committed apart, as one transaction may use one role on tenants'
 * tables, and what a worker is told must be there before tables are. Leaves nothing behind when it fails.
 */
export async function createOnCitus(pool: pg.Pool, role: TenantRole, migrations: readonly Migration[]): Promise<void> {
  await adminTransaction(pool, {}, async (client) => {
    await createTenantRole(client, role)
    await client.query('SET LOCAL citus.enable_schema_based_sharding = on')
    await client.query(`CREATE SCHEMA ${role.schema} AUTHORIZATION ${ROLE.owner}`)
  })
  try {
    await adminTransaction(pool, {}, async (client) => void (await bringUp(client, role, migrations)))
    await adminTransaction(pool, {}, async (client) => await openTenant(client, role))
  } catch (error) {
    await adminTransaction(pool, {}, async (client) => await dropTenantSchema(client, role))
    throw error
  }
}

/**
 * Moves a tenant's tables to another worker while it is at work: writes stop for some ten milliseconds at the end. Needs wal_level=logical on
 * every node and a primary key on every table. For `tenant move --to <worker>`. Outside of any transaction; as the admin on the coordinator.
 * Throws RangeError for a node that the cluster does not have.
 */
export async function moveOnCitus(pool: pg.Pool, schema: string, { host, port }: Node): Promise<void> {
  assertSchema(schema)
  const { rowCount } = await pool.query(
    `SELECT 1 FROM pg_catalog.pg_dist_node WHERE nodename = $1 AND nodeport = $2 AND noderole = 'primary' AND isactive`,
    [host, port],
  )
  if (rowCount === 0) throw new RangeError(`${host}:${port} is no active worker of this cluster`)
  await pool.query('SELECT pg_catalog.citus_schema_move(pg_catalog.to_regnamespace($1::text), $2, $3)', [
    schema,
    host,
    port,
  ])
}
