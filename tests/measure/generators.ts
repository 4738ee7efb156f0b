import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Job, Sent } from './generator.ts'

export interface Generator {
  run(job: Job): Promise<Sent>
  end(): void
}

/**
 * A generator of load in a process of its own, so that it does not wait for another one's work.
 * @param priority of its process (-20 to 19, the least goes first): callers have machines of their own, and share this one only for the measurement. Where
 * it may not be set, that is printed.
 */
export function startGenerator(priority = 0): Generator {
  const child = fork(fileURLToPath(new URL('generator.ts', import.meta.url)))
  try {
    if (child.pid !== undefined && priority !== 0) setPriority(child.pid, priority)
  } catch (error) {
    console.log(
      `the priority ${priority} of a generator could not be set: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  return {
    async run(job) {
      const answer = once(child, 'message') as Promise<[Sent]>
      child.send(job)
      return (await answer)[0]
    },
    end: () => void child.kill(),
  }
}
