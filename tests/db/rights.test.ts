import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asOwner } from '#db/bootstrap.ts'
import { hasRights, keepRights, revokeRights } from '#db/tenant-schema.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

let fresh: FreshDatabase
const clients: pg.Client[] = []
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
})
afterAll(async () => {
  for (const client of clients) await client.end()
  await fresh.drop()
})

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: fresh.url })
  clients.push(client)
  await client.connect()
  return client
}

/** The connection, with `first` done before it says the first statement that begins like this. */
function before(client: pg.Client, word: string, first: () => Promise<void>): pg.Client {
  let done = false
  return new Proxy(client, {
    get(target, key) {
      if (key !== 'query') return Reflect.get(target, key)
      return async (text: string, values?: unknown[]) => {
        if (!done && text.startsWith(word)) {
          done = true
          await first()
        }
        return await target.query(text, values)
      }
    },
  })
}

/** Begins the work; answers when it is over or waits for a lock. */
async function begun(client: pg.Client, work: () => Promise<void>): Promise<{ readonly end: Promise<void> }> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  let over = false
  const end = work().finally(() => (over = true))
  end.catch(() => {})
  await until(
    async () =>
      over ||
      (
        await fresh.sql(`SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'`, [
          rows[0]?.pid ?? 0,
        ])
      ).length > 0,
  )
  return { end }
}

async function transaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN')
  await work()
  await client.query('COMMIT')
}

const may = async (schema: string, table: string): Promise<boolean | undefined> =>
  (
    await fresh.sql<{ may: boolean }>(`SELECT has_table_privilege($1, $2, 'SELECT') AS may`, [
      schema,
      `${schema}.${table}`,
    ])
  )[0]?.may

test('D18: a table that a migration makes in the moment of a fence does not escape it', async () => {
  const { schema } = await fresh.tenant('escape')
  const [fence, migration] = [await connect(), await connect()]
  let made: Promise<void> = Promise.resolve()
  const migrate = async (): Promise<void> =>
    await transaction(migration, async () => {
      await asOwner(migration, `CREATE TABLE ${schema}.x_late (id uuid PRIMARY KEY)`)
      await keepRights(migration, schema)
    })
  // After the fence has made its list.
  const held = before(fence, 'REVOKE ALL', async () => void (made = (await begun(migration, migrate)).end))
  await transaction(fence, async () => await revokeRights(held, schema))
  await made
  expect([await may(schema, 'projects'), await may(schema, 'x_late')]).toEqual([false, false])
})

test('D18: a migration that saw a tenant at work does not give back what a fence takes meanwhile', async () => {
  const { schema } = await fresh.tenant('reopened')
  const [fence, migration] = [await connect(), await connect()]
  let fenced: Promise<void> = Promise.resolve()
  const shut = async (): Promise<void> => await transaction(fence, async () => await revokeRights(fence, schema))
  // After the migration has seen that the tenant has its rights.
  const held = before(migration, 'GRANT USAGE', async () => void (fenced = (await begun(fence, shut)).end))
  await transaction(migration, async () => await keepRights(held, schema))
  await fenced
  expect(await hasRights(await connect(), schema)).toBe(false)
  expect(await may(schema, 'projects')).toBe(false)
})

test('D18: a tenant that has locked its own table is shut no later for it', async () => {
  const { schema } = await fresh.tenant('clinging')
  const [fence, tenant] = [await connect(), await connect()]
  await tenant.query(`BEGIN; SET LOCAL ROLE ${schema}; LOCK TABLE ${schema}.projects IN ACCESS EXCLUSIVE MODE`)
  await transaction(fence, async () => {
    await fence.query('SET LOCAL lock_timeout = 3000')
    await revokeRights(fence, schema)
    expect((await fence.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '3s' }])
  })
  expect([await may(schema, 'projects'), await may(schema, 'todos')]).toEqual([false, false])
  await tenant.query('ROLLBACK')
})
