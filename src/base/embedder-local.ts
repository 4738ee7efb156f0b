import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from './clock.ts'
import { ConfigError } from './config.ts'
import type { LocalEmbeddings } from './config-search.ts'
import { createEmbedder, EmbeddingFailed, unitVector, type Asking, type Embedder } from './embedder.ts'
import { createTurns } from './embedder-turns.ts'
import { startModel, type Answer, type ModelThread } from './embedder-thread.ts'
import type { Log } from './log.ts'

const PACKAGE = '@huggingface/transformers'
/** Files of `onnx/` and what transformers.js calls them; the first that is there is taken. */
const FILES = [
  ['model_quantized.onnx', 'q8'],
  ['model.onnx', 'fp32'],
  ['model_int8.onnx', 'int8'],
  ['model_uint8.onnx', 'uint8'],
  ['model_fp16.onnx', 'fp16'],
  ['model_q4.onnx', 'q4'],
  ['model_q4f16.onnx', 'q4f16'],
] as const
const EXAMPLE = 'Xenova/all-MiniLM-L6-v2'
/** Texts of one inference: a question waits for that many at most, not for a whole batch. */
const STEP = 8
/** Milliseconds between two starts of a thread that ended. */
const PAUSE = 10_000

/**
 * A model in a folder, run in a thread of this process by @huggingface/transformers; nothing comes from the network. Mean pooling; texts that
 * are longer than the model takes are cut by its tokenizer. Loaded when this answers, and tried once.
 * @param module for tests.
 * @throws ConfigError when folder, package or model cannot be used, or the model answers other dimensions.
 */
export async function openLocalEmbedder(
  config: LocalEmbeddings,
  { clock, log, module = PACKAGE }: { readonly clock: Clock; readonly log: Log; readonly module?: string },
): Promise<{ readonly embedder: Embedder; readonly close: () => Promise<void> }> {
  const { folder, model, dimensions } = config
  const source = { module, folder, model, dtype: dtypeIn(config) }
  let thread = await first(source, config)
  let closed = false
  let notBefore = 0

  /** A native library may run out of memory: what ends is started again, for the next texts. */
  async function running(): Promise<ModelThread> {
    if (!thread.ended) return thread
    if (closed || clock.now() < notBefore) throw new EmbeddingFailed('the thread of the model ended')
    notBefore = clock.now() + PAUSE
    log.warn('the thread of the embeddings model ended and is started again')
    const again = await startModel(source)
    thread = again.thread
    // Closed meanwhile: nobody else would end it.
    if (closed || 'failed' in again.answer) await thread.close()
    return thread
  }

  const turns = createTurns(async (texts: readonly string[]) =>
    vectorsIn(await (await running()).ask(texts), texts, dimensions),
  )

  async function ask(texts: readonly string[], { urgent, timeout, signal }: Asking): Promise<readonly number[][]> {
    const limit = AbortSignal.timeout(timeout)
    const until = signal === undefined ? limit : AbortSignal.any([limit, signal])
    const vectors: number[][] = []
    for (let start = 0; start < texts.length; start += STEP)
      vectors.push(...(await turns.take(texts.slice(start, start + STEP), { urgent, signal: until })))
    return vectors
  }

  return {
    embedder: createEmbedder({ model: `${model}@${source.dtype}`, dimensions, clock, ask }),
    async close() {
      closed = true
      await thread.close()
    },
  }
}

/** The thread with its model, loaded and tried. */
async function first(source: Parameters<typeof startModel>[0], config: LocalEmbeddings): Promise<ModelThread> {
  const { thread, answer } = await startModel(source)
  const tried = 'failed' in answer ? answer : await thread.ask(['Gatehouse'])
  const problem = 'failed' in tried ? unusable(tried, config) : otherDimensions(tried.vectors[0], config)
  if (problem === null) return thread
  await thread.close()
  throw new ConfigError([problem])
}

function unusable({ failed, reason }: Extract<Answer, { failed: string }>, { folder, model }: LocalEmbeddings): string {
  if (failed === 'missing')
    return `EMBEDDINGS_FOLDER: the package that runs models is not installed: npm install ${PACKAGE}`
  if (failed === 'package') return `EMBEDDINGS_FOLDER: ${PACKAGE} cannot be loaded: ${reason}`
  return `EMBEDDINGS_MODEL: ${join(folder, model)} cannot be used (${reason}), for example EMBEDDINGS_MODEL=${EXAMPLE}`
}

function otherDimensions(vector: unknown, { dimensions }: LocalEmbeddings): string | null {
  if (!Array.isArray(vector)) return 'EMBEDDINGS_MODEL: the model answers no vectors'
  if (vector.length === dimensions) return null
  return `EMBEDDINGS_DIMENSIONS: the model answers ${vector.length}, for example EMBEDDINGS_DIMENSIONS=${vector.length}`
}

/** Which file of the model is there. @throws ConfigError when something that is needed is not. */
function dtypeIn({ folder, model }: LocalEmbeddings): string {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new ConfigError([`EMBEDDINGS_FOLDER: there is no folder ${folder}`])
  const at = join(folder, model)
  const missing = ['config.json', 'tokenizer.json', 'tokenizer_config.json'].find((name) => !existsSync(join(at, name)))
  const [, dtype] = FILES.find(([name]) => existsSync(join(at, 'onnx', name))) ?? []
  if (missing === undefined && dtype !== undefined) return dtype
  const wanted = missing ?? `onnx/${FILES[0][0]} or onnx/${FILES[1][0]}`
  throw new ConfigError([`EMBEDDINGS_MODEL: there is no ${wanted} in ${at}, for example EMBEDDINGS_MODEL=${EXAMPLE}`])
}

function vectorsIn(answer: Answer, texts: readonly string[], dimensions: number): readonly number[][] {
  if ('failed' in answer) throw new EmbeddingFailed(answer.reason, { refused: answer.failed === 'texts' })
  if (answer.vectors.length !== texts.length) throw new EmbeddingFailed(`the model gave no ${texts.length} vectors`)
  try {
    return answer.vectors.map((vector) => unitVector(vector, dimensions))
  } catch (error) {
    // The model was tried when it was loaded: what it has no vector for, it will have none for later either.
    throw new EmbeddingFailed(error instanceof Error ? error.message : 'no vector', { refused: true, cause: error })
  }
}
