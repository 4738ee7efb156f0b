/**
 * `npm run measure -- fairness`: what a tenant at a fixed rate waits for its answers, alone and beside a tenant that floods the same server with
 * ten times its share. `--rounds 5 --seconds 12 --rate 60 --shapes cheap,slow,results,bodies --flood 10 --limits off`
 */
import fastify from 'fastify'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { percentile, type Job, type Sent } from './generator.ts'
import { startGenerator, type Generator } from './generators.ts'
import { makeWorld, type World } from './world.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '12' },
    rate: { type: 'string', default: '60' },
    flood: { type: 'string', default: '10' },
    shapes: { type: 'string', default: 'control,cheap,slow,results,bodies' },
    /** RATE_LIMIT of the server: off, so that fairness itself is measured and not a limit that ends the flood. */
    limits: { type: 'string', default: 'off' },
  },
})
const [rounds, seconds, wanted, flood] = [values.rounds, values.seconds, values.rate, values.flood].map(Number) as [
  number,
  number,
  number,
  number,
]
/** Of the flood: more than any one client opens. */
const CONNECTIONS = 200
const MOST = 2

const call = (name: string, args: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } })

const QUIET = call('list_projects', { limit: 10 })
const SHAPES: Readonly<Record<string, string>> = {
  control: QUIET,
  cheap: QUIET,
  slow: call('slow_query', { rows: 1_000_000 }),
  results: call('big_result', { bytes: 400_000 }),
  bodies: call('big_body', { parts: Array.from({ length: 900 }, () => 'x"y '.repeat(200)) }),
}

const median = (values: readonly number[]): number => percentile(values, 0.5)
/** The median of the rounds' p99: one stall of the machine, of a fifth of a second, is the whole p99 of its round. */
const p99 = (rounds: readonly (readonly number[])[]): number => median(rounds.map((round) => percentile(round, 0.99)))
const figures = (rounds: readonly (readonly number[])[]): string =>
  `p50 ${median(rounds.flat()).toFixed(1)} ms, p99 ${p99(rounds).toFixed(1)} ms (of all rounds together ${percentile(rounds.flat(), 0.99).toFixed(1)})`
const shown = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([what, many]) => `${what}: ${many}`)
    .join(', ')

function add(into: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [what, many] of Object.entries(counts)) into[what] = (into[what] ?? 0) + many
}

interface Side {
  readonly url: string
  readonly quiet: string
  readonly noisy: string
}

/** Slices of quiet and flood in turn. @returns whether the promise was kept. */
async function measure(shape: string, side: Side, rate: number, quiet: Generator, noisy: Generator): Promise<boolean> {
  const body = SHAPES[shape] ?? QUIET
  const alone: number[][] = []
  const beside: number[][] = []
  const quietly: Record<string, number> = {}
  const loudly: Record<string, number> = {}
  const answers: Record<string, number> = {}
  const late: number[] = []
  const job: Job = { url: side.url, token: side.quiet, body: QUIET, seconds, rate, connections: 100 }
  const flooding = { url: side.url, token: side.noisy, body, connections: CONNECTIONS }
  // What it would be served with nobody else about; half of that is its share of two.
  const able = await noisy.run({ ...flooding, seconds: 3, rate: 'closed', connections: 16 })
  const offered = Math.max(10, (able.served.length / 3 / 2) * flood)
  let cpu = 0
  for (let round = 0; round < rounds; round++) {
    await pause(2_500)
    const before = await quiet.run(job)
    alone.push(before.served)
    add(quietly, before.counts)
    const storm = noisy.run({ ...flooding, seconds: seconds + 1, rate: offered })
    await pause(500)
    const during = await quiet.run(job)
    beside.push(during.served)
    add(loudly, during.counts)
    late.push(during.late)
    const sent: Sent = await storm
    add(answers, sent.counts)
    cpu += sent.cpu
  }
  const ratio = p99(beside) / p99(alone)
  const unserved = Object.entries(loudly).reduce((sum, [what, many]) => sum + (what === '200' ? 0 : many), 0)
  console.log(
    `\n${shape}: the flood offers ${offered.toFixed(0)} calls/s, ${flood} times half of what it is served alone`,
  )
  console.log(`  quiet    ${figures(alone)} (${shown(quietly)})`)
  console.log(`  flooded  ${figures(beside)} (${shown(loudly)})`)
  console.log(`  the flood got  ${shown(answers)}`)
  console.log(
    `  ratio of p99: ${ratio.toFixed(2)}; the flood's generator took ${(cpu / rounds / (seconds + 1)).toFixed(2)} of a core, the quiet one's sends were ${Math.max(...late).toFixed(1)} ms late at p99`,
  )
  if (shape === 'control') return true
  if (unserved > 0) console.log(`  ${unserved} calls of the quiet tenant were not served`)
  return ratio <= MOST && unserved === 0
}

