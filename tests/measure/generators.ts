import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Job, Sent } from './generator.ts'

export interface Generator {
  run(job: Job): Promise<Sent>
  end(): void
}

/** A generator of load in a process of its own, so that it does not wait for another one's work. */
export function startGenerator(): Generator {
  const child = fork(fileURLToPath(new URL('generator.ts', import.meta.url)))
  return {
    async run(job) {
      const answer = once(child, 'message') as Promise<[Sent]>
      child.send(job)
      return (await answer)[0]
    },
    end: () => void child.kill(),
  }
}
