import { createHash } from 'node:crypto'
import type pg from 'pg'
import { ConfigError } from '#base/config.ts'
import { asOwner, giveRole, grantRole, serverVersion } from './bootstrap.ts'
import { sqlState } from './errors.ts'
import { insideNamed } from './inside.ts'
import { inspect } from './inspect.ts'
import { LEDGERS, migrate, type Migration } from './migrations.ts'
import { ROLE } from './names.ts'
import { scramVerifier } from './scram.ts'
import { migrateTools } from './tool-migrations.ts'

export interface TenantRole {
  readonly schema: string
  /** The pool's login role, which may take the tenant's (SET ROLE). */
  readonly app: string
  /** D16: the tenant's role logs in itself; null: nobody logs in as it. */
  readonly password: string | null
  /** The operator's own migrations (TOOLS_DIR/sql), applied after Gatehouse's. Absent: none. */
  readonly tools?: readonly Migration[]
}

/** Tables that a tenant's role may only add to. */
const APPEND_ONLY = ['audit', 'audit_checkpoints']
const READ_ONLY = LEDGERS
/** What Postgres grants on as tables, and as sequences. */
const TABLES = ['r', 'p', 'v', 'm', 'f']
const SEQUENCES = ['S']
/** Milliseconds: from Postgres 18 on, rights on a table that is named wait for who has locked it. */
const BRIEFLY = 100

/** A new tenant's role and schema, with every migration and its rights. Within the caller's transaction. Ends as the admin. */
export async function createTenantSchema(
  client: pg.ClientBase,
  role: TenantRole,
  migrations: readonly Migration[],
): Promise<number> {
  await createTenantRole(client, role)
  await client.query(`CREATE SCHEMA ${role.schema} AUTHORIZATION ${ROLE.owner}`)
  const version = await bringUp(client, role, migrations)
  await openTenant(client, role)
  return version
}

/** Applies pending migrations and looks at the result (D16). Within the caller's transaction. Ends as the admin. */
export async function bringUp(
  client: pg.ClientBase,
  role: TenantRole,
  migrations: readonly Migration[],
): Promise<number> {
  const version = await migrate(client, role.schema, migrations)
  await migrateTools(client, role.schema, role.tools ?? [])
  await client.query('SET LOCAL ROLE NONE')
  await inspect(client, role.schema)
  await settleLogins(client, [role])
  return version
}

/** Within the caller's transaction; as the admin. */
export async function createTenantRole(client: pg.ClientBase, { schema, app }: TenantRole): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1', [schema])
  const version = await serverVersion(client)
  if (rowCount === 0) {
    await client.query(`CREATE ROLE ${schema} NOLOGIN NOINHERIT`)
    await giveRole(client, schema, app, version)
  } else {
    await assertUnused(client, schema)
    await grantRole(client, schema, app, version)
  }
}

