import type pg from 'pg'
import { adminTransaction } from './admin-connection.ts'
import { grantRole, serverVersion } from './bootstrap.ts'
import { sqlState } from './errors.ts'

/** What a hostile statement would try first. The database should refuse each to a role with no rights. */
const ESCAPES: readonly (readonly [name: string, statement: string])[] = [
  ['set_config', `SELECT pg_catalog.set_config('statement_timeout', '0', true)`],
  ['pg_settings', `UPDATE pg_catalog.pg_settings SET setting = setting WHERE name = 'work_mem'`],
  ['query_to_xml', `SELECT pg_catalog.query_to_xml('SELECT 1', false, false, '')`],
  ['ts_stat', `SELECT * FROM pg_catalog.ts_stat('SELECT NULL::tsvector')`],
  ['ts_rewrite', `SELECT pg_catalog.ts_rewrite('a'::tsquery, 'SELECT NULL::tsquery, NULL::tsquery')`],
  ['DO', `DO $$ BEGIN END $$`],
  ['pg_notify', `SELECT pg_catalog.pg_notify('gatehouse_probe', '')`],
  ['pg_advisory_lock', `SELECT pg_catalog.pg_advisory_xact_lock(1)`],
  ['pg_sleep', `SELECT pg_catalog.pg_sleep(0)`],
  ['large objects', `SELECT pg_catalog.lo_create(0)`],
  ['temporary tables', `CREATE TEMPORARY TABLE gatehouse_probe (id integer)`],
  ['schema public', `CREATE TABLE public.gatehouse_probe (id integer)`],
  ['registry', `SELECT 1 FROM gatehouse.tenants`],
]

/** Tries each escape as a role that exists for this transaction only; nothing of it stays (D15). */
export async function probe(pool: pg.Pool): Promise<{ level: 'hardened' | 'guarded'; open: readonly string[] }> {
  const done = new Error('rolled back on purpose')
  const open: string[] = []
  try {
    await adminTransaction(pool, {}, async (client) => {
      const role = 'gatehouse_probe'
      await client.query(`CREATE ROLE ${role} NOLOGIN`)
      await grantRole(client, role, 'CURRENT_USER', await serverVersion(client))
      await client.query(`SET LOCAL ROLE ${role}`)
      for (const [name, statement] of ESCAPES) {
        await client.query('SAVEPOINT escape')
        try {
          await client.query(statement)
          open.push(name)
        } catch (error) {
          if (sqlState(error) === null) throw error
        }
        await client.query('ROLLBACK TO escape')
      }
      throw done
    })
  } catch (error) {
    if (error !== done) throw error
  }
  return { level: open.length === 0 ? 'hardened' : 'guarded', open }
}
