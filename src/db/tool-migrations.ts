import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { ConfigError, type Config } from '#base/config.ts'
import { inspectToolFolder } from '#base/tool-folder.ts'
import { insideNamed } from './inside.ts'
import { migrate, MigrationFailed, TOOL_LEDGER, type Migration } from './migrations.ts'
import { statementsOf } from './statements.ts'

/** What begins like this is an operator's; no migration of Gatehouse ever makes such a name. */
const OWN = 'x_'
/** With what a statement may begin. Transactions, roles and settings are the runner's, rights are the same for every table. */
const ALLOWED = /^(?:\s|--[^\n]*\n|\/\*[^]*?\*\/)*(?:CREATE|ALTER|DROP|COMMENT|INSERT|UPDATE|DELETE|WITH)\b/i
/** Names of things that a message lists. */
const MOST_NAMED = 3

/**
 * The numbered files of TOOLS_DIR/sql, in order; none without such a folder. They are code, so the folder is judged as for tools (D5).
 * Throws ConfigError with all problems: numbers with a gap, a statement that is none of a migration.
 */
export async function readToolMigrations({
  toolsDir = null,
  production,
}: Partial<Pick<Config, 'toolsDir'>> & Pick<Config, 'production'>): Promise<readonly Migration[]> {
  if (toolsDir === null || !existsSync(join(toolsDir, 'sql'))) return []
  const problems = [...inspectToolFolder(toolsDir, production).problems]
  const names = (await readdir(join(toolsDir, 'sql'))).filter((name) => name.endsWith('.sql')).sort()
  const found: Migration[] = []
  for (const [index, name] of names.entries()) {
    const file = `TOOLS_DIR/sql/${name}`
    if (Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]) !== index + 1)
      problems.push(`${file} is not number ${index + 1}: the first is 0001_name.sql, and none may be missing`)
    const text = await readFile(join(toolsDir, 'sql', name), 'utf8')
    problems.push(...statementProblems(text).map((problem) => `${file}: ${problem}`))
    found.push({
      version: index + 1,
      name: `tools/${name}`,
      sha256: createHash('sha256').update(text).digest('hex'),
      text,
    })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return found
}

function statementProblems(text: string): readonly string[] {
  try {
    return statementsOf(text)
      .filter((statement) => !ALLOWED.test(statement))
      .map((statement) => `${JSON.stringify(statement.trim().slice(0, 40))} is not for a migration of tools`)
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/**
 * Applies what is pending of the operator's own migrations in one schema: after Gatehouse's, as the owner role, in the caller's transaction,
 * with a ledger of their own. Throws MigrationFailed when one fails, when it touched what is not `x_...`, and when a table of it is not as
 * tenants' tables must be: a primary key, no triggers, no deferrable constraints, no key to another schema.
 */
export async function migrateTools(client: pg.ClientBase, schema: string, tools: readonly Migration[]): Promise<void> {
  if (tools.length === 0) return
  const before = await factsOf(client, schema)
  await migrate(client, schema, tools, TOOL_LEDGER)
  const after = await factsOf(client, schema)
  const changed = [...before.filter((fact) => !after.includes(fact)), ...after.filter((fact) => !before.includes(fact))]
  const last = tools.at(-1)?.name ?? ''
  if (changed.length > 0)
    throw new MigrationFailed(
      last,
      `what it makes must begin with ${OWN}, and nothing else may change: ${changed.slice(0, MOST_NAMED).join('; ')}`,
    )
  const wrong = await faultsOf(client, schema)
  if (wrong.length > 0) throw new MigrationFailed(last, wrong.join('; '))
}

/** All that is not the operator's own, a line for each. */
async function factsOf(client: pg.ClientBase, schema: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ fact: string }>(
    `WITH tables AS (SELECT ${insideNamed('pg_class')} AS oids),
    relations AS (
      SELECT pg_catalog.unnest(oids) AS oid FROM tables
      UNION ALL SELECT typrelid FROM pg_catalog.pg_type WHERE oid = ANY (${insideNamed('pg_type')}) AND typtype = 'c'
      UNION ALL SELECT indexrelid FROM pg_catalog.pg_index WHERE indrelid = ANY ((SELECT oids FROM tables)::oid[])),
    theirs AS (
      SELECT c.oid, c.relname, c.relkind, c.relrowsecurity, c.relacl FROM relations s JOIN pg_catalog.pg_class c ON c.oid = s.oid
        LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
        WHERE c.relname <> '${TOOL_LEDGER}' AND coalesce(t.relname, '') <> '${TOOL_LEDGER}'
          AND (c.relname NOT LIKE 'x\\_%' OR t.relname NOT LIKE 'x\\_%'))
    SELECT pg_catalog.concat_ws(' ', 'relation', relname, relkind, relrowsecurity, relacl) AS fact FROM theirs
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'column', r.relname || '.' || a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
        pg_catalog.pg_get_expr(d.adbin, d.adrelid))
      FROM theirs r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'constraint', r.relname || '.' || k.conname, pg_catalog.pg_get_constraintdef(k.oid))
      FROM theirs r JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'trigger', r.relname || '.' || t.tgname)
      FROM theirs r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'function', p.proname, pg_catalog.md5(p.prosrc))
      FROM pg_catalog.pg_proc p WHERE p.oid = ANY (${insideNamed('pg_proc')}) AND p.proname NOT LIKE 'x\\_%'
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'type', t.typname) FROM pg_catalog.pg_type t
      WHERE t.oid = ANY (${insideNamed('pg_type')}) AND t.typtype IN ('e', 'd', 'r') AND t.typname NOT LIKE 'x\\_%'
    ORDER BY 1`,
    [schema],
  )
  return rows.map(({ fact }) => fact)
}

/** What of the operator's own tables backups, moves and Citus could not live with. */
async function faultsOf(client: pg.ClientBase, schema: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ fault: string }>(
    `WITH own AS (SELECT oid, relname FROM pg_catalog.pg_class
      WHERE oid = ANY (${insideNamed('pg_class')}) AND relkind IN ('r', 'p') AND relname LIKE 'x\\_%')
    SELECT relname || ' has no primary key' AS fault FROM own
      WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = own.oid AND i.indisprimary)
    UNION ALL
    SELECT relname || ' has the trigger ' || tgname FROM own JOIN pg_catalog.pg_trigger ON tgrelid = own.oid AND NOT tgisinternal
    UNION ALL
    SELECT relname || ': ' || conname || ' is deferrable' FROM own JOIN pg_catalog.pg_constraint ON conrelid = own.oid AND condeferrable
    UNION ALL
    SELECT own.relname || ': ' || conname || ' refers to another schema' FROM own JOIN pg_catalog.pg_constraint k ON k.conrelid = own.oid
      JOIN pg_catalog.pg_class f ON f.oid = k.confrelid WHERE f.relnamespace <> pg_catalog.to_regnamespace($1)
    ORDER BY 1`,
    [schema],
  )
  return rows.map(({ fault }) => fault)
}
