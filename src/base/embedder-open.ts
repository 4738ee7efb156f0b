import type { Clock } from './clock.ts'
import type { EmbeddingsConfig } from './config-search.ts'
import type { Embedder } from './embedder.ts'
import { createEndpointEmbedder } from './embedder-endpoint.ts'
import { openLocalEmbedder } from './embedder-local.ts'
import type { GuardedFetch } from './fetch.ts'
import type { Log } from './log.ts'

export interface OpenEmbedder<Kind extends Embedder | null = Embedder | null> {
  /** null: neither EMBEDDINGS_URL nor EMBEDDINGS_FOLDER is set. */
  readonly embedder: Kind
  readonly close: () => Promise<void>
}

interface Parts {
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly log: Log
}

/** The embedder that the configuration names. @throws ConfigError when a model in a folder cannot be used. */
export async function openEmbedder(config: EmbeddingsConfig, parts: Parts): Promise<OpenEmbedder<Embedder>>
export async function openEmbedder(config: EmbeddingsConfig | null, parts: Parts): Promise<OpenEmbedder>
export async function openEmbedder(
  config: EmbeddingsConfig | null,
  { fetch, clock, log }: Parts,
): Promise<OpenEmbedder> {
  if (config !== null && 'folder' in config) return await openLocalEmbedder(config, { clock, log })
  return {
    embedder: config === null ? null : createEndpointEmbedder(config, { fetch, clock }),
    close: async () => {},
  }
}