/** One connection that is not the server's runs the slow query over and over: what a processor of the database that is busy costs everybody here. */
async function busyProcessor(side: Side, rate: number, quiet: Generator, world: World): Promise<void> {
  const job: Job = { url: side.url, token: side.quiet, body: QUIET, seconds, rate, connections: 100 }
  const alone: number[][] = []
  const beside: number[][] = []
  for (let round = 0; round < rounds; round++) {
    alone.push((await quiet.run(job)).served)
    const over = new AbortController()
    const busy = (async () => {
      while (!over.signal.aborted) await world.sql('SELECT sum(n % 7) FROM generate_series(1, 1000000) AS n')
    })()
    beside.push((await quiet.run(job)).served)
    over.abort()
    await busy
  }
  console.log('\ncontrol: one connection of nobody’s runs the slow query without a pause')
  console.log(`  quiet    ${figures(alone)}`)
  console.log(`  beside   ${figures(beside)}`)
  console.log(`  ratio of p99: ${(p99(beside) / p99(alone)).toFixed(2)}`)
}

/** The same load against a server that does nothing: what the generators and the machine alone cost. */
async function control(rate: number, quiet: Generator, noisy: Generator): Promise<void> {
  const app = fastify({ logger: false })
  app.post('/mcp', async () => ({
    jsonrpc: '2.0',
    id: 1,
    result: { content: [{ type: 'text', text: 'x'.repeat(300) }] },
  }))
  const url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/mcp`
  console.log('\ncontrol: bare Fastify in place of the server')
  await measure('control', { url, quiet: 'a', noisy: 'b' }, rate, quiet, noisy)
  await app.close()
}

const world = await makeWorld(1, { RATE_LIMIT: values.limits })
// What is measured with must not wait for a processor, nor the flood take one from the server: both come from elsewhere.
const [quiet, noisy] = [startGenerator(-15), startGenerator(10)]
try {
  const [server] = world.servers
  const tokens: string[] = []
  for (const slug of ['quiet', 'noisy']) {
    await world.registry.tenant(slug, `${slug}.test`)
    tokens.push((await world.registry.key(slug)).text)
  }
  const side = { url: `${server?.url}/mcp`, quiet: tokens[0] ?? '', noisy: tokens[1] ?? '' }
  const create = call('create_project', { name: 'measured' })
  for (const token of tokens)
    await quiet.run({ url: side.url, token, body: create, seconds: 1, rate: 20, connections: 10 })
  // The server has met each shape before anything is measured: what is compiled then is compiled.
  for (const body of Object.values(SHAPES))
    await noisy.run({ url: side.url, token: side.noisy, body, seconds: 2, rate: 'closed', connections: 8 })
  // Nobody is about any more.
  await pause(2_500)
  // Quiet is who is well within their share: where this machine serves little, they ask for less.
  const able = await quiet.run({
    url: side.url,
    token: side.quiet,
    body: QUIET,
    seconds: 3,
    rate: 'closed',
    connections: 16,
  })
  const rate = Math.max(2, Math.min(wanted, Math.floor(able.served.length / 30)))
  console.log(
    `${rounds} rounds of ${seconds} s each, the quiet tenant at ${rate} of the ${(able.served.length / 3).toFixed(0)} calls/s that it could be served, RATE_LIMIT=${values.limits}; generators, server and Postgres share this machine`,
  )
  let kept = true
  for (const shape of values.shapes.split(',')) {
    if (shape === 'control') {
      await control(rate, quiet, noisy)
      await busyProcessor(side, rate, quiet, world)
    } else if (shape !== 'none' && !(await measure(shape, side, rate, quiet, noisy))) {
      kept = false
      console.log(`  MISSED: more than ${MOST} times, or calls not served`)
    }
  }
  process.exitCode = kept ? 0 : 1
} finally {
  quiet.end()
  noisy.end()
  await world.close()
}
