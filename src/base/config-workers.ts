import { availableParallelism } from 'node:os'
import type { ConfigReader } from './config-reader.ts'

const MOST = 256

/**
 * How many processes serve on the one port; `auto` is one for each core that this process may run on.
 * A problem where they could not be replicas of one another: the embedded database has one process, and so has the development sign-in.
 */
export function readWorkers(reader: ConfigReader, developmentSignIn: boolean): number {
  const value = reader.text('WORKERS') ?? '1'
  const workers =
    value === 'auto' ? Math.min(availableParallelism(), MOST) : /^\d{1,3}$/.test(value) ? Number(value) : 0
  if (workers < 1 || workers > MOST) {
    reader.problem('WORKERS', `must be a whole number from 1 to ${MOST}, or auto`)
    return 1
  }
  // `auto` is refused on one core too: what is right here must not depend on the machine.
  if (value === '1') return 1
  if (!reader.has('DATABASE_URL'))
    reader.problem('WORKERS', 'more than one needs DATABASE_URL: the embedded database belongs to one process')
  else if (developmentSignIn)
    reader.problem(
      'WORKERS',
      'more than one needs a provider: the development sign-in remembers who is signing in in one process',
    )
  return workers
}
