import { availableParallelism } from 'node:os'
import type { ConfigReader } from './config-reader.ts'

const MOST = 256

/**
 * How many processes serve on the one port; `auto` is one for each core that this process may run on.
 * A problem where they could not be replicas of one another: the embedded database has one process, and so has the development sign-in.
 */
export function readWorkers(reader: ConfigReader, developmentSignIn: boolean): number {
  const auto = reader.text('WORKERS') === 'auto'
  const workers = auto ? availableParallelism() : reader.count('WORKERS', 1, [1, MOST])
  // `auto` is refused on one core too: the same settings must not depend on the machine.
  if (workers === 1 && !auto) return 1
  if (!reader.has('DATABASE_URL'))
    reader.problem('WORKERS', 'more than one needs DATABASE_URL: the embedded database belongs to one process')
  else if (developmentSignIn)
    reader.problem(
      'WORKERS',
      'more than one needs a provider: the development sign-in remembers who is signing in in one process',
    )
  return workers
}
