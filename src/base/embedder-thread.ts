import { availableParallelism } from 'node:os'
import { startThread } from './thread.ts'

/** What a thread is started with: see embedder-worker.ts. */
export interface ModelSource {
  /** What is imported: @huggingface/transformers, or a file URL in tests. */
  readonly module: string
  readonly folder: string
  readonly model: string
  /** Which of the model's files, as transformers.js calls it. */
  readonly dtype: string
}

/** `vectors`: not judged yet. Otherwise why not: the package is missing or does not load, the model does not, or not these texts. */
export type Answer =
  | { readonly vectors: readonly unknown[] }
  | { readonly failed: 'missing' | 'package' | 'model' | 'texts' | 'ended'; readonly reason: string }

/** A model in its thread. One question at a time: who asks waits for the answer first. */
export interface ModelThread {
  /** Settles always: when the thread ends, with `ended`. */
  ask(texts: readonly string[]): Promise<Answer>
  readonly ended: boolean
  close(): Promise<void>
}

/** Starts the thread and waits until the model is loaded. It keeps no process alive while nothing is asked. */
export async function startModel(source: ModelSource): Promise<{ thread: ModelThread; answer: Answer }> {
  // Half of the cores: what serves people needs some as well.
  const threads = Math.max(1, Math.floor(availableParallelism() / 2))
  const worker = startThread(new URL('./embedder-worker', import.meta.url), import.meta.url, { ...source, threads })
  let ended = false
  let settle: ((answer: Answer) => void) | null = null
  let reason = 'the thread of the model ended'

  const answered = async (): Promise<Answer> => {
    if (ended) return { failed: 'ended', reason }
    worker.ref()
    const answer = await new Promise<Answer>((resolve) => (settle = resolve))
    settle = null
    worker.unref()
    return answer
  }
  worker.on('message', (answer: Answer) => settle?.(answer))
  worker.on('error', (error) => {
    reason = `the thread of the model ended: ${error instanceof Error ? error.message : String(error)}`
  })
  worker.on('exit', () => {
    ended = true
    settle?.({ failed: 'ended', reason })
  })
  const thread: ModelThread = {
    get ended() {
      return ended
    },
    async ask(texts) {
      const answer = answered()
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
      if (!ended) worker.postMessage(texts)
      return await answer
    },
    async close() {
      await worker.terminate()
    },
  }
  return { thread, answer: await answered() }
}
