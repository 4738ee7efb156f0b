import type { Clock } from '#base/clock.ts'
import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { oldestServed } from './migration-report.ts'

/** How many tenants there are by what this program can do with them. Deleted ones are not counted. */
export interface TenantVersions {
  readonly current: number
  /** One version behind: served. */
  readonly behind: number
  /** Further behind: their people get 503. */
  readonly refused: number
}

/** Milliseconds for which one answer stands. */
const FRESH = 60_000

/**
 * Counts of tenants for metrics: `read` answers at once, with what was last seen, and asks again in the background at most once a minute.
 * null: not known, or the database could not be asked. `ready` false: nothing is asked.
 */
export function createTenantVersions({
  database,
  clock,
  ready,
}: {
  readonly database: Database
  readonly clock: Clock
  readonly ready: () => boolean
}): { read(): TenantVersions | null; refresh(): Promise<void> } {
  let known: TenantVersions | null = null
  let asked = -Infinity
  let flight: Promise<void> | null = null

  async function look(): Promise<void> {
    const { tenant } = database.admin.required
    const least = oldestServed(tenant)
    try {
      const [row] = await database.control(
        { as: 'resolver', access: 'read' },
        async (db) =>
          await db.query<TenantVersions>(sql`
          SELECT count(*) FILTER (WHERE schema_version >= ${tenant})::integer AS current,
            count(*) FILTER (WHERE schema_version < ${tenant} AND schema_version >= ${least})::integer AS behind,
            count(*) FILTER (WHERE schema_version < ${least})::integer AS refused
          FROM tenants WHERE status <> 'deleted'`),
      )
      known = row ?? null
    } catch {
      known = null
    }
  }
  const refresh = async (): Promise<void> => {
    asked = clock.now()
    await (flight ??= look().finally(() => (flight = null)))
  }
  return {
    read() {
      if (ready() && clock.now() - asked >= FRESH) void refresh()
      return known
    },
    refresh,
  }
}
