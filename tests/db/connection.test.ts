/** What becomes of a connection, however its transaction ends: against a server that does what the test says. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DatabaseUnavailable, StatementTimeout, type Queryable } from '#db/database.ts'
import { sql, type Sql } from '#db/sql.ts'
import { transaction, type TransactionOptions } from '#db/transaction.ts'
import { scriptedPool, sent, silence, type Script } from '../support/scripted-pool.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const same = (statement: Sql): Sql => statement
function opened(script?: Script, options: Partial<TransactionOptions> = {}) {
  const server = scriptedPool(script)
  return {
    ...server,
    run: async <T>(work: (db: Queryable) => Promise<T>): Promise<T> =>
      await transaction(server.pool, { prelude: 'BEGIN; SET x', check: same, timeout: 1_000, ...options }, work),
  }
}
const settled = async <T>(work: Promise<T>): Promise<unknown> => await work.catch((error: unknown) => error)

describe('a transaction', () => {
  test('is begun, said and committed in order, and its connection kept', async () => {
    const { run, said, ends } = opened((text) => (text.startsWith('SELECT') ? { rows: [{ n: 1 }] } : {}))
    expect(await run(async (db) => await db.query(sql`SELECT 1`))).toEqual([{ n: 1 }])
    expect(said).toEqual(['BEGIN; SET x', 'SELECT 1', 'COMMIT'])
    expect(ends).toEqual(['kept'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is rolled back when the work throws, and its connection kept', async () => {
    const { run, said, ends } = opened()
    const error = new RangeError('mine')
    expect(await settled(run(async () => await Promise.reject(error)))).toBe(error)
    expect(said).toEqual(['BEGIN; SET x', 'ROLLBACK'])
    expect(ends).toEqual(['kept'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that could not begin leaves a connection nobody knows: it is destroyed', async () => {
    const { run, said, ends } = opened(async () => await Promise.reject(sent('42501')))
    let ran = false
    const work = run(async () => {
      ran = true
    })
    expect(await settled(work)).toMatchObject({ code: '42501' })
    expect([ran, said, ends]).toEqual([false, ['BEGIN; SET x'], ['destroyed']])
  })

  test('whose COMMIT is answered by ROLLBACK did not succeed: the first error is told, the connection is clean', async () => {
    const { run, ends } = opened((text) => {
      if (text === 'SELECT 1') throw sent('22012', 'the first')
      if (text === 'SELECT 2') throw sent('25P02', 'the second')
      return text === 'COMMIT' ? { command: 'ROLLBACK' } : {}
    })
    const swallowed = run(async (db) => {
      await db.query(sql`SELECT 1`).catch(() => {})
      await db.query(sql`SELECT 2`).catch(() => {})
    })
    expect(await settled(swallowed)).toMatchObject({ message: 'the first' })
    expect(ends).toEqual(['kept'])
  })

  test('whose COMMIT is answered by ROLLBACK for no error that was told, or by anything else, is unavailable', async () => {
    for (const command of ['ROLLBACK', 'SELECT', '']) {
      const { run, ends } = opened((text) => (text === 'COMMIT' ? { command } : {}))
      expect(await settled(run(async () => {}))).toBeInstanceOf(DatabaseUnavailable)
      expect(ends).toEqual([command === 'ROLLBACK' ? 'kept' : 'destroyed'])
    }
  })

  test('whose COMMIT gets no answer within 5 seconds is of unknown outcome: unavailable, and destroyed', async () => {
    const { run, ends } = opened(async (text) => (text === 'COMMIT' ? await silence() : {}))
    const work = settled(run(async () => {}))
    await vi.advanceTimersByTimeAsync(4_999)
    expect(ends).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(await work).toBeInstanceOf(DatabaseUnavailable)
    expect(ends).toEqual(['destroyed'])
  })

  test('whose ROLLBACK fails or gets no answer is destroyed, and the work’s own error told', async () => {
    for (const answer of [async () => await Promise.reject(sent('08006')), silence, () => ({ command: 'COMMIT' })]) {
      const { run, ends } = opened(async (text) => (text === 'ROLLBACK' ? await answer() : {}))
      const work = settled(run(async () => await Promise.reject(new RangeError('mine'))))
      await vi.advanceTimersByTimeAsync(5_000)
      expect(await work).toBeInstanceOf(RangeError)
      expect(ends).toEqual(['destroyed'])
    }
  })

  test('whose connection breaks is destroyed without a word more', async () => {
    const { run, said, ends } = opened((text) => {
      if (text === 'SELECT 1') throw new Error('Connection terminated unexpectedly')
      return {}
    })
    expect(await settled(run(async (db) => await db.query(sql`SELECT 1`)))).toBeInstanceOf(DatabaseUnavailable)
    expect(said).toEqual(['BEGIN; SET x', 'SELECT 1'])
    expect(ends).toEqual(['destroyed'])
  })

  test('a statement that failed is told to whoever listens, with what was said; the prelude as null', async () => {
    const heard: unknown[] = []
    const onError = (error: unknown, statement: Sql | null): void => void heard.push([error, statement])
    const failing = opened(
      (text) => {
        if (text === 'SELECT $1') throw sent('42501')
        return {}
      },
      { onError },
    )
    const statement = sql`SELECT ${1}`
    await settled(failing.run(async (db) => await db.query(statement)))
    await settled(opened(async () => await Promise.reject(sent('22023')), { onError }).run(async () => {}))
    expect(heard).toEqual([
      [expect.objectContaining({ code: '42501' }), statement],
      [expect.objectContaining({ code: '22023' }), null],
    ])
  })
})

describe('statements', () => {
  test('run one after another in the order they were said, and COMMIT waits for those nobody waited for', async () => {
    const free: (() => void)[] = []
    const { run, said } = opened(async (text) => {
      if (text.startsWith('SELECT')) await new Promise<void>((resolve) => free.push(resolve))
      return {}
    })
    const work = run(async (db) => {
      void db.query(sql`SELECT 1`)
      void db.query(sql`SELECT 2`)
    })
    await vi.advanceTimersByTimeAsync(1)
    expect(said).toEqual(['BEGIN; SET x', 'SELECT 1'])
    free.shift()?.()
    await vi.advanceTimersByTimeAsync(1)
    expect(said).toEqual(['BEGIN; SET x', 'SELECT 1', 'SELECT 2'])
    free.shift()?.()
    await work
    expect(said.at(-1)).toBe('COMMIT')
  })

  test('that the check refuses are not sent and fail the transaction, swallowed or not', async () => {
    const refusal = new TypeError('refused')
    const check = (statement: Sql): Sql => {
      if (statement.text === 'SET ROLE x') throw refusal
      return statement
    }
    const { run, said, ends } = opened(undefined, { check })
    const work = run(async (db) => {
      await db.query(sql`SET ROLE x`).catch(() => {})
      await db.query(sql`SELECT 1`)
    })
    expect(await settled(work)).toBe(refusal)
    expect(said).toEqual(['BEGIN; SET x', 'SELECT 1', 'ROLLBACK'])
    expect(ends).toEqual(['kept'])
  })

  test('are refused once the transaction is over', async () => {
    const { run, said } = opened()
    let kept: Queryable | null = null
    await run(async (db) => {
      kept = db
    })
    await expect((kept as unknown as Queryable).query(sql`SELECT 1`)).rejects.toThrow('this transaction is over')
    await settled(
      run(async (db) => {
        kept = db
        throw new Error('mine')
      }),
    )
    await expect((kept as unknown as Queryable).query(sql`SELECT 1`)).rejects.toThrow('this transaction is over')
    expect(said).not.toContain('SELECT 1')
  })
})

describe('DATABASE_PIPELINE', () => {
  test('sends the first statement without waiting for the prelude, and everything in order', async () => {
    let begun = (): void => {}
    const { run, said } = opened(
      async (text) => {
        if (text.startsWith('BEGIN')) await new Promise<void>((resolve) => (begun = resolve))
        return {}
      },
      { pipeline: true },
    )
    const work = run(async (db) => await db.query(sql`SELECT 1`))
    await vi.advanceTimersByTimeAsync(1)
    expect(said).toEqual(['BEGIN; SET x', 'SELECT 1'])
    begun()
    await work
    expect(said).toEqual(['BEGIN; SET x', 'SELECT 1', 'COMMIT'])
  })

  test('the prelude’s error is told when both fail, and also when nothing else was said', async () => {
    for (const work of [async (db: Queryable) => void (await db.query(sql`SELECT 1`)), async () => {}]) {
      const { run, ends, said } = opened(
        (text) => {
          throw text.startsWith('BEGIN') ? sent('22023', 'no such role') : sent('25P02', 'aborted')
        },
        { pipeline: true },
      )
      expect(await settled(run(work))).toMatchObject({ message: 'no such role' })
      expect(ends).toEqual(['destroyed'])
      expect(said).not.toContain('COMMIT')
    }
  })
})

describe('time and the caller', () => {
  test('work that overruns its time is ended, its connection destroyed and nothing more said', async () => {
    const { run, said, ends } = opened()
    const work = settled(run(async () => await new Promise(() => {})))
    await vi.advanceTimersByTimeAsync(999)
    expect(ends).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(await work).toBeInstanceOf(StatementTimeout)
    expect([said, ends]).toEqual([['BEGIN; SET x'], ['destroyed']])
  })

  test('a caller who leaves ends it with their own reason', async () => {
    for (const reason of [new Error('gone'), 'gone']) {
      const caller = new AbortController()
      const { run, ends } = opened(undefined, { signal: caller.signal })
      const work = settled(run(async () => await new Promise(() => {})))
      await vi.advanceTimersByTimeAsync(1)
      caller.abort(reason)
      const error = await work
      if (typeof reason === 'string') expect(error).toMatchObject({ cause: 'gone' })
      else expect(error).toBe(reason)
      expect(ends).toEqual(['destroyed'])
    }
  })

  test('who left before takes no connection; who left while waiting for one gives it back unused', async () => {
    const before = opened(undefined, { signal: AbortSignal.abort(new Error('before')) })
    expect(await settled(before.run(async () => {}))).toMatchObject({ message: 'before' })
    expect([before.said, before.ends]).toEqual([[], []])
    const caller = new AbortController()
    const meanwhile = opened(undefined, { signal: caller.signal })
    const work = settled(meanwhile.run(async () => {}))
    caller.abort(new Error('meanwhile'))
    expect(await work).toMatchObject({ message: 'meanwhile' })
    expect([meanwhile.said, meanwhile.ends]).toEqual([[], ['kept']])
  })

  test('neither touches a call that is over: no timer and no listener is left', async () => {
    const caller = new AbortController()
    const added = vi.spyOn(caller.signal, 'addEventListener')
    const removed = vi.spyOn(caller.signal, 'removeEventListener')
    const { run, ends } = opened(undefined, { signal: caller.signal })
    await run(async () => 'done')
    await settled(run(async () => await Promise.reject(new Error('mine'))))
    expect(removed.mock.calls).toEqual(added.mock.calls)
    expect(added).toHaveBeenCalledTimes(2)
    caller.abort()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(ends).toEqual(['kept', 'kept'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('an abort while COMMIT is under way does not make its outcome unknown', async () => {
    const caller = new AbortController()
    let done = (): void => {}
    const { run, ends } = opened(
      async (text) => {
        if (text === 'COMMIT') await new Promise<void>((resolve) => (done = resolve))
        return {}
      },
      { signal: caller.signal },
    )
    const work = run(async () => 'done')
    await vi.advanceTimersByTimeAsync(1)
    caller.abort()
    done()
    expect(await work).toBe('done')
    expect(ends).toEqual(['kept'])
  })
})
