import { createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { uuidv7 } from '#base/id.ts'
import { DatabaseUnavailable, StatementTimeout, type TenantDb } from '#db/database.ts'
import { sql, type Sql } from '#db/sql.ts'
import { transaction } from '#db/transaction.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { scriptedPool } from '../support/scripted-pool.ts'
import { until } from '../support/until.ts'

const insert = (name: string) =>
  sql`INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES (${uuidv7()}, ${name}, 'test', now(), now())`
const add = async (db: TenantDb, name: string): Promise<unknown> => await db.query(insert(name))

/** Busy for many seconds, and not with pg_sleep, which is refused. */
const slow = sql`SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b`

describe.each(databaseKinds)('a transaction in a tenant, %s', (kind) => {
  let fresh: FreshDatabase
  let acme: Tenant
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    acme = await fresh.tenant('acme')
  })
  afterAll(async () => await fresh.drop())

  const names = async (): Promise<string[]> =>
    await fresh.database.tenant(acme, { access: 'read' }, async (db) =>
      (await db.query<{ name: string }>(sql`SELECT name FROM projects ORDER BY ctid`)).map((row) => row.name),
    )

  test('is committed when the work is done, and rolled back whole when it throws', async () => {
    await fresh.database.tenant(acme, { access: 'write' }, async (db) => await add(db, 'kept'))
    const failed = fresh.database.tenant(acme, { access: 'write' }, async (db) => {
      await add(db, 'lost')
      throw new RangeError('mine')
    })
    await expect(failed).rejects.toThrow(RangeError)
    expect(await names()).toEqual(['kept'])
  })

  test('an error that the work swallowed does not pass for success: COMMIT is answered by ROLLBACK', async () => {
    const swallowed = fresh.database.tenant(acme, { access: 'write' }, async (db) => {
      await add(db, 'half')
      await db.query(sql`SELECT 1 / ${0}::int`).catch(() => {})
      return 'all well'
    })
    await expect(swallowed).rejects.toMatchObject({ code: '22012' })
    expect(await names()).toEqual(['kept'])
  })

  test('a read that swallowed an error does not pass for success either, and many reads leave no transaction open', async () => {
    const swallowed = fresh.database.tenant(acme, { access: 'read' }, async (db) => {
      await db.query(sql`SELECT 1 / ${0}::int`).catch(() => {})
      return 'all well'
    })
    await expect(swallowed).rejects.toMatchObject({ code: '22012' })
    for (let n = 0; n < 50; n++) expect(await names()).toEqual(['kept'])
  })

  test('its last word is there exactly if the rest is, whatever stands in its values', async () => {
    const hostile = "it's \\ a 'name'; DROP TABLE projects; --\n$1 $$ é \u{1f600}"
    await fresh.database.tenant(acme, { access: 'write' }, async (db, last) => {
      await add(db, 'with a word')
      last(insert(hostile))
    })
    expect(await names()).toEqual(['kept', 'with a word', hostile])
    const refused = fresh.database.tenant(acme, { access: 'write' }, async (db, last) => {
      await add(db, 'lost too')
      last(sql`INSERT INTO projects (id) VALUES (${'no id'})`)
    })
    await expect(refused).rejects.toMatchObject({ code: '22P02' })
    const swallowed = fresh.database.tenant(acme, { access: 'write' }, async (db, last) => {
      await db.query(sql`SELECT 1 / ${0}::int`).catch(() => {})
      last(insert('never'))
    })
    await expect(swallowed).rejects.toMatchObject({ code: '22012' })
    for (const value of ['half\0', { an: 'object' }, undefined, Number.NaN])
      await expect(
        fresh.database.tenant(acme, { access: 'write' }, async (_db, last) => last(sql`SELECT ${value}`)),
      ).rejects.toThrow(TypeError)
    expect(await names()).toEqual(['kept', 'with a word', hostile])
    await fresh.database.tenant(
      acme,
      { access: 'write' },
      async (db) => await db.query(sql`DELETE FROM projects WHERE name <> 'kept'`),
    )
  })

  test('statements that were not waited for run in order and belong to the transaction', async () => {
    await fresh.database.tenant(acme, { access: 'write' }, async (db) => {
      void add(db, 'second')
      await Promise.all([add(db, 'third'), add(db, 'fourth')])
      void add(db, 'fifth')
    })
    expect(await names()).toEqual(['kept', 'second', 'third', 'fourth', 'fifth'])
  })

  test('a statement that nobody waited for and that fails undoes the transaction and ends no process', async () => {
    const unheard: unknown[] = []
    const hear = (error: unknown): void => void unheard.push(error)
    process.on('unhandledRejection', hear)
    let kept: TenantDb | null = null
    const failed = fresh.database.tenant(acme, { access: 'write' }, async (db) => {
      kept = db
      void add(db, 'lost').catch(() => {})
      void db.query(sql`SELECT 1 / 0`)
    })
    await expect(failed).rejects.toMatchObject({ code: '22012' })
    void (kept as unknown as TenantDb).query(sql`SELECT 1`)
    expect(await names()).not.toContain('lost')
    process.off('unhandledRejection', hear)
    expect(unheard).toEqual([])
  })

  test('D15: a refused statement undoes the transaction, waited for or not, caught or not', async () => {
    const swallowed = async (db: TenantDb): Promise<void> => {
      await add(db, 'lost')
      await db.query(sql`SET ROLE postgres`).catch(() => {})
    }
    await expect(fresh.database.tenant(acme, { access: 'write' }, swallowed)).rejects.toThrow(TypeError)
    const forgotten = async (db: TenantDb): Promise<void> => {
      await add(db, 'lost')
      void db.query(sql`SET ROLE postgres`)
    }
    await expect(fresh.database.tenant(acme, { access: 'write' }, forgotten)).rejects.toThrow(TypeError)
    expect(await names()).not.toContain('lost')
  })

  test('the handle is of no use when the transaction is over', async () => {
    let kept: TenantDb | null = null
    await fresh.database.tenant(acme, { access: 'read' }, async (db) => {
      kept = db
      await db.query(sql`SELECT 1`)
    })
    await expect((kept as unknown as TenantDb).query(sql`SELECT 1`)).rejects.toThrow('this transaction is over')
  })

  test("D20: access 'read' is enforced by Postgres, in any disguise", async () => {
    for (const statement of [
      sql`DELETE FROM projects`,
      sql`WITH gone AS (DELETE FROM projects RETURNING 1) SELECT * FROM gone`,
      sql`UPDATE projects SET name = 'x'`,
      sql`SELECT * FROM projects FOR UPDATE`,
    ]) {
      await expect(
        fresh.database.tenant(acme, { access: 'read' }, async (db) => await db.query(statement)),
      ).rejects.toMatchObject({
        code: '25006',
      })
    }
    expect(await names()).toHaveLength(5)
  })

  test('one that takes too long is ended, and later calls work', async () => {
    const started = Date.now()
    const overrun = fresh.database.tenant(acme, { access: 'read', timeout: 300 }, async (db) => await db.query(slow))
    await expect(overrun).rejects.toThrow(StatementTimeout)
    expect(Date.now() - started).toBeLessThan(10_000)
    await until(async () => (await names()).length === 5)
  })

  test('work that never comes back to the database is ended by the clock too', async () => {
    const stuck = fresh.database.tenant(acme, { access: 'read', timeout: 50 }, async () => await new Promise(() => {}))
    await expect(stuck).rejects.toThrow(StatementTimeout)
    expect(await names()).toHaveLength(5)
  })

  test('an abort cancels the running statement, and nothing of it is kept', async () => {
    const caller = new AbortController()
    const aborted = fresh.database.tenant(acme, { access: 'write', signal: caller.signal }, async (db) => {
      await add(db, 'aborted')
      setTimeout(() => caller.abort(new Error('caller is gone')), 20)
      await db.query(slow)
    })
    await expect(aborted).rejects.toThrow('caller is gone')
    await until(async () => (await names()).length === 5)
    if (kind === 'postgres') {
      await until(
        async () =>
          (
            await fresh.sql(
              `SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%generate_series%' AND pid <> pg_backend_pid()`,
            )
          ).length === 0,
      )
    }
  })

  test('a caller who leaves while waiting for a connection is not served any more', async () => {
    const single = await fresh.open({ poolMax: 1 })
    let go = (): void => {}
    const held = new Promise<void>((resolve) => (go = resolve))
    const hog = single.control({ as: 'resolver' }, async () => await held)
    const caller = new AbortController()
    let ran = false
    const waiting = single.tenant(acme, { access: 'write', signal: caller.signal }, async () => {
      ran = true
    })
    await new Promise(setImmediate)
    caller.abort(new Error('caller is gone'))
    go()
    await hog
    await expect(waiting).rejects.toThrow('caller is gone')
    expect(ran).toBe(false)
    expect(await single.tenant(acme, { access: 'read' }, async () => 'served')).toBe('served')
  })

  test('an abort after the call touches nothing: the connection may be another tenant’s by then', async () => {
    const caller = new AbortController()
    await fresh.database.tenant(
      acme,
      { access: 'read', signal: caller.signal },
      async (db) => await db.query(sql`SELECT 1`),
    )
    const other = fresh.database.tenant(acme, { access: 'read' }, async (db) => {
      caller.abort()
      return await db.query(sql`SELECT count(*)::int AS n FROM generate_series(1, 100000)`)
    })
    await expect(other).resolves.toEqual([{ n: 100_000 }])
    await expect(
      fresh.database.tenant(
        acme,
        { access: 'read', signal: AbortSignal.abort(new Error('before')) },
        async () => 'ran',
      ),
    ).rejects.toThrow('before')
  })

  test('leaves no state of its session behind, as a pooler would hand it to anyone', async () => {
    const single = await fresh.open({ poolMax: 1 })
    const state = sql`SELECT current_user::text AS role, current_setting('search_path') AS path, current_setting('statement_timeout') AS timeout,
      current_setting('transaction_read_only') AS read_only, coalesce(current_setting('gatehouse.tenant', true), '') AS tenant`
    const before = await single.control({ as: 'resolver' }, async (db) => await db.query(state))
    await single.tenant(acme, { access: 'read', timeout: 1234 }, async (db) => await db.query(sql`SELECT 1`))
    await single.control({ as: 'desk', tenant: acme.id }, async (db) => await db.query(sql`SELECT 1`))
    await single.tenant(acme, { access: 'write' }, async (db) => await db.query(sql`SELECT 1 / 0`)).catch(() => {})
    await single.tenant(acme, { access: 'read', timeout: 100 }, async (db) => await db.query(slow)).catch(() => {})
    await until(async () => {
      expect(await single.control({ as: 'resolver' }, async (db) => await db.query(state))).toEqual(before)
      return true
    })
  })

  test('with DATABASE_PIPELINE the same holds: rows, errors and the role', async () => {
    const piped = await fresh.open({ pipeline: true })
    const rows = await piped.tenant(
      acme,
      { access: 'read' },
      async (db) => await db.query(sql`SELECT current_user::text AS role`),
    )
    expect(rows).toEqual([{ role: acme.schema }])
    const denied = piped.tenant(acme, { access: 'read' }, async (db) => await db.query(sql`DELETE FROM projects`))
    await expect(denied).rejects.toMatchObject({ code: '25006' })
    const swallowed = piped.tenant(
      acme,
      { access: 'write' },
      async (db) => await db.query(sql`SELECT 1 / 0`).catch(() => 'fine'),
    )
    await expect(swallowed).rejects.toMatchObject({ code: '22012' })
    await expect(piped.tenant(acme, { access: 'read' }, async () => 'no statement at all')).resolves.toBe(
      'no statement at all',
    )
    await expect(
      piped.tenant(
        { ...acme, schema: 'tenant_nobody' },
        { access: 'read' },
        async (db) => await db.query(sql`SELECT 1`),
      ),
    ).rejects.toThrow('no rights at present')
  })
})

