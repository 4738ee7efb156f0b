import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Which processor cores who may use, as `taskset -c` takes them; null: nobody is kept to any. */
export interface Cores {
  /** The server that is measured, alone. */
  readonly server: string
  /** The generator of load. */
  readonly load: string
  /** Postgres, the issuer, and this program: with two cores those of the generator. */
  readonly rest: string
}

/** Keeps this process, and with it what it starts from now on, to its cores. Answers null, and says why, where that cannot be done. */
export function separateCores(): Cores | null {
  const many = availableParallelism()
  if (many < 2) {
    console.log('not pinned: one core is all there is, so server and load generator share it')
    return null
  }
  const cores = { server: '0', load: '1', rest: many > 2 ? `2-${many - 1}` : '1' }
  try {
    execFileSync('taskset', ['-a', '-c', '-p', cores.rest, String(process.pid)], { stdio: 'ignore' })
  } catch (error) {
    console.log(`not pinned: taskset does not work here (${error instanceof Error ? error.message : String(error)})`)
    return null
  }
  console.log(`pinned: server on core ${cores.server}, load on ${cores.load}, Postgres and the rest on ${cores.rest}`)
  return cores
}

/** A command line that runs on these cores. */
export const on = (cores: string | undefined, command: readonly string[]): readonly string[] =>
  cores === undefined ? command : ['taskset', '-c', cores, ...command]
