import pg from 'pg'
import type { ExaminedTenant, TenantDrift } from './drift.ts'

interface Compared {
  /** The schema that the migrations made just now. */
  readonly made: string
  /** The pool's login role. */
  readonly app: string
  readonly tenants: readonly ExaminedTenant[]
  readonly most: number
}

/**
 * Every fact about these schemas as a line of text, with `~` for the schema's own name so that two tenants can be compared. `rights` marks
 * those that a fence takes away (D18).
 */
const FACTS = `
  WITH spaces AS (SELECT oid, nspname::text AS schema, nspowner, nspacl FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1)),
  relations AS (
    SELECT s.schema, c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity
      FROM pg_catalog.pg_class c JOIN spaces s ON s.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f'))
  SELECT schema, false AS rights, 'schema owned by ' || pg_catalog.pg_get_userbyid(nspowner) AS fact FROM spaces
  UNION ALL
  SELECT s.schema, false, 'schema: ' || a.privilege_type || ' for ' || coalesce(nullif(pg_catalog.pg_get_userbyid(a.grantee), s.schema), '~')
    FROM spaces s, LATERAL pg_catalog.aclexplode(coalesce(s.nspacl, pg_catalog.acldefault('n', s.nspowner))) a
  UNION ALL
  SELECT s.schema, false, 'role: ' || concat_ws(' ', CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
      CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN r.rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
      CASE WHEN r.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END)
    FROM spaces s JOIN pg_catalog.pg_roles r ON r.rolname = s.schema
  UNION ALL
  SELECT s.schema, false, 'role: may be taken by ' || $2 FROM spaces s JOIN pg_catalog.pg_roles r ON r.rolname = s.schema
    WHERE pg_catalog.pg_has_role($2::name, r.oid, 'MEMBER')
  UNION ALL
  SELECT s.schema, false, 'role: is a member of ' || g.rolname FROM spaces s JOIN pg_catalog.pg_roles r ON r.rolname = s.schema
    JOIN pg_catalog.pg_auth_members m ON m.member = r.oid JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
  UNION ALL
  SELECT schema, false, 'relation ' || relname || ' (' || relkind::text || ') owned by ' || pg_catalog.pg_get_userbyid(relowner)
      || CASE WHEN relrowsecurity THEN ' with row security' ELSE '' END FROM relations
  UNION ALL
  SELECT r.schema, pg_catalog.pg_get_userbyid(a.grantee) = r.schema,
      'right ' || a.privilege_type || ' on ' || r.relname || ' for ' || coalesce(nullif(pg_catalog.pg_get_userbyid(a.grantee), r.schema), '~')
    FROM relations r, LATERAL pg_catalog.aclexplode(r.relacl) a WHERE r.relacl IS NOT NULL AND a.grantee <> r.relowner
  UNION ALL
  SELECT r.schema, false, 'column ' || r.relname || '.' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
      || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
      || coalesce(' default ' || replace(pg_catalog.pg_get_expr(d.adbin, d.adrelid), r.schema || '.', '~.'), '')
    FROM relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f')
  UNION ALL
  SELECT r.schema, false, 'index ' || replace(pg_catalog.pg_get_indexdef(i.indexrelid), r.schema || '.', '~.')
      || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
    FROM relations r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    -- Made by gatehouse reindex where there is pgvector, for the dimensions of a model.
    WHERE x.relname !~ '^passages_near_[0-9]+$'
  UNION ALL
  SELECT r.schema, false, 'constraint ' || r.relname || '.' || c.conname || ' ' || replace(pg_catalog.pg_get_constraintdef(c.oid), r.schema || '.', '~.')
      || CASE WHEN c.convalidated THEN '' ELSE ' (not validated)' END
    FROM relations r JOIN pg_catalog.pg_constraint c ON c.conrelid = r.oid
  UNION ALL
  SELECT r.schema, false, 'trigger ' || r.relname || '.' || t.tgname FROM relations r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
  UNION ALL
  SELECT s.schema, false, 'function ' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'
      || CASE WHEN p.prosecdef THEN ' security definer' ELSE '' END
    FROM spaces s JOIN pg_catalog.pg_proc p ON p.pronamespace = s.oid`

