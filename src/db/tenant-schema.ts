import { createHash } from 'node:crypto'
import type pg from 'pg'
import { ConfigError } from '#base/config.ts'
import { asOwner, grantRole, serverVersion } from './bootstrap.ts'
import { inspect } from './inspect.ts'
import { migrate, type Migration } from './migrations.ts'
import { ROLE } from './names.ts'
import { scramVerifier } from './scram.ts'

export interface TenantRole {
  readonly schema: string
  /** The pool's login role, which may take the tenant's (SET ROLE). */
  readonly app: string
  /** D16: the tenant's role logs in itself; null: nobody logs in as it. */
  readonly password: string | null
}

/** Tables that a tenant's role may only add to. */
const APPEND_ONLY = ['audit', 'audit_checkpoints']
const READ_ONLY = ['schema_migrations']

/** A new tenant's role and schema, with every migration and its rights. Within the caller's transaction. Ends as the admin. */
export async function createTenantSchema(
  client: pg.ClientBase,
  role: TenantRole,
  migrations: readonly Migration[],
): Promise<number> {
  await createTenantRole(client, role)
  await client.query(`CREATE SCHEMA ${role.schema} AUTHORIZATION ${ROLE.owner}`)
  const version = await bringUp(client, role, migrations)
  await grantRights(client, role.schema)
  return version
}

/** Applies pending migrations and looks at the result (D16). Within the caller's transaction. Ends as the admin. */
export async function bringUp(
  client: pg.ClientBase,
  role: TenantRole,
  migrations: readonly Migration[],
): Promise<number> {
  const version = await migrate(client, role.schema, migrations)
  await client.query('SET LOCAL ROLE NONE')
  await inspect(client, role.schema)
  await settleLogins(client, [role])
  return version
}

async function createTenantRole(client: pg.ClientBase, { schema, app }: TenantRole): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1', [schema])
  if (rowCount === 0) await client.query(`CREATE ROLE ${schema} NOLOGIN NOINHERIT`)
  else await assertUnused(client, schema)
  await grantRole(client, schema, app, await serverVersion(client))
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
 * that only what differs is changed: after TENANT_LOGIN was turned on or off, and after SESSION_SECRET was changed.
 */
export async function settleLogins(client: pg.ClientBase, roles: readonly TenantRole[]): Promise<void> {
  const { rows } = await client.query<{ name: string; login: boolean; mark: string | null }>(
    `SELECT rolname::text AS name, rolcanlogin AS login, pg_catalog.shobj_description(oid, 'pg_authid') AS mark
      FROM pg_catalog.pg_roles WHERE rolname = ANY ($1)`,
    [roles.map(({ schema }) => schema)],
  )
  const present = new Map(rows.map((row) => [row.name, row]))
  for (const { schema, password } of roles) {
    const found = present.get(schema)
    if (found === undefined) continue
    const mark = password === null ? null : `login ${createHash('sha256').update(password).digest('hex').slice(0, 16)}`
    if (found.login === (password !== null) && (mark === null || found.mark === mark)) continue
    if (password === null)
      await client.query(`ALTER ROLE ${schema} NOLOGIN PASSWORD NULL; COMMENT ON ROLE ${schema} IS NULL`)
    else
      await client.query(
        `ALTER ROLE ${schema} LOGIN PASSWORD '${scramVerifier(password)}'; COMMENT ON ROLE ${schema} IS '${mark}'`,
      )
  }
}

/** Roles that look like tenants' and may log in, of all databases of the server. */
export async function tenantLogins(client: pg.ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT rolname::text AS name FROM pg_catalog.pg_roles WHERE rolcanlogin AND rolname LIKE 'tenant\\_%'`,
  )
  return rows.map(({ name }) => name)
}

/** What a tenant's role may do: USAGE and rows. No CREATE, no TRUNCATE, no TRIGGER, nothing that can be granted on. */
export async function grantRights(client: pg.ClientBase, schema: string): Promise<void> {
  await asOwner(
    client,
    [
      `GRANT USAGE ON SCHEMA ${schema} TO ${schema}`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${schema}`,
      ...APPEND_ONLY.map((table) => `REVOKE UPDATE, DELETE ON ${schema}.${table} FROM ${schema}`),
      ...READ_ONLY.map((table) => `REVOKE INSERT, UPDATE, DELETE ON ${schema}.${table} FROM ${schema}`),
      `GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${schema}`,
    ].join('; '),
  )
}

/** D18: from the commit on every statement of the tenant fails with 42501, also in transactions that are open. */
export async function revokeRights(client: pg.ClientBase, schema: string): Promise<void> {
  await asOwner(client, `REVOKE ALL ON ALL TABLES IN SCHEMA ${schema} FROM ${schema}`)
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
export async function tablesOf(client: pg.ClientBase, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT pg_catalog.quote_ident(c.relname) AS name FROM pg_catalog.pg_class c
      WHERE c.relnamespace = pg_catalog.to_regnamespace($1::text) AND c.relkind IN ('r', 'p') ORDER BY c.relname`,
    [schema],
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
