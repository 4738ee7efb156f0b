import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { DatabaseUnavailable, StatementTimeout, type LastWord, type Queryable } from './database.ts'
import { named } from './errors.ts'
import { inlined } from './inlined.ts'
import { cancel, extended, lease, within, type Source } from './pool.ts'
import { ReplicaBehind, type Proof } from './replicas.ts'
import type { Sql } from './sql.ts'

export interface TransactionOptions {
  /** BEGIN and the SET LOCALs, as one simple message. Text of ours only. */
  readonly prelude: string
  /** Looks at every statement before it is sent. */
  readonly check: (statement: Sql) => Sql
  /** Milliseconds for all of it. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
  /** Send the first statement without waiting for the prelude's answer. */
  readonly pipeline?: boolean
  /** Is told of every error Postgres answers, before anyone may swallow it, and to what: null is the prelude. */
  readonly onError?: (error: unknown, statement: Sql | null) => void
  /** Is told how long the prelude took, in milliseconds. */
  readonly onBegun?: ((milliseconds: number) => void) | undefined
  /**
   * It changes nothing: its answer does not wait for that of COMMIT, which tells nothing more. Absent: COMMIT is waited for.
   */
  readonly readOnly?: boolean | undefined
  /** Is told what ends when the connection of a transaction that ended in order is back, and never rejects. */
  readonly onEnded?: ((ended: Promise<void>) => void) | undefined
  /** Asked at its end: shall nobody else have the connection for a moment? See giveBack. */
  readonly rests?: (() => boolean) | undefined
  /** The prelude's last statement asks whether this server may answer. ReplicaBehind when it may not: `run` was not called. */
  readonly proof?: Proof | undefined
}

/** Milliseconds. */
const REST = 10
/** COMMIT and ROLLBACK are waited for this long after the time limit: cut off earlier, nobody would know the outcome. */
const GRACE = 5_000

/**
 * One transaction on one connection, which goes back to the pool only when it is known to be clean. COMMIT when `run` resolves
 * (a read is answered before that is), ROLLBACK when it throws. Statements run one after another, in extended protocol, also when the
 * caller does not wait for them.
 * Throws what `run` threw, StatementTimeout, DatabaseUnavailable, or the signal's reason.
 */
export async function transaction<T>(
  pool: Source,
  options: TransactionOptions,
  run: (db: Queryable, last: LastWord) => Promise<T>,
): Promise<T> {
  options.signal?.throwIfAborted()
  const client = await lease(pool)
  // The caller may have left while waiting for the connection: nothing tells of it any more.
  if (options.signal?.aborted === true) client.release()
  options.signal?.throwIfAborted()
  const session = new Session(client, options)
  const limit = new Limit(options)
  try {
    const result = await limit.watch(async () => {
      await session.begin()
      const answer = await run(session, session.last)
      await session.settled()
      return answer
    })
    limit.lift()
    session.close()
    const ended = session.end('COMMIT')
    if (options.readOnly !== true || session.failed) {
      await ended
      // Not within the brackets: nothing would be given back where nobody wants to know.
      const back = giveBack(client, options)
      options.onEnded?.(back)
    } else {
      const back = ended.then(
        async () => await giveBack(client, options),
        () => client.release(true),
      )
      options.onEnded?.(back)
    }
    return result
  } catch (error) {
    limit.lift()
    session.close()
    if (limit.hit || session.doubtful) {
      if (limit.hit && session.busy) await cancel(client)
      client.release(true)
    } else {
      await session.end('ROLLBACK').then(
        () => {
          const back = giveBack(client, options)
          options.onEnded?.(back)
        },
        () => client.release(true),
      )
    }
    throw error
  }
}

/**
 * Who gets the connection of a long transaction at once would wait for it: a backend that had a processor for long comes last of those who want
 * one, until the others had theirs.
 */
async function giveBack(client: pg.PoolClient, { rests }: TransactionOptions): Promise<void> {
  if (rests?.() === true) await pause(REST)
  client.release()
}

/** Time and the caller's patience. After `lift` neither can touch the connection, which may be another tenant's by then. */
class Limit {
  hit = false
  readonly #signal: AbortSignal | undefined
  readonly #timeout: number
  #lift = (): void => {}

  constructor({ signal, timeout }: TransactionOptions) {
    this.#signal = signal
    this.#timeout = timeout
  }

  async watch<T>(work: () => Promise<T>): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const stop = (reason: unknown): void => {
        this.hit = true
        reject(reason instanceof Error ? reason : new Error('aborted', { cause: reason }))
      }
      const abort = (): void => stop(this.#signal?.reason)
      const timer = setTimeout(() => stop(new StatementTimeout('the transaction took too long')), this.#timeout)
      this.#signal?.addEventListener('abort', abort)
      this.#lift = () => {
        clearTimeout(timer)
        this.#signal?.removeEventListener('abort', abort)
      }
      work().then(resolve, reject)
    })
  }

  lift(): void {
    this.#lift()
  }
}