/** Roles belong to the whole server: one that has rights elsewhere is another tenant (D17). */
async function assertUnused(client: pg.ClientBase, schema: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT coalesce(d.datname, 'the server')::text AS name FROM pg_catalog.pg_shdepend s
      LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
      WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
        AND s.refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1)
        AND d.datname IS DISTINCT FROM current_database()
        -- Membership in the role (Postgres 16 and newer list it) is not a right of the role.
        AND s.classid <> 'pg_catalog.pg_auth_members'::pg_catalog.regclass
      LIMIT 1`,
    [schema],
  )
  const name = rows[0]?.name
  if (name === undefined) return
  throw new ConfigError([
    `DATABASE_SLUG_PREFIX: needed, because the role ${schema} has rights in the database ${name} of the same server`,
  ])
}

/**
 * Lets tenants' roles log in with their present password, or not at all (D16). A mark on the role tells which password it has, so
 * that only what differs is changed: after TENANT_LOGIN was turned on or off, and after SESSION_SECRET was changed. A role without its
 * rights (fenced, D18) does not log in, and gets its password anew with them.
 */
export async function settleLogins(client: pg.ClientBase, roles: readonly TenantRole[]): Promise<void> {
  const { rows } = await client.query<{ name: string; login: boolean; mark: string | null; rights: boolean }>(
    `SELECT r.rolname::text AS name, r.rolcanlogin AS login, pg_catalog.shobj_description(r.oid, 'pg_authid') AS mark,
        coalesce(pg_catalog.has_table_privilege(r.oid, c.oid, 'SELECT'), false) AS rights
      FROM pg_catalog.pg_roles r LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = r.rolname
        LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'schema_migrations'
      WHERE r.rolname = ANY ($1)`,
    [roles.map(({ schema }) => schema)],
  )
  const present = new Map(rows.map((row) => [row.name, row]))
  for (const { schema, password } of roles) {
    const found = present.get(schema)
    if (found === undefined) continue
    const wanted = found.rights ? password : null
    const mark = wanted === null ? null : `login ${createHash('sha256').update(wanted).digest('hex').slice(0, 16)}`
    if (found.login === (wanted !== null) && (mark === null || found.mark === mark)) continue
    if (wanted === null) {
      await client.query(`ALTER ROLE ${schema} NOLOGIN PASSWORD NULL`)
      await client.query(`COMMENT ON ROLE ${schema} IS NULL`)
    } else {
      await client.query(`ALTER ROLE ${schema} LOGIN PASSWORD '${scramVerifier(wanted)}'`)
      await client.query(`COMMENT ON ROLE ${schema} IS '${mark}'`)
    }
  }
}

/** The tenant's rights, and its log-in where tenants have one. Ends as the admin. */
export async function openTenant(client: pg.ClientBase, role: TenantRole): Promise<void> {
  await grantRights(client, role.schema)
  await settleLogins(client, [role])
}

/** D18: neither rights nor log-in from the commit on; sessions that are open go on without rights. Ends as the admin. */
export async function shutTenant(client: pg.ClientBase, role: TenantRole): Promise<void> {
  await revokeRights(client, role.schema)
  await settleLogins(client, [role])
}

/**
 * Ends the sessions that are logged in as the tenant (D16): those without a transaction, or all. An admin who is no superuser becomes the
 * tenant's role for it, and is none of its members afterwards. Within the caller's transaction; as the admin.
 */
export async function endSessions(client: pg.ClientBase, schema: string, which: 'idle' | 'all'): Promise<void> {
  const { rows } = await client.query<{ member: boolean }>(
    `SELECT pg_catalog.pg_has_role(current_user, $1, '${(await serverVersion(client)) >= 160_000 ? 'SET' : 'MEMBER'}') AS member`,
    [schema],
  )
  const member = rows[0]?.member === true
  if (!member) await grantRole(client, schema, 'CURRENT_USER', await serverVersion(client))
  await client.query(`SET LOCAL ROLE ${schema}`)
  await client.query(
    `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
      WHERE usename = $1 AND ($2 = 'all' OR state = 'idle') AND pid <> pg_catalog.pg_backend_pid()`,
    [schema, which],
  )
  await client.query('SET LOCAL ROLE NONE')
  if (!member) await client.query(`REVOKE ${schema} FROM CURRENT_USER`)
}

/** Roles that look like tenants' and may log in, of all databases of the server. */
export async function tenantLogins(client: pg.ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT rolname::text AS name FROM pg_catalog.pg_roles WHERE rolcanlogin AND rolname LIKE 'tenant\\_%'`,
  )
  return rows.map(({ name }) => name)
}

/**
 * Who gives or takes a tenant's rights comes one after another, from here to the end of the transaction: else a migration that saw them before
 * they were taken would give them back, and a table that it made meanwhile would be on nobody's list (D18).
 */
async function lockRights(client: pg.ClientBase, schema: string): Promise<void> {
  const ledger = `${schema}.schema_migrations`
  if (!(await namesIn(client, schema, TABLES)).includes(ledger)) return
  // Not an advisory lock, which a hostile tenant might take first: of this table it may only read, which never stands in the way.
  await asOwner(client, `LOCK TABLE ${ledger} IN SHARE UPDATE EXCLUSIVE MODE`)
}

