import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import { createEmbedder, type Embedder } from '#base/embedder.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Log } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import { DOCUMENT_URI } from '#tenancy/passages/nearest.ts'
import { createIndexWorker } from '#tenancy/passages/worker.ts'
import type { Changes } from '#toolkit/changes.ts'

export interface SearchOptions {
  readonly config: Pick<Config, 'embeddings'>
  readonly fetch: GuardedFetch
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly ready: () => boolean
  readonly changes: Changes
}

/** Search by meaning: what tools ask with, and what makes documents findable in the background. */
export interface Search {
  /** null: EMBEDDINGS_URL is not set. */
  readonly embedder: Embedder | null
  /** The same changes, of which those of documents are heard here. */
  readonly changes: Changes
  start(): void
  close(): Promise<void>
}

export function createSearch({ config, fetch, database, clock, log, ready, changes }: SearchOptions): Search {
  const { embeddings } = config
  if (embeddings === null) return { embedder: null, changes, start: () => {}, close: async () => {} }
  const embedder = createEmbedder(embeddings, { fetch, clock })
  const { batch, perMinute } = embeddings
  const worker = createIndexWorker({ database, embedder, batch, perMinute, clock, log, ready })
  return {
    embedder,
    changes: {
      ...changes,
      publish(tenantId, change) {
        changes.publish(tenantId, change)
        if (typeof change === 'object' && change.resource.startsWith(DOCUMENT_URI)) worker.hint(tenantId)
      },
    },
    start: () => worker.start(),
    close: async () => await worker.close(),
  }
}
