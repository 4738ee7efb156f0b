/** What a schema holds that Postgres notes as depending on it, and where the catalog says so itself. */
const NAMESPACE = { pg_class: 'relnamespace', pg_proc: 'pronamespace', pg_type: 'typnamespace' } as const
/**
 * Not noted, as they depend on something in the schema instead: indexes, TOAST tables and row types on their table, composite types' relations on
 * the type.
 */
type Catalog = keyof typeof NAMESPACE

/**
 * SQL: an array of the oids of what is in the schema whose name is the statement's first parameter; empty where there is none.
 *
 * To be compared as `oid = ANY (...)`. Asking the catalogs for `relnamespace = ...` reads all of them, as they have no index that begins
 * with it: 10,000 tenants are half a million rows of pg_class for each question. pg_depend has one. What only names the schema, as a
 * function of another with `'tenant_acme'::regnamespace` for a default, depends on it too and is left out.
 */
export const insideNamed = (catalog: Catalog): string =>
  `ARRAY(SELECT d.objid FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    AND d.refobjid = pg_catalog.to_regnamespace($1::text) AND d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass
    AND (SELECT o.${NAMESPACE[catalog]} FROM pg_catalog.${catalog} o WHERE o.oid = d.objid) = d.refobjid)`
