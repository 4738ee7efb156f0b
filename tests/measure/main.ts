/**
 * `npm run measure -- <name>`: the measurements behind the figures of docs/proof.md and docs/operations/, one file each. Each prints its
 * figures with the machine they were seen on; exit code 1 when one misses what is promised.
 */
import { cpus, loadavg } from 'node:os'

/** Each is run by being imported, and reads what follows its name on the command line itself. */
const MEASUREMENTS: Readonly<Record<string, () => Promise<unknown>>> = {
  move: async () => await import('./move.ts'),
  migrations: async () => await import('./migrations.ts'),
  fairness: async () => await import('./fairness.ts'),
  search: async () => await import('./search.ts'),
  retrieval: async () => await import('./retrieval.ts'),
  soak: async () => await import('./soak.ts'),
  scale: async () => await import('./scale.ts'),
  workers: async () => await import('./workers.ts'),
  flags: async () => await import('./flags.ts'),
}

const [name = ''] = process.argv.splice(2, 1)
const measurement = MEASUREMENTS[name]
if (measurement === undefined) {
  console.error(`npm run measure -- ${Object.keys(MEASUREMENTS).join(' | ')}`)
  process.exitCode = 2
} else {
  const [core] = cpus()
  console.log(
    `${cpus().length} cores of ${core?.model ?? '?'}, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`,
  )
  await measurement()
}
