import type pg from 'pg'
import { insideNamed } from './inside.ts'
import { ROLE } from './names.ts'

/**
 * Looks at a tenant's schema after migrations, within their transaction: SECURITY DEFINER functions, views that read with their
 * owner's rights, definitions that name another tenant's schema, things not owned by the owner role.
 * Cannot see what a function puts together as text when it runs; functions here are the operator's own and reviewed.
 */
export async function inspect(client: pg.ClientBase, schema: string): Promise<void> {
  const { rows } = await client.query<{ problem: string }>(
    `WITH relations AS (SELECT * FROM pg_catalog.pg_class WHERE oid = ANY (${insideNamed('pg_class')})),
    functions AS (SELECT * FROM pg_catalog.pg_proc WHERE oid = ANY (${insideNamed('pg_proc')})),
    bodies AS (
      SELECT p.proname::text AS name, p.prosrc || coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), '') AS body
        FROM functions p
      UNION ALL
      SELECT c.relname, pg_catalog.pg_get_viewdef(c.oid)
        FROM relations c WHERE c.relkind IN ('v', 'm'))
    SELECT 'function ' || proname || ' is SECURITY DEFINER' AS problem FROM functions WHERE prosecdef
    UNION ALL
    SELECT 'view ' || relname || ' lacks security_invoker' FROM relations
      WHERE relkind = 'v' AND NOT coalesce(reloptions, '{}') && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1']
    UNION ALL
    SELECT 'materialized view ' || relname || ' reads with its owner''s rights' FROM relations WHERE relkind = 'm'
    UNION ALL
    SELECT name || ' names another tenant''s schema' FROM bodies, LATERAL pg_catalog.regexp_matches(body, '\\mtenant_[a-z0-9_]+', 'g') AS found
      WHERE found[1] <> $1 AND EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = found[1])
    UNION ALL
    SELECT relname || ' is not owned by ${ROLE.owner}' FROM relations
      WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND pg_catalog.pg_get_userbyid(relowner) <> '${ROLE.owner}'`,
    [schema],
  )
  if (rows.length > 0) throw new Error(`${schema}: ${[...new Set(rows.map((row) => row.problem))].join('; ')}`)
}
