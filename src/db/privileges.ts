import type pg from 'pg'
import { adminTransaction } from './admin-connection.ts'
import { ROLE } from './names.ts'

/** What the admin user and the pool's login role may do, and what everybody may. */
export interface Privileges {
  readonly admin: {
    readonly name: string
    readonly superuser: boolean
    readonly createRole: boolean
    /** CREATE on the database: schemas can be made. */
    readonly create: boolean
    /** Roles of Gatehouse that are there, but that it cannot take: another administrator made them. */
    readonly cannotTake: readonly string[]
    /** May it change the rights of everybody (D15)? */
    readonly canHarden: boolean
  }
  /** null: the role is not there yet, or DATABASE_APP_ROLE=off. */
  readonly app: {
    readonly name: string
    /** Attributes that it should not have. */
    readonly strong: readonly string[]
    /** Tables and schemas of Gatehouse on which it has rights of its own; at most 5. */
    readonly rights: readonly string[]
  } | null
  /** Rights of PUBLIC that are not needed, with the statement that takes each away. */
  readonly everybody: readonly { readonly right: string; readonly revoke: string }[]
}

/** @param app name of the pool's login role. Reads only. */
export async function readPrivileges(pool: pg.Pool, app: string): Promise<Privileges> {
  return await adminTransaction(pool, {}, async (client) => {
    const { rows } = await client.query<{
      name: string
      superuser: boolean
      createrole: boolean
      create: boolean
      version: number
      database: string
    }>(
      `SELECT current_user::text AS name, rolsuper AS superuser, rolcreaterole AS createrole,
          pg_catalog.has_database_privilege(current_database(), 'CREATE') AS create,
          current_setting('server_version_num')::integer AS version, pg_catalog.quote_ident(current_database()) AS database
        FROM pg_catalog.pg_roles WHERE rolname = current_user`,
    )
    const [me] = rows
    if (me === undefined) throw new Error('the server does not know its own user')
    const able = me.version >= 160_000 ? 'SET' : 'MEMBER'
    const { rows: untaken } = await client.query<{ name: string }>(
      `SELECT rolname::text AS name FROM pg_catalog.pg_roles
        WHERE rolname = ANY ($1) AND NOT pg_catalog.pg_has_role(oid, $2) ORDER BY rolname`,
      [Object.values(ROLE), able],
    )
    return {
      admin: {
        name: me.name,
        superuser: me.superuser,
        createRole: me.superuser || me.createrole,
        create: me.create,
        cannotTake: untaken.map(({ name }) => name),
        canHarden: me.superuser,
      },
      app: await appRole(client, app, me.name),
      everybody: await ofEverybody(client, me.database),
    }
  })
}

async function appRole(client: pg.ClientBase, app: string, admin: string): Promise<Privileges['app']> {
  if (app === admin) return null
  const { rows } = await client.query<{ strong: string[] }>(
    `SELECT array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
        CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
        CASE WHEN rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN rolinherit THEN 'INHERIT' END], NULL)::text[] AS strong
      FROM pg_catalog.pg_roles WHERE rolname = $1`,
    [app],
  )
  const [found] = rows
  if (found === undefined) return null
  const { rows: granted } = await client.query<{ name: string }>(
    `SELECT n.nspname || '.' || c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
        LATERAL pg_catalog.aclexplode(c.relacl) a
      WHERE (n.nspname = 'gatehouse' OR n.nspname LIKE 'tenant\\_%')
        AND a.grantee = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1)
      GROUP BY 1 ORDER BY 1 LIMIT 5`,
    [app],
  )
  return { name: app, strong: found.strong, rights: granted.map(({ name }) => name) }
}

/** A grantee of 0 is PUBLIC. */
async function ofEverybody(client: pg.ClientBase, database: string): Promise<Privileges['everybody']> {
  const { rows } = await client.query<{ right: string }>(
    `SELECT 'TEMPORARY' AS right FROM pg_catalog.pg_database d,
        LATERAL pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
      WHERE d.datname = current_database() AND a.grantee = 0 AND a.privilege_type = 'TEMPORARY'
      UNION ALL
      SELECT 'CREATE' FROM pg_catalog.pg_namespace n,
        LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
      WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE'`,
  )
  return rows.map(({ right }) =>
    right === 'CREATE'
      ? { right: 'CREATE on the schema public', revoke: 'REVOKE CREATE ON SCHEMA public FROM PUBLIC' }
      : { right: 'TEMPORARY on the database', revoke: `REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC` },
  )
}
