import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { on, type Cores } from './cores.ts'
import type { Job, Slice } from './load.ts'

export interface Generator {
  /** One slice. Rejects when anything but results came back. */
  run(job: Job): Promise<Slice>
  end(): void
}

type Reply = { readonly slice: Slice } | { readonly error: string }

/** The generator of load as a process of its own, on its own core. */
export function startGenerator(cores: Cores | null): Generator {
  const file = fileURLToPath(new URL('load.ts', import.meta.url))
  const [command = '', ...args] = on(cores?.load, [process.execPath, '--import', 'tsx', file, '--generate'])
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const gone = once(child, 'exit').then(([code]) => ({ error: `the generator ended (${String(code)})` }))
  return {
    async run(job) {
      const said = once(child, 'message') as Promise<[Reply]>
      child.send(job)
      const reply = await Promise.race([said.then(([reply]) => reply), gone])
      if ('error' in reply) throw new Error(reply.error)
      const problems = Object.entries(reply.slice.problems).map(([what, many]) => `${many}x ${what}`)
      if (problems.length > 0) throw new Error(`answers that are none: ${problems.join(', ')}`)
      if (reply.slice.served === 0) throw new Error('nothing was answered')
      return reply.slice
    },
    end: () => void child.kill(),
  }
}
