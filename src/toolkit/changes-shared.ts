import { randomBytes } from 'node:crypto'
import { TtlCache } from '#base/cache.ts'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { NO_METRICS, type Metrics } from '#base/metrics.ts'
import { createSeal } from '#base/seal.ts'
import type { Database } from '#db/database.ts'
import { createChanges, type Changes } from './changes.ts'
import type { Change } from './context.ts'
import { createWaiting, newsOf, PARCEL, type Parcel } from './changes-parcel.ts'

/** Milliseconds for which changes are gathered before they are told to the other processes. */
const GATHER = 50
/** Milliseconds until what could not be told is tried again. */
const AGAIN = 1_000
/** Notifications in one round trip. */
const AT_ONCE = 20
/** Seconds for which a notification is believed. */
const LIFE = 60
/** Notifications of the last minutes that are known, so that none counts twice. */
const KNOWN = 20_000
/** Milliseconds between two lines of the log about notifications that are not ours. */
const QUIET = 60_000

export interface SharedChangesOptions {
  readonly database: Pick<Database, 'tell' | 'hear'>
  /** SESSION_SECRET: the first seals, all open. */
  readonly secrets: readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly metrics?: Metrics
}

export interface SharedChanges extends Changes {
  /** Tells who listens at this process alone: of what every process learns by itself. */
  here(tenantId: string, change: Change): void
  /** Begins to hear what other processes tell. */
  start(): Promise<void>
  /** Tells what still waits, once. */
  close(): Promise<void>
}

/**
 * Changes that reach who listens at any process on the same database. In this process at once; in the others through a notification of
 * Postgres, about 50 ms later, many changes in one. What may have been missed (a connection that broke, a tenant with more changes than are
 * kept) is told as `anything`, so that whoever listens looks again.
 *
 * The channel is trusted with nothing: every role of the database may listen on it and write to it, tenants' own too. So each notification
 * is sealed (AES-256-GCM with a key of its own of SESSION_SECRET, D25): who lacks the secret can neither read whom and what it is about,
 * nor make one up; an old one, or the same one again, is not believed. What anybody with a connection can learn is that something changed
 * somewhere, and when.
 */
export function createSharedChanges(options: SharedChangesOptions): SharedChanges {
  const { database, secrets, clock, log, metrics = NO_METRICS } = options
  const here = createChanges()
  const waiting = createWaiting()
  const seal = createSeal<Parcel>({ purpose: 'news', issuer: 'registry', schema: PARCEL, life: LIFE, secrets, clock })
  const known = new TtlCache<object>({ max: KNOWN, clock })
  const from = randomBytes(12).toString('base64url')
  const counted = metrics.counter({
    name: 'gatehouse_news_total',
    help: 'Notifications by which processes tell each other of changes, by what became of them',
    labels: { outcome: ['told', 'untold', 'heard', 'refused'] },
  })
  let timer: NodeJS.Timeout | null = null
  let telling: Promise<void> | null = null
  let closed = false
  let failing = false
  let quietUntil = 0

  function schedule(wait: number): void {
    if (closed || timer !== null || telling !== null || waiting.empty) return
    timer = setTimeout(() => {
      timer = null
      void tell()
    }, wait).unref()
  }

  async function tell(): Promise<void> {
    const parcels = waiting.take(from, AT_ONCE)
    telling = database.tell(parcels.map((parcel) => seal.seal(parcel))).then(
      () => {
        counted({ outcome: 'told' }, parcels.length)
        failing = false
      },
      (error: unknown) => {
        counted({ outcome: 'untold' }, parcels.length)
        if (!failing) log.warn({ err: error }, 'other processes cannot be told of changes: tried again')
        failing = true
        waiting.putBack(parcels)
      },
    )
    await telling
    telling = null
    schedule(failing ? AGAIN : GATHER)
  }

  function hear(text: string): void {
    const parcel = seal.open(text)
    if (parcel === null) return refuse()
    // Each is sealed with random bytes of its own, so the same text is the same notification.
    const mark = text.slice(0, 48)
    if (parcel.from === from || known.get(mark) !== undefined) return
    known.set(mark, parcel, 2 * LIFE * 1000)
    counted({ outcome: 'heard' })
    for (const [tenant, words] of parcel.of) for (const news of newsOf(words)) here.publish(tenant, news)
  }

  function refuse(): void {
    counted({ outcome: 'refused' })
    if (clock.now() < quietUntil) return
    quietUntil = clock.now() + QUIET
    log.warn(
      'a notification of changes was not believed: made up by somebody with a connection to the database, or from a process with another SESSION_SECRET or clock',
    )
  }

  return {
    publish(tenantId, change) {
      here.publish(tenantId, change)
      waiting.add(tenantId, change)
      schedule(GATHER)
    },
    here: (tenantId, change) => here.publish(tenantId, change),
    // What is offered is each process's own: it looks at its own files.
    everywhere: (change) => here.everywhere(change),
    subscribe: (tenantId, listener) => here.subscribe(tenantId, listener),
    start: async () => await database.hear(hear, () => here.everywhere('anything')),
    async close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      await telling
      if (!waiting.empty) await tell()
    },
  }
}
