/**
 * The thread of a model in EMBEDDINGS_FOLDER: tokenising and inference block while they work (`session.run` of onnxruntime-node is
 * synchronous), so they block here. Says first whether the model is there, then answers texts with their vectors, one message after another.
 * Imports nothing of ours, so that it runs alike from source and compiled.
 */
import { parentPort, workerData } from 'node:worker_threads'

/** What is used of @huggingface/transformers, which is not installed unless an operator does. */
interface Transformers {
  readonly env: Record<string, unknown>
  readonly pipeline: (task: 'feature-extraction', model: string, options: object) => Promise<Extract>
}
type Extract = (texts: readonly string[], options: object) => Promise<{ tolist(): unknown }>

const port = parentPort
if (port === null) throw new Error('not a worker')
const given: Readonly<Record<string, unknown>> = workerData
const { module, folder, model, dtype, threads } = given

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]?.slice(0, 300) ?? ''
const notThere = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === 'ERR_MODULE_NOT_FOUND' &&
  error.message.includes(String(module))

async function loaded(): Promise<Transformers | null> {
  try {
    const transformers: Transformers = await import(String(module))
    return transformers
  } catch (error) {
    port?.postMessage({ failed: notThere(error) ? 'missing' : 'package', reason: reasonOf(error) })
    return null
  }
}

async function opened({ env, pipeline }: Transformers): Promise<Extract | null> {
  // Nothing comes from the network, whatever the library looks for.
  Object.assign(env, {
    allowRemoteModels: false,
    allowLocalModels: true,
    localModelPath: folder,
    useFSCache: false,
    useBrowserCache: false,
    useWasmCache: false,
    logLevel: 40,
    fetch: async () => await Promise.reject(new Error('the network is not asked for models')),
  })
  try {
    return await pipeline('feature-extraction', String(model), {
      dtype,
      device: 'cpu',
      local_files_only: true,
      session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
    })
  } catch (error) {
    port?.postMessage({ failed: 'model', reason: reasonOf(error) })
    return null
  }
}

const transformers = await loaded()
const extract = transformers === null ? null : await opened(transformers)
if (extract !== null) {
  port.on('message', (texts: readonly string[]) => {
    extract(texts, { pooling: 'mean', normalize: true }).then(
      (found) => port.postMessage({ vectors: found.tolist() }),
      (error: unknown) => port.postMessage({ failed: 'texts', reason: reasonOf(error) }),
    )
  })
  port.postMessage({ vectors: [] })
}
