import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPoolBudget } from '#db/pool-budget.ts'
import { createPool, lease, type Source } from '#db/pool.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'

/** What a backend of Postgres remembers of each tenant's tables it never gives back: who meets very many is replaced. */
let fresh: FreshDatabase

beforeAll(async () => (fresh = await freshDatabase({ kind: 'postgres' })))
afterAll(async () => await fresh?.drop())

/** The backends that serve so many leases, one after the other. */
async function backends(pool: Source, uses: number): Promise<readonly number[]> {
  const pids: number[] = []
  for (let i = 0; i < uses; i++) {
    const client = await lease(pool)
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    client.release()
    pids.push(rows[0]?.pid ?? 0)
  }
  return pids
}

test('a connection is replaced after so many uses, also under a budget, and never where 0 is said', async () => {
  const limits = { max: 1, maxLifetime: 60_000 }
  const replaced = createPool({ url: fresh.url }, { ...limits, maxUses: 3 })
  const budgeted = createPoolBudget(2).join(createPool({ url: fresh.url }, { ...limits, maxUses: 3 }))
  const kept = createPool({ url: fresh.url }, { ...limits, maxUses: 0 })
  try {
    for (const pool of [replaced, budgeted]) {
      const [a, b, c, d, e, f] = await backends(pool, 6)
      expect([a, b, c]).toEqual([a, a, a])
      expect([d, e, f]).toEqual([d, d, d])
      expect(d).not.toBe(a)
    }
    expect(new Set(await backends(kept, 12)).size).toBe(1)
  } finally {
    for (const pool of [replaced, budgeted, kept]) await pool.end()
  }
})
