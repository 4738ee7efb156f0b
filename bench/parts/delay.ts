import pg from 'pg'
import { columns, jobOf, type Subject } from '../alternate.ts'
import type { Slice } from '../load.ts'
import type { Row, Target } from '../row.ts'
import { quantile, spread } from '../statistics.ts'
import { LOG_OFF } from '../world.ts'
import { byHand, makeProject, READ } from './rows.ts'
import type { Bench, Part } from './part.ts'

/** Asked of a database that answers at once, so that only the way counts. */
const PROBES = 200

/** Milliseconds of one round trip to this database, for the fastest client on this machine: the median of many. */
async function roundTrip(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    const times: number[] = []
    for (let probe = 0; probe < PROBES; probe++) {
      const from = performance.now()
      await client.query('SELECT 1')
      times.push(performance.now() - from)
    }
    return quantile(times, 0.5)
  } finally {
    await client.end()
  }
}

/** What one caller waits for a one-row read when the database is this far away, and how many round trips that is. */
async function measure({ world, generator, pace }: Bench, milliseconds: number): Promise<readonly Row[]> {
  const proxy = await world.server('servers/delay.ts', {
    DELAY: String(milliseconds),
    SOCKET: `${world.socket}/.s.PGSQL.5432`,
  })
  const url = (user: string): string => `postgres://${user}@127.0.0.1:${proxy.port}/bench`
  const one = { call: READ, token: world.token, connections: 1 }
  const through = async (pipeline: boolean): Promise<Subject> => ({
    ...one,
    server: await world.gatehouse({ ...LOG_OFF, DATABASE_URL: url('postgres'), DATABASE_PIPELINE: String(pipeline) }),
  })
  const hand = async (pipeline: boolean): Promise<Subject> => ({
    ...one,
    server: await byHand(world, url('gatehouse_app'), pipeline),
    path: '/read',
  })
  const subjects: readonly (readonly [string, string, Subject, Target | null])[] = [
    ['hand', 'Fastify + pg by hand', await hand(false), null],
    ['hand-pipelined', 'Fastify + pg by hand, all in one flight', await hand(true), null],
    ['gatehouse', 'Gatehouse', await through(false), null],
    ['gatehouse-pipelined', 'Gatehouse, DATABASE_PIPELINE', await through(true), { is: 'at most', value: 1.3 }],
  ]
  const slices = new Map<string, Slice[]>(subjects.map(([id]) => [id, []]))
  const least: number[] = []
  for (const [, , subject] of subjects) await generator.run(jobOf(subject, pace.seconds, pace.warm))
  for (let round = 0; round < pace.rounds; round++) {
    least.push(await roundTrip(url('postgres')))
    for (const [id, , subject] of subjects) slices.get(id)?.push(await generator.run(jobOf(subject, pace.seconds)))
  }
  return subjects.map(([id, title, , target]) => {
    const found = slices.get(id) ?? []
    const times = found.map(({ p50 }, round) => p50 / (least[round] ?? Number.NaN))
    const promised = milliseconds > 0 && target !== null ? { target } : { better: 'less' as const }
    return {
      id: `delay-${milliseconds}-${id}`,
      title: `${title}, read, database ${milliseconds} ms away`,
      of: `p50 of one round trip (${spread(least).median.toFixed(2)} ms)`,
      figure: { ...spread(times), unit: 'x' },
      ...promised,
      ...columns(found),
    }
  })
}

/** Postgres at 0 and at 1 ms, one caller at a time. */
export const delay: Part = async (bench) => {
  await makeProject(bench.world, 'tenant_acme')
  return [...(await measure(bench, 0)), ...(await measure(bench, 1))]
}
