import { EmbeddingFailed } from './embedder.ts'

type Vectors = readonly number[][]

interface Turn {
  readonly texts: readonly string[]
  readonly settle: (vectors: Promise<Vectors>) => void
}

/** One after another, and who is in a hurry first. */
export interface Turns {
  /** Rejects at once when the signal says so; what the model is at goes on, and its answer is dropped. @throws EmbeddingFailed */
  take(texts: readonly string[], options: { readonly urgent: boolean; readonly signal: AbortSignal }): Promise<Vectors>
}

/** @param embed is called again only after it has settled. */
export function createTurns(embed: (texts: readonly string[]) => Promise<Vectors>): Turns {
  const urgent = new Set<Turn>()
  const patient = new Set<Turn>()
  let busy = false

  async function work(): Promise<void> {
    if (busy) return
    busy = true
    for (;;) {
      const [queue, turn] = nextOf(urgent) ?? nextOf(patient) ?? []
      if (queue === undefined || turn === undefined) break
      queue.delete(turn)
      const embedded = embed(turn.texts)
      await embedded.catch(() => {})
      turn.settle(embedded)
    }
    busy = false
  }

  return {
    async take(texts, { urgent: hurried, signal }) {
      const queue = hurried ? urgent : patient
      return await new Promise<Vectors>((resolve, reject) => {
        const turn: Turn = {
          texts,
          settle(settled) {
            signal.removeEventListener('abort', give)
            resolve(settled)
          },
        }
        const give = (): void => {
          queue.delete(turn)
          const late = signal.reason instanceof Error && signal.reason.name === 'TimeoutError'
          reject(new EmbeddingFailed(late ? 'the model was too slow' : 'nobody waits for the vectors any more'))
        }
        if (signal.aborted) {
          give()
          return
        }
        signal.addEventListener('abort', give, { once: true })
        queue.add(turn)
        void work()
      })
    },
  }
}

function nextOf(queue: Set<Turn>): readonly [Set<Turn>, Turn] | undefined {
  const [turn] = queue
  return turn === undefined ? undefined : [queue, turn]
}
