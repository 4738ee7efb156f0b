import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { columns, jobOf } from '../alternate.ts'
import type { Slice } from '../load.ts'
import { listTools, type Call } from '../requests.ts'
import { LOG_OFF } from '../world.ts'
import type { Row } from '../row.ts'
import { spread } from '../statistics.ts'
import { memoryOf } from '../vitals.ts'
import { ORDER_CALL } from './http.ts'
import { makeProject, READ, WRITE } from './rows.ts'
import type { Bench, Part } from './part.ts'
import { authOrTenancy, hottest, workOf, type Profile, type Stretch } from './profile.ts'

interface Profiled {
  readonly slice: Slice
  /** One for each thread of the process. */
  readonly profiles: readonly Profile[]
  /** The slice within them: the start of the process is no part of a warm call. */
  readonly stretch: Stretch
}

/** One slice of a server of its own, profiled; the profile is written when the process ends. */
async function profiled({ world, generator, pace }: Bench, call: Call): Promise<Profiled> {
  const folder = await mkdtemp(join(dirname(await world.file('profiles', '')), 'profile-'))
  const node = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=200']
  const server = await world.gatehouse(LOG_OFF, { node, fresh: true })
  const slice = await generator.run(jobOf({ server, call, token: world.token }, pace.seconds, pace.warm))
  await server.end()
  const files = await readdir(folder)
  const profiles = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Profile),
  )
  return { slice, profiles, stretch: { from: slice.began, to: slice.began + slice.seconds * 1e6 } }
}

/** What auth and tenancy take of a warm call, by a profile of the server under load. */
export const share: Part = async (bench) => {
  const shares: number[] = []
  const slices: Slice[] = []
  for (let round = 0; round < bench.pace.rounds; round++) {
    const { slice, profiles, stretch } = await profiled(bench, ORDER_CALL)
    slices.push(slice)
    const work = profiles.map((profile) => workOf(profile, stretch, authOrTenancy))
    const all = work.reduce((sum, each) => sum + each.all, 0)
    if (all === 0) throw new Error('the profiles hold no work')
    shares.push((work.reduce((sum, each) => sum + each.ours, 0) / all) * 100)
  }
  const row: Row = {
    id: 'share',
    title: 'auth + tenancy, share of a warm call',
    of: 'of its CPU, by a profile',
    target: { is: 'at most', value: 10 },
    figure: { ...spread(shares), unit: '%' },
    ...columns(slices),
  }
  return [row]
}

const HOTTEST = 15

/** No line of the table: where the time goes, for whoever wants to know why a figure is what it is. */
export const profile: Part = async (bench) => {
  await makeProject(bench.world, 'tenant_acme')
  for (const [title, call] of [
    ['tools/call, no database', ORDER_CALL],
    ['tools/list', listTools()],
    ['one-row read', READ],
    ['one-row write', WRITE],
  ] as const) {
    const { profiles, stretch } = await profiled(bench, call)
    console.log(`\n${title}: processor time by function, itself`)
    for (const each of profiles) for (const line of hottest(each, stretch).slice(0, HOTTEST)) console.log(`  ${line}`)
  }
  return []
}

/** Seconds without a request before memory at rest is read. */
const REST = 3

/** Resident memory at rest and after load. */
export const memory: Part = async ({ world, generator, pace }) => {
  await makeProject(world, 'tenant_acme')
  const server = await world.gatehouse(LOG_OFF, { fresh: true })
  await pause(REST * 1000)
  const idle = memoryOf(server.pid) ?? Number.NaN
  const after: number[] = []
  for (let round = 0; round < pace.rounds; round++) {
    for (const call of [ORDER_CALL, READ]) {
      const slice = await generator.run(jobOf({ server, call, token: world.token }, pace.seconds))
      after.push(slice.memory ?? Number.NaN)
    }
  }
  return [
    {
      id: 'memory-idle',
      title: 'resident memory, idle',
      of: `${REST} s after it was ready`,
      target: { is: 'at most', value: 150 },
      figure: { ...spread([idle]), unit: 'MB' },
    },
    {
      id: 'memory-load',
      title: 'resident memory, after load',
      of: `the most of ${after.length} slices`,
      target: { is: 'at most', value: 300 },
      figure: { ...spread(after), median: Math.max(...after), unit: 'MB' },
    },
  ]
}
