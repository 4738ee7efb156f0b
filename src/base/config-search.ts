import { resolve } from 'node:path'
import { bareHost, isLoopbackHost, urlOf } from './address.ts'
import type { ConfigReader } from './config-reader.ts'

interface Model {
  readonly model: string
  readonly dimensions: number
  readonly batch: number
  readonly perMinute: number
}

export interface EndpointEmbeddings extends Model {
  /** Without a slash at its end. */
  readonly url: string
  /** null: none is sent. */
  readonly key: string | null
}

export interface LocalEmbeddings extends Model {
  /** Absolute. Whether the model is there is judged when it is loaded. */
  readonly folder: string
}

/** Where texts become vectors: at an endpoint, or here by a model in a folder. */
export type EmbeddingsConfig = EndpointEmbeddings | LocalEmbeddings

const OTHERS = [
  'EMBEDDINGS_MODEL',
  'EMBEDDINGS_KEY',
  'EMBEDDINGS_DIMENSIONS',
  'EMBEDDINGS_BATCH',
  'EMBEDDINGS_PER_MINUTE',
] as const

/** null: search looks for words only. */
export function readEmbeddings(reader: ConfigReader, allowPrivate: boolean): EmbeddingsConfig | null {
  const url = reader.text('EMBEDDINGS_URL')
  const folder = reader.text('EMBEDDINGS_FOLDER')
  if (url === null && folder === null) {
    const found = OTHERS.find((name) => reader.has(name))
    if (found !== undefined)
      reader.problem(
        'EMBEDDINGS_URL',
        `needed by ${found}, for example https://api.openai.com/v1 (or EMBEDDINGS_FOLDER, for a model in a folder)`,
      )
    return null
  }
  if (folder === null) return readEndpoint(reader, url ?? '', allowPrivate)
  if (url !== null) reader.problem('EMBEDDINGS_FOLDER', 'give either EMBEDDINGS_URL or EMBEDDINGS_FOLDER, not both')
  if (reader.has('EMBEDDINGS_KEY'))
    reader.problem('EMBEDDINGS_KEY', 'means nothing with EMBEDDINGS_FOLDER: leave it out')
  return readLocal(reader, folder)
}

function readEndpoint(reader: ConfigReader, url: string, allowPrivate: boolean): EndpointEmbeddings {
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
    key: reader.text('EMBEDDINGS_KEY'),
    ...readModel(reader, model),
  }
}

/** As the hub names models, and so as transformers.js finds them in the folder: never a path that leaves it. */
const NAME = /^(?:[A-Za-z0-9][\w.-]*\/)?[A-Za-z0-9](?:[\w.-]{0,94}\w)?$/

function readLocal(reader: ConfigReader, folder: string): LocalEmbeddings {
  if (folder !== resolve(folder))
    reader.problem('EMBEDDINGS_FOLDER', 'must be an absolute path, for example /app/models')
  const model = reader.text('EMBEDDINGS_MODEL')
  if (model === null)
    reader.problem('EMBEDDINGS_MODEL', 'needed by EMBEDDINGS_FOLDER, for example Xenova/all-MiniLM-L6-v2')
  else if (model.length > 200 || !NAME.test(model) || /\.\.|--|\.git$|\.ipynb$/.test(model))
    reader.problem(
      'EMBEDDINGS_MODEL',
      'must be the name of a model in EMBEDDINGS_FOLDER, for example Xenova/all-MiniLM-L6-v2',
    )
  if (!reader.has('EMBEDDINGS_DIMENSIONS'))
    reader.problem('EMBEDDINGS_DIMENSIONS', 'needed by EMBEDDINGS_FOLDER, for example 384')
  return { folder, ...readModel(reader, model) }
}

const readModel = (reader: ConfigReader, model: string | null): Model => ({
  model: model ?? '',
  dimensions: reader.count('EMBEDDINGS_DIMENSIONS', 1536, [2, 2_000]),
  batch: reader.count('EMBEDDINGS_BATCH', 64, [1, 2_048]),
  perMinute: reader.count('EMBEDDINGS_PER_MINUTE', 300, [1, 100_000]),
})
