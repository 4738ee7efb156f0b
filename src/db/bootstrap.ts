import type pg from 'pg'
import { ConfigError } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import { sqlState } from './errors.ts'
import { ROLE } from './names.ts'
import { scramVerifier } from './scram.ts'

export interface BootstrapOptions {
  /** The role that the pool logs in as. Password null: it is the URL's own user, and is neither made nor changed (D17). */
  readonly app: { readonly role: string; readonly password: string | null }
  readonly log: Log
}

const OLDEST = 150_000

/** Useful to operators' tools when the server has them; nothing of ours needs them. */
const EXTENSIONS = ['pg_trgm', 'vector']

/**
 * Everything that stands before the first table: roles, the `ext` and `gatehouse` schemas, extensions, and the revokes that
 * harden the wall where the admin may make them (D15). Within the caller's transaction; safe to run again.
 */
export async function prepare(client: pg.ClientBase, { app, log }: BootstrapOptions): Promise<void> {
  const version = await serverVersion(client)
  if (version < OLDEST)
    throw new ConfigError([`DATABASE_URL: Postgres 15 or newer is needed, this is ${Math.floor(version / 10_000)}`])
  // A hardened database keeps the lock from an admin who is no superuser; then two at once are settled by a retry.
  await attempt(
    client,
    `SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('gatehouse:bootstrap', 0))`,
  )
  for (const role of Object.values(ROLE)) await createRole(client, role, 'NOLOGIN NOINHERIT')
  if (app.password !== null) await createAppRole(client, app.role, app.password)
  for (const role of Object.values(ROLE)) await grantRole(client, role, 'CURRENT_USER', version)
  for (const role of [ROLE.resolver, ROLE.desk]) await grantRole(client, role, app.role, version)
  for (const schema of ['ext', 'gatehouse']) {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${ROLE.owner}`)
  }
  await attempt(client, `SET LOCAL ROLE ${ROLE.owner}; GRANT USAGE ON SCHEMA ext TO PUBLIC; SET LOCAL ROLE NONE`)
  await asOwner(client, `GRANT USAGE ON SCHEMA gatehouse TO ${ROLE.resolver}, ${ROLE.desk}, ${ROLE.operator}`)
  for (const name of EXTENSIONS) await addExtension(client, name, log)
  await harden(client)
}

/** As server_version_num: 150004 is 15.4. */
export async function serverVersion(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::integer AS version`,
  )
  return rows[0]?.version ?? 0
}

async function createRole(client: pg.ClientBase, role: string, attributes: string): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1', [role])
  if (rowCount === 0) await client.query(`CREATE ROLE ${role} ${attributes}`)
}

/** The role that the pool logs in as: it owns nothing, inherits nothing, and finds no table without a prelude. */
async function createAppRole(client: pg.ClientBase, role: string, password: string): Promise<void> {
  await createRole(client, role, 'LOGIN NOINHERIT')
  const { rows } = await client.query<{ strong: boolean }>(
    'SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS strong FROM pg_catalog.pg_roles WHERE rolname = $1',
    [role],
  )
  if (rows[0]?.strong === true)
    throw new ConfigError([
      `DATABASE_URL: the role ${role} there has rights of an administrator; drop it, it is made anew`,
    ])
  await client.query(`ALTER ROLE ${role} LOGIN NOINHERIT PASSWORD '${scramVerifier(password)}'`)
  await client.query(`ALTER ROLE ${role} SET search_path = ''`)
}

/** Lets `to` take the role with SET ROLE and nothing else. Before Postgres 16 there is only membership. */
export async function grantRole(client: pg.ClientBase, role: string, to: string, version: number): Promise<void> {
  const able = version >= 160_000 ? 'SET' : 'MEMBER'
  const member = to === 'CURRENT_USER' ? 'current_user' : client.escapeLiteral(to)
  const { rows } = await client.query<{ has: boolean }>(`SELECT pg_catalog.pg_has_role(${member}, $1, $2) AS has`, [
    role,
    able,
  ])
  if (rows[0]?.has === true) return
  await giveRole(client, role, to, version)
}

/**
 * The same without asking first, for a role that nobody has yet. Who asks lets Postgres make its list of all roles of `to` anew, which every grant
 * throws away: with 10,000 tenants that takes longer than making a tenant (docs/operations/scale.md).
 */
export async function giveRole(client: pg.ClientBase, role: string, to: string, version: number): Promise<void> {
  try {
    const grantee = to === 'CURRENT_USER' ? to : client.escapeIdentifier(to)
    await client.query(`GRANT ${role} TO ${grantee}${version >= 160_000 ? ' WITH INHERIT FALSE, SET TRUE' : ''}`)
  } catch (error) {
    if (sqlState(error) !== '42501') throw error
    throw new ConfigError([
      `DATABASE_ADMIN_URL: its user may not grant the role ${role}, which another administrator of that server made`,
    ])
  }
}

