import type { Clock } from '#base/clock.ts'
import { EmbeddingFailed, type Embedder } from '#base/embedder.ts'
import type { Log } from '#base/log.ts'
import type { Database, TenantDb, TenantPlace } from '#db/database.ts'
import { hasPassages, keepEmbeddings, putBack, splitDocuments, takeTexts, type WaitingText } from './queue.ts'

/** What one turn of a tenant did. */
type Turn =
  /** There may be more: it takes its place at the end. */
  | 'more'
  /** Nothing is left that can be done now. */
  | 'idle'
  /** The endpoint gave no answer. */
  | 'failed'

export interface TurnResult {
  readonly turn: Turn
  /** Was a request made? */
  readonly asked: boolean
  /** Milliseconds to leave the endpoint alone; null: it answered, or was not asked. */
  readonly pause: number | null
}

export interface IndexOptions {
  readonly database: Database
  readonly embedder: Embedder
  /** Texts of one request. */
  readonly batch: number
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

const NOTHING: TurnResult = { turn: 'idle', asked: false, pause: null }
/** Milliseconds without being told otherwise. */
const PAUSE = 5_000

/**
 * One turn of one tenant: some documents are split, or one request of texts is embedded. What it takes is given back when it fails, and comes back
 * by itself when the process dies; what came is kept in one transaction. Texts that the model refuses are asked for one by one, so that
 * one of them does not keep the others.
 */
export async function indexTurn(options: IndexOptions, tenant: TenantPlace): Promise<TurnResult> {
  const { database, embedder, batch, clock, log, signal } = options
  const write = async <T>(run: (db: TenantDb) => Promise<T>): Promise<T> =>
    await database.tenant(tenant, { access: 'write' }, run)

  async function ask(texts: readonly WaitingText[]): Promise<number | null> {
    try {
      const vectors = await embedder.passages(
        texts.map(({ text }) => text),
        signal,
      )
      const found = texts.map(({ digest }, index) => ({ digest, vector: vectors[index] ?? [] }))
      await write(async (db) => await keepEmbeddings(db, embedder.model, found))
      return null
    } catch (error) {
      if (!(error instanceof EmbeddingFailed)) throw error
      if (error.refused && texts.length > 1) {
        for (const [index, one] of texts.entries()) {
          const pause = await ask([one])
          if (pause === null) continue
          await giveBack(texts.slice(index + 1), false, pause)
          return pause
        }
        return null
      }
      const wait = error.retryAfter === null ? null : error.retryAfter * 1000
      await giveBack(texts, error.refused, wait)
      log.warn({ err: error, schema: tenant.schema, texts: texts.length }, 'texts were not embedded: tried again')
      return error.refused ? null : (wait ?? PAUSE)
    }
  }

  const giveBack = async (texts: readonly WaitingText[], refused: boolean, wait: number | null): Promise<void> =>
    await write(async (db) => await putBack(db, texts, { refused, wait, now: clock.now() }))

  const first = await write(async (db) => {
    if (!(await hasPassages(db))) return null
    if ((await splitDocuments(db, embedder.model, clock.now())) > 0) return 'split' as const
    return await takeTexts(db, batch, clock.now())
  })
  if (first === null) return NOTHING
  if (first === 'split') return { turn: 'more', asked: false, pause: null }
  if (first.length === 0) return NOTHING
  const pause = await ask(first)
  return { turn: pause === null ? 'more' : 'failed', asked: true, pause }
}
