import { expect, test } from 'vitest'
import { createPool } from '#db/pool.ts'
import { probe } from '#db/wall.ts'
import { freshDatabase } from '../support/database.ts'

/** What a database would have to give away for each of the probe's escapes to succeed. */
const GIFTS: Record<string, string> = {
  set_config: 'EXECUTE ON FUNCTION set_config(text, text, boolean)',
  pg_settings: 'UPDATE ON pg_catalog.pg_settings',
  query_to_xml: 'EXECUTE ON FUNCTION query_to_xml(text, boolean, boolean, text)',
  ts_stat: 'EXECUTE ON FUNCTION ts_stat(text)',
  ts_rewrite: 'EXECUTE ON FUNCTION ts_rewrite(tsquery, text)',
  DO: 'USAGE ON LANGUAGE plpgsql',
  pg_notify: 'EXECUTE ON FUNCTION pg_notify(text, text)',
  pg_advisory_lock: 'EXECUTE ON FUNCTION pg_advisory_xact_lock(bigint)',
  pg_sleep: 'EXECUTE ON FUNCTION pg_sleep(double precision)',
  'large objects': 'EXECUTE ON FUNCTION lo_create(oid)',
  'temporary tables': 'TEMPORARY ON DATABASE "@"',
  'schema public': 'CREATE ON SCHEMA public',
  registry: 'SELECT ON gatehouse.tenants',
}

test('D15: the probe finds each way that is open, and leaves nothing behind', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const pool = createPool({ url: fresh.url }, { max: 1, maxLifetime: 60_000 })
  const [here] = await fresh.sql<{ name: string }>('SELECT current_database()::text AS name')
  expect(await probe(pool)).toEqual({ level: 'hardened', open: [] })
  await fresh.sql('GRANT USAGE ON SCHEMA gatehouse TO PUBLIC')
  for (const gift of Object.values(GIFTS)) await fresh.sql(`GRANT ${gift.replace('@', here?.name ?? '')} TO PUBLIC`)
  await fresh.sql(`CREATE POLICY open_to_all ON gatehouse.tenants TO PUBLIC USING (true)`)
  expect(await probe(pool)).toEqual({ level: 'guarded', open: Object.keys(GIFTS) })
  await fresh.sql('REVOKE EXECUTE ON FUNCTION pg_sleep(double precision) FROM PUBLIC')
  expect((await probe(pool)).open).toEqual(Object.keys(GIFTS).filter((name) => name !== 'pg_sleep'))
  expect(
    await fresh.sql(`SELECT rolname FROM pg_roles WHERE rolname = 'gatehouse_probe'
      UNION ALL SELECT relname FROM pg_class WHERE relname = 'gatehouse_probe'`),
  ).toEqual([])
  await pool.end()
  await expect(probe(pool)).rejects.toThrow('cannot be reached')
  await fresh.drop()
})
