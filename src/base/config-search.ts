import { bareHost, isLoopbackHost, urlOf } from './address.ts'
import type { ConfigReader } from './config-reader.ts'

/** Where texts become vectors. */
export interface EmbeddingsConfig {
  /** Without a slash at its end. */
  readonly url: string
  readonly model: string
  /** null: none is sent. */
  readonly key: string | null
  readonly dimensions: number
  readonly batch: number
  readonly perMinute: number
}

/** null: search looks for words only. */
export function readEmbeddings(reader: ConfigReader, allowPrivate: boolean): EmbeddingsConfig | null {
  const others = [
    'EMBEDDINGS_MODEL',
    'EMBEDDINGS_KEY',
    'EMBEDDINGS_DIMENSIONS',
    'EMBEDDINGS_BATCH',
    'EMBEDDINGS_PER_MINUTE',
  ] as const
  const url = reader.text('EMBEDDINGS_URL')
  if (url === null) {
    const found = others.find((name) => reader.has(name))
    if (found !== undefined)
      reader.problem('EMBEDDINGS_URL', `needed by ${found}, for example https://api.openai.com/v1`)
    return null
  }
  const parsed = urlOf(url)
  if (parsed === null || parsed.username !== '' || parsed.password !== '' || /[?#\\\s]/.test(url))
    reader.problem(
      'EMBEDDINGS_URL',
      'must be a URL without user, query or fragment, for example https://api.openai.com/v1',
    )
  else if (
    parsed.protocol !== 'https:' &&
    !(parsed.protocol === 'http:' && allowPrivate && isLoopbackHost(bareHost(parsed)))
  )
    reader.problem(
      'EMBEDDINGS_URL',
      'must be https; http is for this machine only, with EGRESS_ALLOW_PRIVATE=true, for example http://127.0.0.1:11434/v1',
    )
  const model = reader.text('EMBEDDINGS_MODEL')
  if (model === null) reader.problem('EMBEDDINGS_MODEL', 'needed by EMBEDDINGS_URL, for example text-embedding-3-small')
  else if (model.length > 200)
    reader.problem('EMBEDDINGS_MODEL', 'has more than 200 characters, for example text-embedding-3-small')
  if (!reader.has('EMBEDDINGS_DIMENSIONS'))
    reader.problem('EMBEDDINGS_DIMENSIONS', 'needed by EMBEDDINGS_URL, for example 1536')
  return {
    url: url.replace(/\/+$/, ''),
    model: model ?? '',
    key: reader.text('EMBEDDINGS_KEY'),
    dimensions: reader.count('EMBEDDINGS_DIMENSIONS', 1536, [2, 2_000]),
    batch: reader.count('EMBEDDINGS_BATCH', 64, [1, 2_048]),
    perMinute: reader.count('EMBEDDINGS_PER_MINUTE', 300, [1, 100_000]),
  }
}
