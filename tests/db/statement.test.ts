import { describe, expect, test } from 'vitest'
import { createStatementCheck } from '#db/statement.ts'
import { sql, type Sql } from '#db/sql.ts'

/** A statement with this text, as if a tool's author had written it into a template. */
const saying = (text: string): Sql => sql(Object.assign([text], { raw: [text] }))

describe('D15: db.query takes only the template', () => {
  const check = createStatementCheck()

  test('D15: a plain string, or an object that looks like a statement, is refused at run time', () => {
    for (const fake of ['SELECT 1', { text: 'SELECT 1', values: [] }, null, undefined, ['SELECT 1']]) {
      expect(() => check(fake as unknown as Sql)).toThrow('only what the sql`...` template made')
    }
  })

  test('D15: a statement cannot become another one between the look at it and the sending', () => {
    let looks = 0
    const text = { get: () => (looks++ < 3 ? 'SELECT 1' : 'SET LOCAL ROLE tenant_b') }
    expect(() => Object.defineProperty(sql`SELECT 1`, 'text', text)).toThrow(TypeError)
  })

  test('D15: every value is bound, whatever it holds', () => {
    const evil = `'; DROP TABLE projects; --`
    expect(check(sql`SELECT ${evil} WHERE ${1} = ${2}`)).toMatchObject({
      text: 'SELECT $1 WHERE $2 = $3',
      values: [evil, 1, 2],
    })
  })

  test.each([
    'SELECT 1',
    'select name from projects where id = $1',
    '  -- a comment\n SELECT 1',
    '/* one /* in the other */ SET */ SELECT 1',
    `INSERT INTO projects (name) VALUES ($1) ON CONFLICT (id) DO UPDATE SET name = 'set_config'`,
    'UPDATE todos SET status = $1',
    'DELETE FROM todos WHERE id = $1 RETURNING id',
    'WITH a AS (SELECT 1) SELECT * FROM a',
    'VALUES (1)',
    '(SELECT 1) UNION (SELECT 2)',
    `MERGE INTO todos USING (SELECT 1) s ON false WHEN NOT MATCHED THEN DO NOTHING`,
    `SELECT 'pg_sleep(1)', "name", 'it''s U&' FROM projects`,
    `SELECT ts_headline('simple', content, websearch_to_tsquery($1)) FROM documents`,
    'SELECT $1::text, $2::int, lower(name), low_price, lottery FROM projects',
    // Names that only look like refused ones are a tool's own.
    'SELECT my_set_config, set_configs, my_pg_settings, pg_settings_too FROM projects',
    'SELECT my_ts_stat, ts_stats, my_ts_rewrite, ts_rewrites, to_xmls, a_to_xmlschemas, a_to_xml_and FROM projects',
    'SELECT my_pg_notify, pg_notify_me, my_pg_advisory_lock, my_pg_try_advisory_lock, pg_tried_advisory_lock FROM projects',
    'SELECT my_pg_cancel_backend, pg_cancel_backends, my_lo_x, my_loread, loreads, lowrites, my_lowrite FROM projects',
    'SELECT my_dblink, my_pg_sleep, my_setseed, setseeds, set_limits, my_set_limit FROM projects',
    'SELECT 1 -- set_config\nFROM projects',
    "SELECT 1 -- a quote that opens nothing: '",
    'SELECT 1 /* set_config */ FROM projects',
    '/* one /* two */ set_config */ SELECT 1',
    '/*/ SET */ SELECT 1',
    '/* two *//* more */ SELECT 1',
    `SELECT 'two '' quotes, set_config' AS "a ""set_config"" b"`,
    `SELECT 'a', 'b' "set", type'c' FROM projects`,
    'SELECT a$b, a$$set_config$$ FROM projects',
    'SELECT u & 1, e FROM projects',
    'SELECT \u00e9t\u00e9_1 FROM projects',
  ])('D15: allowed: %s', (text) => {
    expect(check(saying(text)).text).toBe(text)
  })

  test.each([
    '',
    '-- nothing',
    'SET ROLE tenant_b',
    'RESET ROLE',
    '/* SELECT */ SET LOCAL ROLE tenant_b',
    'DO $$ BEGIN END $$',
    'BEGIN',
    'COMMIT',
    'COPY projects TO STDOUT',
    'CALL x()',
    'CREATE TABLE x (id int)',
    'LISTEN gatehouse',
    'NOTIFY gatehouse',
    'EXPLAIN SELECT 1',
    'PREPARE x AS SELECT 1',
    'GRANT SELECT ON projects TO PUBLIC',
    `SELECT set_config('role', 'tenant_b', true)`,
    `SELECT SET_CONFIG('role', 'tenant_b', true)`,
    `SELECT "set_config"('role', 'tenant_b', true)`,
    `SELECT pg_catalog . "set_config" ('role', 'tenant_b', true)`,
    `SELECT pg_catalog/**/.set_config('role', 'tenant_b', true)`,
    `SELECT U&"\\0073et_config"('role', 'tenant_b', true)`,
    `SELECT u&'\\0061'`,
    `UPDATE pg_settings SET setting = 'tenant_b' WHERE name = 'role'`,
    `UPDATE "pg_settings" SET setting = 'tenant_b'`,
    `SELECT query_to_xml('select 1', true, true, '')`,
    `SELECT table_to_xmlschema('x', true, true, '')`,
    `SELECT database_to_xml_and_xmlschema(true, true, '')`,
    `SELECT * FROM ts_stat('select set_config(''role'', ''tenant_b'', true)')`,
    `SELECT ts_rewrite('a'::tsquery, 'select ''a''::tsquery, set_config(''role'', ''tenant_b'', true)::tsquery')`,
    'SELECT setseed(0.5)',
    'SELECT ext.set_limit(0.9)',
    `SELECT pg_notify('gatehouse', '{}')`,
    'SELECT pg_advisory_lock(1)',
    'SELECT pg_try_advisory_xact_lock(1)',
    'SELECT pg_terminate_backend(1)',
    'SELECT lo_import($1)',
    'SELECT lo_create(0)',
    'SELECT loread(1, 1)',
    `SELECT * FROM dblink('host=other', 'select 1') AS t(x int)`,
    `SELECT dblink_exec('x')`,
    'SELECT pg_sleep(1000)',
    `SELECT pg_sleep_for('1 hour')`,
    'SELECT pg_try_advisory_lock(1), 1',
    'SELECT pg_cancel_backend(1)',
    'SELECT lowrite(1, 1)',
    'SELECT lo_unlink(1)',
    `SELECT cursor_to_xml('c', 1, true, true, '')`,
    `SELECT query_to_xmlschema('x', true, true, '')`,
    'SELECT 1 -- hidden\rFROM set_config()',
    'SELECT 1 -- hidden\nFROM set_config()',
    'SELECT 1 /* one */ FROM set_config() /* two */',
    '/* one /* two */ */ SET ROLE x',
    '/* one /* two */ SELECT 1',
    `SELECT 'it''s', set_config('a', 'b', true), 'x'`,
    `SELECT "a""b", set_config('a', 'b', true)`,
    `SELECT "SET_CONFIG"('a', 'b', true)`,
    `SELECT U&'x'`,
    `SELECT u&"x"`,
    `SELECT e'x'`,
    'SELECT $_a1$x$_a1$',
    'SELECT $\u00e9$x$\u00e9$',
    'SELECT \u00e9.set_config(1)',
    'selects 1',
    'xselect 1',
    'SELECT $$a$$',
    'SELECT $tag$a$tag$',
    `SELECT 'unclosed`,
    `SELECT "unclosed`,
    '/* unclosed SELECT 1',
    `SELECT E'a'\n'\\' x', set_config(name, name, true), ''`,
    `SELECT e'\\x73'`,
  ])('D15: refused: %s', (text) => {
    expect(() => check(saying(text))).toThrow(/^a statement (cannot|has)/)
  })

  test('D15: text that hides a function in what only looks like a constant is seen', () => {
    // With E'' the backslash escapes the quote, without it does not.
    expect(() => check(saying(`SELECT 'a\\', set_config('role', 'x', true), ''`))).toThrow('set_config')
  })
})