/** Runs statements as the owner role, each as a message of its own (Citus), and comes back to the admin. */
export async function asOwner(client: pg.ClientBase, ...statements: readonly string[]): Promise<void> {
  for (const statement of [`SET LOCAL ROLE ${ROLE.owner}`, ...statements, 'SET LOCAL ROLE NONE']) {
    await client.query(statement)
  }
}

/** What the admin may not do is left undone and the transaction goes on. */
async function attempt(client: pg.ClientBase, text: string): Promise<boolean> {
  await client.query('SAVEPOINT attempt')
  try {
    await client.query(text)
    await client.query('RELEASE attempt')
    return true
  } catch (error) {
    if (sqlState(error) === null) throw error
    await client.query('ROLLBACK TO attempt; RELEASE attempt')
    return false
  }
}

async function addExtension(client: pg.ClientBase, name: string, log: Log): Promise<void> {
  const { rows } = await client.query<{ schema: string | null }>(
    `SELECT n.nspname::text AS schema FROM pg_catalog.pg_available_extensions a
      LEFT JOIN pg_catalog.pg_extension e ON e.extname = a.name LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
      WHERE a.name = $1`,
    [name],
  )
  const found = rows[0]
  if (found === undefined || found.schema === 'ext') return
  if (found.schema !== null)
    return log.warn(
      { extension: name, schema: found.schema },
      'extension is not in the schema ext: tenants cannot use it',
    )
  if (!(await attempt(client, `CREATE EXTENSION ${name} WITH SCHEMA ext`)))
    log.info({ extension: name }, 'extension could not be added')
}

/** Functions that tools never need and that a hostile statement would use; D15 refuses them by name as well. */
const DANGEROUS = `SELECT p.oid::pg_catalog.regprocedure::text AS name FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.prokind = 'f'
    AND p.proname ~ '^(set_config|pg_notify|pg_sleep.*|lo_.*|loread|lowrite|setseed|ts_stat|ts_rewrite|pg_(try_)?advisory_.*|.*_to_xml(schema|_and_xmlschema)?)$'
    AND EXISTS (SELECT 1 FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE')
  ORDER BY 1`

/**
 * Takes from PUBLIC what D15 refuses by name, so that the database itself refuses it. Needs the owner of these functions: a
 * superuser. Elsewhere nothing happens, and `wall()` answers "guarded".
 */
async function harden(client: pg.ClientBase): Promise<void> {
  const { rows: databases } = await client.query<{
    name: string
    temp: boolean
    language: boolean
    settings: boolean
    create: boolean
  }>(
    `SELECT pg_catalog.quote_ident(current_database()) AS name,
      pg_catalog.has_database_privilege('public', current_database(), 'TEMP') AS temp,
      pg_catalog.has_language_privilege('public', 'plpgsql', 'USAGE') AS language,
      pg_catalog.has_table_privilege('public', 'pg_catalog.pg_settings', 'UPDATE') AS settings,
      coalesce(pg_catalog.has_schema_privilege('public', pg_catalog.to_regnamespace('public'), 'CREATE'), false) AS create`,
  )
  const database = databases[0]
  if (database === undefined) return
  if (database.temp) await attempt(client, `REVOKE TEMPORARY ON DATABASE ${database.name} FROM PUBLIC`)
  if (database.create) await attempt(client, 'REVOKE CREATE ON SCHEMA public FROM PUBLIC')
  const { rows: me } = await client.query<{ rolsuper: boolean }>(
    'SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user',
  )
  if (me[0]?.rolsuper !== true) return
  const { rows: functions } = await client.query<{ name: string }>(DANGEROUS)
  if (functions.length > 0)
    await attempt(client, `REVOKE EXECUTE ON FUNCTION ${functions.map(({ name }) => name).join(', ')} FROM PUBLIC`)
  if (database.settings) await attempt(client, 'REVOKE UPDATE ON pg_catalog.pg_settings FROM PUBLIC')
  if (database.language) await attempt(client, 'REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC')
  // Ours may lock: the migration runner as owner, the registry's writers in their transactions.
  const lockers = Object.values(ROLE).join(', ')
  await attempt(
    client,
    `GRANT EXECUTE ON FUNCTION pg_catalog.pg_advisory_xact_lock(bigint), pg_catalog.pg_advisory_xact_lock(integer, integer) TO ${lockers}`,
  )
}
