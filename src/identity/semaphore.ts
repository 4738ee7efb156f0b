import { Refusal } from '#base/refusal.ts'

/**
 * Lets `width` pieces of work run at a time; `queue` more wait in line.
 * @returns runs one piece of work. It throws Refusal `provider_unavailable` when the line is full.
 */
export function createSemaphore(width: number, queue: number): <Value>(work: () => Promise<Value>) => Promise<Value> {
  const line: (() => void)[] = []
  let free = width

  return async (work) => {
    if (free === 0 && line.length >= queue)
      throw new Refusal('provider_unavailable', { detail: 'too many checks are waiting' })
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => line.push(resolve))
    try {
      return await work()
    } finally {
      // The place is handed over, not freed, so that a newcomer cannot take it before the first in line.
      const next = line.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}
