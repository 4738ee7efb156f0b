/** What a schema holds that Postgres notes as depending on it. Indexes depend on their table alone, TOAST tables too. */
type Catalog = 'pg_class' | 'pg_proc' | 'pg_type'

/**
 * SQL: an array of the oids of what is in a schema. `schema` is an expression that answers the schema's oid, or null: then it is empty.
 *
 * To be compared as `oid = ANY (...)`. Asking the catalogs for `relnamespace = ...` reads all of them, as they have no index that begins
 * with it: 10,000 tenants are half a million rows of pg_class for each question. pg_depend has one.
 */
export const inside = (catalog: Catalog, schema: string): string =>
  `ARRAY(SELECT objid FROM pg_catalog.pg_depend WHERE refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    AND refobjid = (${schema}) AND classid = 'pg_catalog.${catalog}'::pg_catalog.regclass)`

/** The same of the schema that is the statement's first parameter, by its name. */
export const insideNamed = (catalog: Catalog): string => inside(catalog, 'pg_catalog.to_regnamespace($1::text)')
