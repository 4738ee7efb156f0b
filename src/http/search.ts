import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Embedder } from '#base/embedder.ts'
import type { Log } from '#base/log.ts'
import type { Metrics } from '#base/metrics.ts'
import type { Database } from '#db/database.ts'
import { createIndexWorker } from '#tenancy/passages/worker.ts'
import { createSharedChanges, type SharedChanges } from '#toolkit/changes-shared.ts'
import { documentUri } from '#tools/shared/addresses.ts'

export interface SearchOptions {
  readonly config: Pick<Config, 'embeddings' | 'sessionSecrets'>
  /** null: search looks for words only. */
  readonly embedder: Embedder | null
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Has the registry been reached? */
  readonly ready: () => boolean
}

/** Search by meaning: what tools ask with, and what makes documents findable in the background. */
export interface Search {
  /** null: neither EMBEDDINGS_URL nor EMBEDDINGS_FOLDER is set. */
  readonly embedder: Embedder | null
  /** What tells every process of changes. Those of documents are heard here as well: what indexes them starts and ends with these. */
  readonly changes: SharedChanges
}

export function createSearch({ config, embedder, database, clock, log, metrics, ready }: SearchOptions): Search {
  const { embeddings, sessionSecrets: secrets } = config
  const changes = createSharedChanges({ database, secrets, clock, log, metrics })
  if (embeddings === null || embedder === null) return { embedder: null, changes }
  const { batch, perMinute } = embeddings
  const worker = createIndexWorker({ database, embedder, batch, perMinute, clock, log, ready })
  const DOCUMENT = documentUri('')
  return {
    embedder,
    changes: {
      ...changes,
      publish(tenantId, change) {
        changes.publish(tenantId, change)
        if (typeof change === 'object' && change.resource.startsWith(DOCUMENT)) worker.hint(tenantId)
      },
      async start() {
        await changes.start()
        worker.start()
      },
      async close() {
        await worker.close()
        await changes.close()
      },
    },
  }
}
