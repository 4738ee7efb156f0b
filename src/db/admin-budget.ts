import type pg from 'pg'
import { adminTransaction } from './admin-connection.ts'

/** Connections that a server could still give to anybody who is no superuser; at least 1. Behind a pooler: those of the server itself. */
export async function freeConnections(pool: pg.Pool): Promise<number> {
  return await adminTransaction(pool, {}, async (client) => {
    const { rows } = await client.query<{ free: number }>(
      `SELECT current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
          - (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend')::integer AS free`,
    )
    return Math.max(1, rows[0]?.free ?? 1)
  })
}

/** Of those free, so that the servers which work meanwhile keep the other half. */
const SHARE = 0.5

/** How many tenants may be worked on at once: not more than asked for, than the pool holds, and than half of what the server has left. */
export const affordable = (asked: number, pool: number, free: number): number =>
  Math.max(1, Math.min(asked, pool, Math.floor(free * SHARE)))
