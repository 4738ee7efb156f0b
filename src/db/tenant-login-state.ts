import type pg from 'pg'
import { adminTransaction, asOperator } from './admin-connection.ts'
import { sql } from './sql.ts'

/** Of the active tenants, how many have a role that may log in (D16). */
export interface LoginState {
  readonly total: number
  readonly able: number
}

/** For doctor: after TENANT_LOGIN was turned on or off only `migrate` changes the roles. Does not try the passwords. */
export async function loginState(pool: (placement: string) => pg.Pool): Promise<LoginState> {
  const active = await adminTransaction(pool('default'), {}, async (client) => {
    return await asOperator(client, async (db) => {
      return await db.query<{ placement: string; schemas: string[] }>(sql`
        SELECT placement, array_agg(schema) AS schemas FROM tenants WHERE status = 'active' GROUP BY placement`)
    })
  })
  let [total, able] = [0, 0]
  for (const { placement, schemas } of active) {
    const { rows } = await pool(placement).query<{ count: number }>(
      'SELECT count(*)::integer AS count FROM pg_catalog.pg_roles WHERE rolcanlogin AND rolname = ANY ($1)',
      [schemas],
    )
    total += schemas.length
    able += rows[0]?.count ?? 0
  }
  return { total, able }
}
