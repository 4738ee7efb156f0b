import { setTimeout as delay } from 'node:timers/promises'

/** Waits for so many milliseconds; throws the signal's reason when it is aborted meanwhile. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

/** What comes within so many milliseconds, else `otherwise`. The work goes on. */
export async function inTime<Value>(
  milliseconds: number,
  otherwise: () => Error,
  work: Promise<Value>,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(otherwise()), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What others wait for too, or the signal's reason when that comes first. The work goes on for them. */
export async function orAborted<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  // Nobody else may be there to hear of its failure.
  work.catch(() => {})
  signal.throwIfAborted()
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason }))
    signal.addEventListener('abort', stop)
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