/** The rights on what a migration made, for a tenant that has its rights; one that is shut stays shut (D18). Ends as the admin. */
export async function keepRights(client: pg.ClientBase, schema: string): Promise<void> {
  await lockRights(client, schema)
  if (await hasRights(client, schema)) await grantRights(client, schema)
}

/** What a tenant's role may do: USAGE and rows. No CREATE, no TRUNCATE, no TRIGGER, nothing that can be granted on. */
export async function grantRights(client: pg.ClientBase, schema: string): Promise<void> {
  await lockRights(client, schema)
  const tables = await namesIn(client, schema, TABLES)
  const sequences = await namesIn(client, schema, SEQUENCES)
  const among = (names: readonly string[]): string =>
    tables.filter((table) => names.some((name) => table === `${schema}.${name}`)).join(', ')
  await asOwner(
    client,
    `GRANT USAGE ON SCHEMA ${schema} TO ${schema}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ${tables.join(', ')} TO ${schema}`,
    `REVOKE UPDATE, DELETE ON ${among(APPEND_ONLY)} FROM ${schema}`,
    `REVOKE INSERT, UPDATE, DELETE ON ${among(READ_ONLY)} FROM ${schema}`,
    ...(sequences.length > 0 ? [`GRANT USAGE ON SEQUENCE ${sequences.join(', ')} TO ${schema}`] : []),
  )
}

/** D18: from the commit on every statement of the tenant fails with 42501, also in transactions that are open. */
export async function revokeRights(client: pg.ClientBase, schema: string): Promise<void> {
  await lockRights(client, schema)
  const tables = await namesIn(client, schema, TABLES)
  if (tables.length === 0) return
  const { rows } = await client.query<{ patience: string }>(`SELECT current_setting('lock_timeout') AS patience`)
  await client.query('SAVEPOINT named')
  try {
    await client.query(`SET LOCAL lock_timeout = ${BRIEFLY}`)
    await asOwner(client, `REVOKE ALL ON ${tables.join(', ')} FROM ${schema}`)
    await client.query(`SET LOCAL lock_timeout = '${rows[0]?.patience ?? '0'}'`)
    await client.query('RELEASE named')
  } catch (error) {
    if (sqlState(error) !== '55P03') throw error
    await client.query('ROLLBACK TO named')
    await client.query('RELEASE named')
    // Waits for nobody who locks a table, as a tenant may its own. Reads the whole of pg_class.
    await asOwner(client, `REVOKE ALL ON ALL TABLES IN SCHEMA ${schema} FROM ${schema}`)
  }
}

/** Has the tenant's role the rights of a tenant at work? */
export async function hasRights(client: pg.ClientBase, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>(
    `SELECT pg_catalog.has_table_privilege($1::name, c.oid, 'SELECT') AS has FROM pg_catalog.pg_class c
      WHERE c.relnamespace = pg_catalog.to_regnamespace($1::text) AND c.relname = 'schema_migrations'`,
    [schema],
  )
  return rows[0]?.has === true
}

/** The tenant's tables, for whoever must wait until nobody uses them. */
export async function tablesOf(client: pg.ClientBase, schema: string): Promise<readonly string[]> {
  return await namesIn(client, schema, ['r', 'p'])
}

/** Not `ALL TABLES IN SCHEMA`: that reads the whole of pg_class, of every tenant. */
async function namesIn(client: pg.ClientBase, schema: string, kinds: readonly string[]): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT pg_catalog.quote_ident(c.relname) AS name FROM pg_catalog.pg_class c
      WHERE c.oid = ANY (${insideNamed('pg_class')}) AND c.relkind = ANY ($2) ORDER BY c.relname`,
    [schema, kinds],
  )
  return rows.map((row) => `${schema}.${row.name}`)
}

/** Schema and role are gone afterwards. Within the caller's transaction. */
export async function dropTenantSchema(client: pg.ClientBase, { schema, app }: TenantRole): Promise<void> {
  await asOwner(client, `DROP SCHEMA IF EXISTS ${schema} CASCADE`)
  const { rowCount } = await client.query('SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1', [schema])
  if (rowCount === 0) return
  await client.query(`REVOKE ${schema} FROM ${client.escapeIdentifier(app)}; DROP ROLE ${schema}`)
}