/** What may be said on the connection while the transaction is open. */
class Session implements Queryable {
  /** Nobody can tell what state the connection is in. */
  doubtful = true
  /** A statement is under way. */
  busy = false
  readonly #client: pg.PoolClient
  readonly #options: TransactionOptions
  #open = true
  #prelude: Promise<void> = Promise.resolve()
  #last: Promise<unknown> = Promise.resolve()
  #firstError: unknown = null
  #refused: unknown = null
  /** What is said in one message with COMMIT. */
  #parting = ''

  constructor(client: pg.PoolClient, options: TransactionOptions) {
    this.#client = client
    this.#options = options
  }

  async begin(): Promise<void> {
    const { prelude, proof, pipeline, onBegun } = this.#options
    const from = performance.now()
    this.#prelude = this.#send(prelude).then((rows) => {
      this.doubtful = false
      onBegun?.(performance.now() - from)
      if (proof?.passed(rows) === false) throw new ReplicaBehind('the replica has not replayed what was written before')
    })
    if (pipeline !== true || proof !== undefined) return await this.#prelude
    this.#prelude.catch(() => {})
  }

  /** A statement that nobody waits for and that fails must fail its transaction, not end the process. */
  // oxlint-disable-next-line typescript/promise-function-async -- an async function would make a second promise, not looked after
  query<Row extends object>(statement: Sql): Promise<Row[]> {
    const answer = this.#query<Row>(statement)
    answer.catch(() => {})
    return answer
  }

  async #query<Row extends object>(statement: Sql): Promise<Row[]> {
    const checked = this.#checked(statement)
    const turn = this.#last
    const answer = turn.then(async () => {
      if (!this.#open) throw new Error('this transaction is over')
      const sent = this.#send<Row>(extended(checked.text, checked.values), checked)
      // When both fail, the prelude says why.
      const [prelude, result] = await Promise.allSettled([this.#prelude, sent])
      if (prelude.status === 'rejected') throw prelude.reason
      if (result.status === 'rejected') throw result.reason
      return result.value
    })
    this.#last = answer.catch(() => {})
    return await answer
  }

  /** What was refused fails the transaction, waited for or not, caught or not. */
  #checked(statement: Sql): Sql {
    try {
      return this.#options.check(statement)
    } catch (error) {
      this.#refused ??= error
      throw error
    }
  }

  /** The prelude was answered, no statement is under way, and none was refused. */
  async settled(): Promise<void> {
    await this.#prelude
    await this.#last
    if (this.#refused !== null) throw this.#refused
  }

  /** A statement failed, caught or not: then COMMIT does not succeed. */
  get failed(): boolean {
    return this.#firstError !== null
  }

  /** Whoever kept the handle cannot use it any more. */
  close(): void {
    this.#open = false
  }

  readonly last: LastWord = (statement) => {
    this.#parting += `${inlined(statement)}; `
  }

  /** After an error Postgres answers COMMIT with the tag ROLLBACK and no error: that must not pass for success. */
  async end(word: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    this.doubtful = true
    const tag = await within(GRACE, `the outcome of ${word} is unknown`, async () => {
      await this.#last
      return await this.#conclude(word)
    })
    this.doubtful = tag !== 'ROLLBACK' && tag !== word
    if (tag !== word) throw this.#firstError ?? new DatabaseUnavailable(`the server answered ${word} with ${tag}`)
  }

  /** Answers the tag of the last statement. A message of several ends at its first error: then COMMIT was not heard. */
  async #conclude(word: 'COMMIT' | 'ROLLBACK'): Promise<string> {
    if (word === 'ROLLBACK' || this.#parting === '') return (await this.#client.query(word)).command
    try {
      const results = [await this.#client.query(`${this.#parting}${word}`)].flat()
      return results.at(-1)?.command ?? ''
    } catch (error) {
      const told = named(error)
      this.#options.onError?.(told, null)
      throw this.#firstError ?? told
    }
  }

  async #send<Row extends object>(query: string | pg.QueryConfig, statement: Sql | null = null): Promise<Row[]> {
    this.busy = true
    try {
      const result: pg.QueryResult<Row> = await this.#client.query<Row>(query)
      // A message of several statements is answered by as many results.
      return [result].flat().at(-1)?.rows ?? []
    } catch (error) {
      const told = named(error)
      this.#firstError ??= told
      this.#options.onError?.(told, statement)
      if (told instanceof DatabaseUnavailable) this.doubtful = true
      throw told
    } finally {
      this.busy = false
    }
  }
}
