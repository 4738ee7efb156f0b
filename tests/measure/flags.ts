/**
 * `npm run measure -- flags`: what flags of Node do for the server, each beside none, in turn. What counts is processor time per call, which
 * others on the machine disturb less than calls a second. `--rounds 5 --seconds 5 --connections 16 --flags=--max-semi-space-size=16,--single-threaded-gc`
 */
import { parseArgs } from 'node:util'
import { openRegistry } from '../storm/registry.ts'
import { percentile } from './generator.ts'
import { startGenerator } from './generators.ts'
import { makeGround, processorTime, residentSize, startServer } from './ground.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    /** Seconds of load before anything counts: until then most of the time is compiling. */
    warm: { type: 'string', default: '10' },
    connections: { type: 'string', default: '16' },
    tool: { type: 'string', default: 'list_projects' },
    flags: {
      type: 'string',
      default:
        '--max-semi-space-size=16,--max-semi-space-size=32,--max-semi-space-size=64,--single-threaded-gc,--no-parallel-scavenge',
    },
  },
})
const [rounds, seconds, connections] = [values.rounds, values.seconds, values.connections].map(Number) as [
  number,
  number,
  number,
]
const cases = ['', ...values.flags.split(',')]
const body = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: values.tool, arguments: {} },
})
interface Seen {
  readonly cpu: number[]
  readonly rate: number[]
  readonly p99: number[]
  readonly memory: number[]
}
/** Another one first in each round: what comes first meets a colder machine. */
const turned = <T>(all: readonly T[], by: number): readonly T[] => [
  ...all.slice(by % all.length),
  ...all.slice(0, by % all.length),
]
const ground = await makeGround()
const generator = startGenerator()
try {
  const registry = await openRegistry(ground.env)
  await registry.tenant('first', 'first.test')
  const { text: token } = await registry.key('first')
  await registry.close()
  const seen = new Map<string, Seen>(cases.map((flag) => [flag, { cpu: [], rate: [], p99: [], memory: [] }]))
  for (let round = 0; round < rounds; round++)
    for (const [flag, { cpu, rate, p99, memory }] of turned([...seen], round)) {
      const server = await startServer({ ...ground.env, MIGRATE_ON_START: 'false' }, flag === '' ? [] : flag.split(' '))
      const job = { url: `${server.url}/mcp`, token, body, rate: 'closed' as const, connections }
      await generator.run({ ...job, seconds: Number(values.warm) })
      const before = await processorTime(server.pid)
      const { served } = await generator.run({ ...job, seconds })
      cpu.push(((await processorTime(server.pid)) - before) / served.length)
      rate.push(served.length / seconds)
      p99.push(percentile(served, 0.99))
      memory.push(await residentSize(server.pid))
      await server.end()
    }
  const base = percentile(seen.get('')?.cpu ?? [], 0.5)
  console.log(`${values.tool}, ${connections} connections, medians of ${rounds} rounds of ${seconds} s`)
  console.log('| flag | CPU us per call | of none | calls/s | p99 ms | RSS MB |\n|---|---|---|---|---|---|')
  for (const [flag, of] of seen) {
    const [cpu, rate, p99, memory] = [of.cpu, of.rate, of.p99, of.memory].map((each) => percentile(each, 0.5)) as [
      number,
      number,
      number,
      number,
    ]
    console.log(
      `| ${flag === '' ? 'none' : `\`${flag}\``} | ${(cpu * 1e6).toFixed(0)} | ${(cpu / base).toFixed(2)} | ${rate.toFixed(0)} | ${p99.toFixed(1)} | ${memory.toFixed(0)} |`,
    )
  }
} finally {
  generator.end()
  await ground.close()
}
