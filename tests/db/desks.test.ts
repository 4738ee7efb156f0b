import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '#db/sql.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres', overrides: { poolMax: 8 } })
})
afterAll(async () => await fresh.drop())

test('however much one tenant asks of the registry at a time, what others call and ask is answered meanwhile', async () => {
  const { database } = fresh
  const [acme, globex] = [await fresh.tenant('acme'), await fresh.tenant('globex')]
  let end = (): void => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  let inside = 0
  const ask = async (tenant: string, wait: Promise<void>): Promise<void> =>
    await database.control({ as: 'desk', tenant, access: 'read' }, async (db) => {
      await db.query(sql`SELECT 1`)
      inside += 1
      await wait
    })
  const asked = Array.from({ length: 12 }, async () => await ask(acme.id, ended))
  await until(() => inside === 3)
  const called = database.tenant(globex, { access: 'read' }, async (db) => await db.query(sql`SELECT 1 AS one`))
  expect(await called).toEqual([{ one: 1 }])
  await ask(globex.id, Promise.resolve())
  await database.control({ as: 'resolver', access: 'read' }, async (db) => await db.query(sql`SELECT 1`))
  expect(inside).toBe(4)
  end()
  await Promise.all(asked)
})