test('an unreachable server is DatabaseUnavailable, for every way in', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const away = await fresh.open({ url: 'postgres://postgres@127.0.0.1:9/none' })
  const place = { schema: 'tenant_acme', placement: 'default', schemaVersion: 1 } as const
  await expect(away.ping()).rejects.toThrow(DatabaseUnavailable)
  await expect(away.tenant(place, { access: 'read' }, async () => {})).rejects.toThrow(DatabaseUnavailable)
  await expect(away.control({ as: 'resolver' }, async () => {})).rejects.toThrow(DatabaseUnavailable)
  await expect(away.control({ as: 'operator' }, async () => {})).rejects.toThrow(DatabaseUnavailable)
  await expect(away.announce({ table: 'tenants', tenant: null, id: null })).rejects.toThrow(DatabaseUnavailable)
  await expect(away.admin.controlVersion()).rejects.toThrow(DatabaseUnavailable)
  await fresh.drop()
})

test('a URL that cannot be read is told without its password', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const door = await fresh.open({ url: 'postgres://me:geheim@[half/db' })
  const error: unknown = await door.ping().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigError)
  expect(inspect(error, { depth: 9 })).not.toContain('geheim')
  await fresh.drop()
})

test('a server that takes a connection and then says nothing is DatabaseUnavailable in seconds', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const address = silent.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const away = await fresh.open({ url: `postgres://postgres@127.0.0.1:${port}/none` })
  await expect(away.ping()).rejects.toThrow(DatabaseUnavailable)
  silent.close()
  await fresh.drop()
})

