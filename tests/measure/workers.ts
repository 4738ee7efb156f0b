/**
 * `npm run measure -- workers`: calls a second with one process and with several, in turn. Worth something only where there are cores for the
 * workers, Postgres and the generator: on two cores it says nothing. `--workers 1,2,4 --rounds 5 --seconds 6 --connections 64`
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { openRegistry } from '../storm/registry.ts'
import { percentile } from './generator.ts'
import { startGenerator } from './generators.ts'
import { makeGround, startServer } from './ground.ts'

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '6' },
    connections: { type: 'string', default: '64' },
  },
})
const counts = values.workers.split(',')
const [rounds, seconds, connections] = [values.rounds, values.seconds, values.connections].map(Number) as [
  number,
  number,
  number,
]
const body = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'list_projects', arguments: {} },
})
const ground = await makeGround()
const generator = startGenerator()
try {
  const registry = await openRegistry(ground.env)
  await registry.tenant('first', 'first.test')
  const { text: token } = await registry.key('first')
  await registry.close()
  const rates: Record<string, number[]> = {}
  for (let round = 0; round < rounds; round++)
    for (const workers of counts) {
      const server = await startServer({
        ...ground.env,
        WORKERS: workers,
        MIGRATE_ON_START: 'false',
        CONCURRENCY_PER_TENANT: '64',
      })
      const job = { url: `${server.url}/mcp`, token, body, rate: 'closed' as const, connections }
      await generator.run({ ...job, seconds: 2 })
      const { served } = await generator.run({ ...job, seconds })
      ;(rates[workers] ??= []).push(served.length / seconds)
      await server.end()
    }
  const one = percentile(rates[counts[0] ?? ''] ?? [], 0.5)
  console.log(`${availableParallelism()} cores for workers, Postgres and the generator; medians of ${rounds} rounds`)
  for (const workers of counts) {
    const rate = percentile(rates[workers] ?? [], 0.5)
    console.log(`WORKERS=${workers}: ${rate.toFixed(0)} calls/s, ${(rate / one).toFixed(2)} of WORKERS=${counts[0]}`)
  }
} finally {
  generator.end()
  await ground.close()
}
