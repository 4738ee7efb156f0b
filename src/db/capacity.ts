import type pg from 'pg'
import { adminTransaction } from './admin-connection.ts'

/** How many connections a server gives, and to whom. */
export interface Capacity {
  readonly maxConnections: number
  /** Kept for superusers, and from Postgres 16 on for a role of the operator's. */
  readonly reserved: number
  /** Of others than Gatehouse, now. */
  readonly others: number
  /** The lowest limit set on the database or the login role; null: none. */
  readonly limit: number | null
}

/** @param app name of the pool's login role. Behind a pooler these are the server's numbers, not the pooler's. */
export async function readCapacity(pool: pg.Pool, app: string): Promise<Capacity> {
  return await adminTransaction(pool, {}, async (client) => {
    const { rows } = await client.query<{ most: number; reserved: number; others: number; limit: number | null }>(
      `SELECT current_setting('max_connections')::integer AS most,
          current_setting('superuser_reserved_connections')::integer
            + coalesce(current_setting('reserved_connections', true)::integer, 0) AS reserved,
          (SELECT count(*)::integer FROM pg_catalog.pg_stat_activity
            WHERE backend_type = 'client backend' AND application_name <> 'gatehouse') AS others,
          least(nullif((SELECT datconnlimit FROM pg_catalog.pg_database WHERE datname = current_database()), -1),
            nullif((SELECT rolconnlimit FROM pg_catalog.pg_roles WHERE rolname = $1), -1)) AS limit`,
      [app],
    )
    const { most = 0, reserved = 0, others = 0, limit = null } = rows[0] ?? {}
    return { maxConnections: most, reserved, others, limit }
  })
}