test('a connection that the server ends in the middle is DatabaseUnavailable, and the next call works', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const acme = await fresh.tenant('acme')
  const cut = fresh.database.tenant(acme, { access: 'read' }, async (db) => {
    const [row] = await db.query<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`)
    await fresh.sql('SELECT pg_terminate_backend($1)', [row?.pid])
    await db.query(sql`SELECT 1`)
  })
  await expect(cut).rejects.toThrow(DatabaseUnavailable)
  await expect(fresh.database.ping()).resolves.toBeUndefined()
  await fresh.drop()
})

/** A connection whose COMMIT is answered when the test says so, and how it was given back. */
function slowCommit() {
  const given: unknown[] = []
  let answer: (result: { readonly command: string; readonly rows: readonly [] }) => void = () => {}
  const client = {
    async query(statement: unknown) {
      if (statement === 'COMMIT') return await new Promise((resolve) => (answer = resolve))
      return { command: 'SELECT', rows: [] }
    },
    release: (destroy?: boolean) => void given.push(destroy ?? false),
  }
  // Only what a transaction asks of it.
  const source = { connect: async () => client as never }
  return { source, given, answer: (command: string) => answer({ command, rows: [] }) }
}

test('a read is answered before COMMIT is, and its connection is given back after it; a write waits', async () => {
  const options = { prelude: 'BEGIN', check: (statement: Sql) => statement, timeout: 1_000 }
  const fast = slowCommit()
  expect(await transaction(fast.source, { ...options, readOnly: true }, async () => 'answer')).toBe('answer')
  expect(fast.given).toEqual([])
  fast.answer('COMMIT')
  await until(() => fast.given.length === 1)
  expect(fast.given).toEqual([false])

  const doubtful = slowCommit()
  await transaction(doubtful.source, { ...options, readOnly: true }, async () => 'answer')
  doubtful.answer('ROLLBACK')
  await until(() => doubtful.given.length === 1)
  expect(doubtful.given).toEqual([true])

  const careful = slowCommit()
  let answered = false
  const write = transaction(careful.source, options, async () => 'written').then(() => (answered = true))
  await turn()
  expect(answered).toBe(false)
  careful.answer('COMMIT')
  await write
  expect(careful.given).toEqual([false])
})

test('the connection of a tenant with long transactions rests a moment before anybody else has it, and nobody waits for that', async () => {
  const ends: Promise<void>[] = []
  const run = async (rests: boolean, readOnly: boolean, fails: boolean): Promise<readonly number[]> => {
    const { pool, ends: given } = scriptedPool()
    const options = {
      prelude: 'BEGIN',
      check: (one: Sql) => one,
      timeout: 5_000,
      rests: () => rests,
      readOnly,
      onEnded: (end: Promise<void>) => void ends.push(end),
    }
    await transaction(pool, options, async () => {
      if (fails) throw new Error('no')
    }).catch(() => {})
    await turn()
    const first = given.length
    await until(() => given.length > 0)
    return [first, given.length]
  }
  for (const readOnly of [true, false]) {
    for (const fails of [false, true]) {
      expect(await run(true, readOnly, fails)).toEqual([0, 1])
      expect(await run(false, readOnly, fails)).toEqual([1, 1])
    }
  }
  expect(ends).toHaveLength(8)
  await Promise.all(ends)
})
