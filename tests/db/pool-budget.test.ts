import type pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { DatabaseUnavailable } from '#db/database.ts'
import { createPool, lease } from '#db/pool.ts'
import { createPoolBudget, type PoolBudget } from '#db/pool-budget.ts'
import { postgresUrl } from '../support/database.ts'
import { until } from '../support/until.ts'

const pools: pg.Pool[] = []
afterEach(async () => {
  await Promise.all(pools.splice(0).map(async (pool) => await pool.end()))
})
/** As many servers, as far as a pool can tell. */
function servers(count: number, budget: PoolBudget, max = 4): readonly pg.Pool[] {
  const made = Array.from({ length: count }, () =>
    budget.join(createPool({ url: postgresUrl('postgres') }, { max, maxLifetime: 60_000 })),
  )
  pools.push(...made)
  return made
}
const open = (of: readonly pg.Pool[]): number => of.reduce((sum, { totalCount }) => sum + totalCount, 0)

test('ten servers have no more connections together than the budget, and those that are idle give theirs back', async () => {
  const all = servers(10, createPoolBudget(6))
  let most = 0
  const call = async (pool: pg.Pool): Promise<void> => {
    const client = await lease(pool)
    most = Math.max(most, open(all))
    await client.query('SELECT 1')
    client.release()
  }
  await Promise.all(Array.from({ length: 200 }, async (_, n) => await call(all[(n * 7) % 10]!)))
  expect(most).toBeLessThanOrEqual(6)
  // One server takes all that it may have from those that have nothing to do.
  const [first] = all
  const held = await Promise.all(Array.from({ length: 4 }, async () => await lease(first!)))
  expect(first?.totalCount).toBe(4)
  expect(open(all)).toBeLessThanOrEqual(6)
  for (const client of held) client.release()
})

test('who needs a connection when all are in use waits, the first first, and not for ever', async () => {
  const [a, b] = servers(2, createPoolBudget(2, 100))
  const held = [await lease(a!), await lease(a!)]
  await expect(lease(b!)).rejects.toThrow(DatabaseUnavailable)
  expect([a!.waitingCount, b!.waitingCount]).toEqual([0, 0])
  const order: string[] = []
  const first = lease(b!).then((client) => (order.push('first'), client))
  const second = lease(b!).then((client) => (order.push('second'), client))
  await until(() => b!.waitingCount === 2)
  expect(a!.waitingCount).toBe(0)
  held[0]?.release()
  const one = await first
  held[1]?.release(true)
  const two = await second
  expect(order).toEqual(['first', 'second'])
  expect(b!.waitingCount).toBe(0)
  one.release()
  two.release()
  expect(open([a!, b!])).toBeLessThanOrEqual(2)
})

test('a server that cannot be reached keeps nothing of the budget', async () => {
  const budget = createPoolBudget(1, 1_000)
  const away = budget.join(createPool({ url: 'postgres://nobody@127.0.0.1:9/none' }, { max: 2, maxLifetime: 60_000 }))
  pools.push(away)
  const [here] = servers(1, budget)
  for (let n = 0; n < 3; n += 1) await expect(lease(away)).rejects.toThrow(DatabaseUnavailable)
  const client = await lease(here!)
  client.release()
  // Questions of the pool's own work as before.
  expect((await here!.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await until(() => here!.idleCount === 1)
})
