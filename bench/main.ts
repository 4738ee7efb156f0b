/**
 * `npm run bench`: Gatehouse beside what it is compared with, one table. `--rounds 5 --seconds 3 --cases http,list,read,write --no-peers
 * --json file --strict`. docs/performance.md says what each line is.
 */
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { separateCores } from './cores.ts'
import { startGenerator } from './loads.ts'
import { idle } from './parts/connections.ts'
import { delay } from './parts/delay.ts'
import { http, self } from './parts/http.ts'
import { list } from './parts/list.ts'
import type { Bench, Part } from './parts/part.ts'
import { memory, profile, share } from './parts/process.ts'
import { read, tail, write as writeRow } from './parts/rows.ts'
import { tokens as manyTokens, verification } from './parts/tokens.ts'
import { fileName, newest, worse, write, type Results } from './results.ts'
import { verdict, type Row } from './row.ts'
import { table } from './table.ts'
import { start, tenants as manyTenants } from './parts/tenants.ts'
import { makeWorld } from './world.ts'

const PARTS: Readonly<Record<string, Part>> = {
  self,
  http,
  list,
  read,
  write: writeRow,
  tail,
  verification,
  tokens: manyTokens,
  idle,
  delay,
  share,
  memory,
  tenants: manyTenants,
  start,
}
/** Run when they are asked for. */
const MORE: Readonly<Record<string, Part>> = { profile }
const ALL = { ...PARTS, ...MORE }

const { values } = parseArgs({
  allowNegative: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    cases: { type: 'string', default: Object.keys(PARTS).join(',') },
    peers: { type: 'boolean', default: true },
    tenants: { type: 'string', default: '10000' },
    tokens: { type: 'string', default: '100000' },
    json: { type: 'string' },
    shedding: { type: 'boolean', default: true },
    strict: { type: 'boolean', default: false },
  },
})
const [rounds, seconds, tenants, tokens] = [values.rounds, values.seconds, values.tenants, values.tokens].map(Number)
const names = values.cases.split(',')
const unknown = names.filter((name) => ALL[name] === undefined)
if (!rounds || !seconds || !tenants || !tokens || unknown.length > 0) {
  console.error(
    `${unknown.length > 0 ? `no such case: ${unknown.join(', ')}` : 'numbers above 0'}; cases are ${Object.keys(ALL).join(', ')}`,
  )
  process.exit(2)
}

const folder = fileURLToPath(new URL('results', import.meta.url))
const machine = cpus()[0]?.model.trim() ?? 'unknown'
const load = loadavg()[0] ?? 0
console.log(
  `${cpus().length} cores of ${machine}, load ${load.toFixed(1)}, Node ${process.version}; ${rounds} rounds of ${seconds} s`,
)

const cores = separateCores()
const generator = startGenerator(cores)
const rows: Row[] = []
try {
  const world = await makeWorld(cores, values.shedding ? {} : { MAX_EVENT_LOOP_DELAY: '0' })
  try {
    const pace = { rounds, seconds, warm: Math.min(2, seconds) }
    const bench: Bench = { world, generator, cores, pace, peers: values.peers, tenants, tokens }
    for (const name of names) {
      const began = performance.now()
      try {
        rows.push(...((await ALL[name]?.(bench)) ?? []))
      } catch (error) {
        const failed = error instanceof Error ? error.message : String(error)
        rows.push({ id: name, title: name, figure: null, failed })
      }
      console.log(`${name}: ${((performance.now() - began) / 1000).toFixed(0)} s, load ${loadavg()[0]?.toFixed(1)}`)
    }
  } finally {
    await world.close()
  }
} finally {
  generator.end()
}

const results: Results = {
  at: new Date().toISOString(),
  machine: `${cpus().length} x ${machine}`,
  versions: { node: process.version, v8: process.versions.v8 },
  // Without the name of somebody's file.
  command: ['npm run bench --', ...process.argv.slice(2)].join(' ').replace(/ --json[ =]\S+/, ''),
  load,
  rounds,
  seconds,
  rows,
}
console.log(`\n${table(rows)}\n`)
const before = await newest(folder)
if (before !== null) {
  const got = worse(before, rows)
  console.log(got.length === 0 ? `nothing got worse by a fifth since ${before.at}` : `worse than on ${before.at}:`)
  for (const line of got) console.log(`  ${line}`)
}
// Only a whole run is worth comparing the next one with.
const whole = rounds >= 5 && values.peers && values.shedding && names.length === Object.keys(PARTS).length
const files = [...(values.json === undefined ? [] : [values.json]), ...(whole ? [join(folder, fileName(results))] : [])]
for (const file of files) {
  await write(file, results)
  console.log(`written to ${file}`)
}
const missed = rows.filter((row) => verdict(row) === 'no')
const failed = rows.filter((row) => verdict(row) === 'failed')
if (missed.length > 0) console.log(`not reached: ${missed.map(({ id }) => id).join(', ')}`)
if (failed.length > 0) console.log(`failed: ${failed.map(({ id }) => id).join(', ')}`)
if (values.strict && missed.length + failed.length > 0) process.exitCode = 1
