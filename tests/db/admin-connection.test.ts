/** The administrator's transactions: tried again where that helps, and the connection kept only when it is clean. */
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { adminTransaction, asOperator, madeAtOnce } from '#db/admin-connection.ts'
import { DatabaseUnavailable, StatementTimeout, type ControlDb } from '#db/database.ts'
import { sql, type Sql } from '#db/sql.ts'
import { scriptedPool, sent } from '../support/scripted-pool.ts'

const BEGIN = `BEGIN; SET LOCAL search_path = ''; SET LOCAL lock_timeout = 10000`
const answer = async (work: Promise<unknown>): Promise<unknown> => await work.catch((error: unknown) => error)

describe('a transaction of the administrator', () => {
  test('finds no table by a bare name, waits for locks as long as told, and is committed', async () => {
    const { pool, said, ends } = scriptedPool()
    expect(await adminTransaction(pool, {}, async (client) => (await client.query('SELECT 1')).rows)).toEqual([])
    expect(said).toEqual([BEGIN, 'SELECT 1', 'COMMIT'])
    await adminTransaction(pool, { lockTimeout: 7 }, async () => {})
    expect(said[3]).toContain('lock_timeout = 7')
    expect(ends).toEqual(['kept', 'kept'])
  })

  test('is rolled back when its work throws, and destroyed when even that fails', async () => {
    const own = new RangeError('mine')
    const { pool, said, ends } = scriptedPool()
    expect(await answer(adminTransaction(pool, {}, async () => await Promise.reject(own)))).toBe(own)
    expect(said).toEqual([BEGIN, 'ROLLBACK'])
    expect(ends).toEqual(['kept'])
    const broken = scriptedPool((text) => {
      if (text === 'ROLLBACK') throw new Error('Connection terminated')
      return {}
    })
    expect(await answer(adminTransaction(broken.pool, {}, async () => await Promise.reject(own)))).toBe(own)
    expect(broken.ends).toEqual(['destroyed'])
  })

  test('whose COMMIT was answered by anything else did not succeed', async () => {
    const { pool } = scriptedPool((text) => (text === 'COMMIT' ? { command: 'ROLLBACK' } : {}))
    expect(await answer(adminTransaction(pool, {}, async () => 'done'))).toBeInstanceOf(Error)
  })

  test('tells errors in the words of the door', async () => {
    const { pool } = scriptedPool()
    expect(await answer(adminTransaction(pool, {}, async () => await Promise.reject(sent('55P03'))))).toBeInstanceOf(
      StatementTimeout,
    )
    const away = { connect: async () => await Promise.reject(new Error('Connection terminated')) } as never
    expect(await answer(adminTransaction(away, {}, async () => 'done'))).toBeInstanceOf(DatabaseUnavailable)
  })

  test.each([
    ['40001', 'words of Postgres'],
    ['40P01', 'words of Postgres'],
    ['XX000', 'tuple concurrently updated'],
  ])('that lost to another administrator starts over: %s', async (code, message) => {
    const { pool, said, ends } = scriptedPool()
    let runs = 0
    const work = adminTransaction(pool, {}, async () => {
      runs += 1
      if (runs < 3) throw sent(code, message)
      return 'done'
    })
    expect(await work).toBe('done')
    expect(said).toEqual([BEGIN, 'ROLLBACK', BEGIN, 'ROLLBACK', BEGIN, 'COMMIT'])
    expect(ends).toEqual(['kept', 'kept', 'kept'])
  })

  test.each([
    ['23505', 'words of Postgres'],
    ['42710', 'words of Postgres'],
    ['XX000', 'words of Postgres'],
    ['42501', 'tuple concurrently updated'],
  ])('that failed for another reason does not: %s %s', async (code, message) => {
    const { pool, said } = scriptedPool()
    expect(
      await answer(adminTransaction(pool, {}, async () => await Promise.reject(sent(code, message)))),
    ).toMatchObject({ code })
    expect(said).toEqual([BEGIN, 'ROLLBACK'])
  })

  test('starts over for what its caller names, and twelve times at most', async () => {
    const { pool } = scriptedPool()
    let runs = 0
    const work = adminTransaction(pool, { retry: () => true }, async () => {
      runs += 1
      throw new RangeError('always')
    })
    expect(await answer(work)).toBeInstanceOf(RangeError)
    expect(runs).toBe(12)
  })
})

test('roles and schemas that two made at once are worth another try; nothing else is', () => {
  const codes = ['40001', '40P01', '42710', '42P06', '23505', '42501', '42P07', 'XX000']
  expect(codes.map((code) => madeAtOnce(sent(code)))).toEqual([true, true, true, true, true, false, false, false])
  expect(madeAtOnce(sent('XX000', 'tuple concurrently updated'))).toBe(true)
  expect(madeAtOnce(new Error('tuple concurrently updated'))).toBe(false)
})

describe('as the operator', () => {
  const lease = async (pool: pg.Pool): Promise<pg.PoolClient> => await pool.connect()

  test('the registry is written within the administrator’s transaction, who is back afterwards', async () => {
    const { pool, said } = scriptedPool((text) => (text.startsWith('SELECT') ? { rows: [{ n: 1 }] } : {}))
    const rows = await asOperator(await lease(pool), async (db) => await db.query(sql`SELECT ${1}`))
    expect(rows).toEqual([{ n: 1 }])
    expect(said).toEqual([
      'SET LOCAL ROLE gatehouse_operator; SET LOCAL search_path = gatehouse, pg_temp',
      'SELECT $1',
      `SET LOCAL ROLE NONE; SET LOCAL search_path = ''`,
    ])
  })

  test('nothing but the template is said, and nothing when it is over', async () => {
    const { pool, said } = scriptedPool()
    let kept: ControlDb | null = null
    await asOperator(await lease(pool), async (db) => {
      kept = db
      await expect(db.query({ text: 'SELECT 1', values: [] } as unknown as Sql)).rejects.toThrow(TypeError)
    })
    await expect((kept as unknown as ControlDb).query(sql`SELECT 1`)).rejects.toThrow('this transaction is over')
    expect(said).not.toContain('SELECT 1')
  })

  test('an error of the work is told, also when there is no way back from it', async () => {
    const { pool } = scriptedPool((text) => {
      if (text.startsWith('SET LOCAL ROLE NONE')) throw sent('25P02')
      return {}
    })
    const own = new RangeError('mine')
    expect(await answer(asOperator(await lease(pool), async () => await Promise.reject(own)))).toBe(own)
  })
})
