/** `npm run storm`: the large storm, against the program as it was built. Prints its figures; exit code 1 when one that must be zero is not. */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { BUILT } from '../support/processes.ts'
import { findProgram } from '../support/program.ts'
import { report } from './report.ts'
import { storm } from './storm.ts'

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '100000' },
    tenants: { type: 'string', default: '50' },
    processes: { type: 'string', default: '4' },
    callers: { type: 'string', default: '32' },
  },
})
const bouncer = findProgram('pgbouncer')
console.log(
  `${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`,
)
const rounds: readonly (string | null)[] = bouncer === null ? [null] : [null, bouncer]
let good = true
for (const through of rounds) {
  console.log(through === null ? '\nStraight to Postgres' : `\nThrough PgBouncer in transaction mode (${through})`)
  const figures = await storm(
    {
      tenants: Number(values.tenants),
      processes: Number(values.processes),
      // The same storm once more, a tenth as long.
      calls: through === null ? Number(values.calls) : Math.ceil(Number(values.calls) / 10),
      callers: Number(values.callers),
      program: BUILT,
      bouncer: through,
    },
    (calls) => process.stderr.write(`\r${calls} calls`),
  )
  process.stderr.write('\r')
  const { lines, wrong } = report(figures)
  for (const line of lines) console.log(line)
  if (wrong.length > 0) {
    console.error(`not zero: ${wrong.join(', ')}`)
    good = false
  }
}
if (bouncer === null) console.log('\nThrough PgBouncer: not run, because there is no `pgbouncer` on the PATH')
process.exitCode = good ? 0 : 1
