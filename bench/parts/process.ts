import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { columns, jobOf, type Subject } from '../alternate.ts'
import { LOG_OFF } from '../world.ts'
import type { Row } from '../row.ts'
import { spread } from '../statistics.ts'
import { memoryOf } from '../vitals.ts'
import { ORDER_CALL } from './http.ts'
import { makeProject, READ } from './rows.ts'
import type { Part } from './part.ts'
import { authOrTenancy, workOf, type Profile } from './profile.ts'

/** What auth and tenancy take of a warm call, by a profile of the server under load. */
export const share: Part = async ({ world, generator, pace }) => {
  const shares: number[] = []
  const slices = []
  for (let round = 0; round < pace.rounds; round++) {
    const folder = join(dirname(await world.file('profiles', '')), `profile-${round}`)
    const node = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=200']
    // The profile is written when the process ends; its start is no part of a warm call.
    const server = await world.gatehouse(LOG_OFF, { node, fresh: true })
    const subject: Subject = { server, call: ORDER_CALL, token: world.token }
    const slice = await generator.run(jobOf(subject, pace.seconds, pace.warm))
    slices.push(slice)
    await server.end()
    const stretch = { from: slice.began, to: slice.began + slice.seconds * 1e6 }
    // One for each thread of the process.
    let [ours, all] = [0, 0]
    for (const name of await readdir(folder)) {
      const profile = JSON.parse(await readFile(join(folder, name), 'utf8')) as Profile
      const work = workOf(profile, stretch, authOrTenancy)
      ours += work.ours
      all += work.all
    }
    if (all === 0) throw new Error('the profiles hold no work')
    shares.push((ours / all) * 100)
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