interface Fact {
  readonly schema: string
  readonly rights: boolean
  readonly fact: string
}

/** Which of these tenants differ from `made`, and in what. As a role that may read their `schema_migrations`. */
export async function placementDrift(
  client: pg.ClientBase,
  { made, app, tenants, most }: Compared,
): Promise<readonly TenantDrift[]> {
  const names = [made, ...tenants.map(({ schema }) => schema)]
  const { rows: digests } = await client.query<{ schema: string; rights: string | null; rest: string }>(
    `SELECT schema, md5(string_agg(fact, E'\\n' ORDER BY fact COLLATE "C") FILTER (WHERE rights)) AS rights,
      md5(string_agg(fact, E'\\n' ORDER BY fact COLLATE "C") FILTER (WHERE NOT rights)) AS rest FROM (${FACTS}) f GROUP BY schema`,
    [names, app],
  )
  const digestOf = new Map(digests.map((row) => [row.schema, row]))
  const right = digestOf.get(made)
  const applied = await migrationsOf(
    client,
    names.filter((name) => digestOf.has(name)),
  )
  const suspects = tenants.filter(({ schema, atWork }) => {
    const found = digestOf.get(schema)
    if (found === undefined || right === undefined) return true
    const asItShould = found.rest === right.rest && found.rights === (atWork ? right.rights : null)
    return !asItShould || applied.get(schema)?.join() !== applied.get(made)?.join()
  })
  if (suspects.length === 0) return []
  const { rows } = await client.query<Fact>(FACTS, [[made, ...suspects.map(({ schema }) => schema)], app])
  const factsOf = (name: string, atWork: boolean): ReadonlySet<string> =>
    new Set([
      ...rows.filter(({ schema, rights }) => schema === name && (atWork || !rights)).map(({ fact }) => fact),
      ...(applied.get(name) ?? []),
    ])
  return suspects.map(({ slug, schema, placement, atWork }) => {
    if (!digestOf.has(schema)) return { slug, schema, placement, lacks: [`schema ${schema}`], has: [] }
    const [should, does] = [factsOf(made, atWork), factsOf(schema, true)]
    return {
      slug,
      schema,
      placement,
      lacks: bounded(minus(should, does), most),
      has: bounded(minus(does, should), most),
    }
  })
}

const minus = (some: ReadonlySet<string>, others: ReadonlySet<string>): string[] =>
  [...some].filter((one) => !others.has(one)).sort()

const bounded = (lines: readonly string[], most: number): readonly string[] =>
  lines.length <= most ? lines : [...lines.slice(0, most), `and ${lines.length - most} more`]

/** Version and digest of what was applied, by schema. A schema without the table has none. */
async function migrationsOf(
  client: pg.ClientBase,
  schemas: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows: having } = await client.query<{ schema: string }>(
    `SELECT n.nspname::text AS schema FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = ANY ($1) AND c.relname = 'schema_migrations'
        AND pg_catalog.has_table_privilege(c.oid, 'SELECT')`,
    [schemas],
  )
  if (having.length === 0) return new Map()
  const each = having.map(
    ({ schema }) =>
      `SELECT ${pg.escapeLiteral(schema)} AS schema, 'migration ' || name || ' ' || left(sha256, 12) AS line, version FROM ${pg.escapeIdentifier(schema)}.schema_migrations`,
  )
  const { rows } = await client.query<{ schema: string; line: string }>(
    `${each.join(' UNION ALL ')} ORDER BY schema, version`,
  )
  const found = new Map<string, string[]>(schemas.map((schema) => [schema, []]))
  for (const { schema, line } of rows) found.get(schema)?.push(line)
  return found
}
