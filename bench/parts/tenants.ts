import { alternate, type Case } from '../alternate.ts'
import { LOG_OFF, type World } from '../world.ts'
import type { Row } from '../row.ts'
import { spread } from '../statistics.ts'
import { makeTenants, tokensOf } from './bulk.ts'
import { ORDER_CALL } from './http.ts'
import { READ } from './rows.ts'
import type { Part } from './part.ts'

/** Tenants that are met in a second at least, when none of them was there before. */
const MET = 400

/** One of so many tenants, at random, each with its own person. */
const among = (world: World, count: number, what: string, call = READ): Omit<Case, 'target'> => ({
  id: `tenants-${count}-${what}`,
  title: `Gatehouse, ${what}, ${count === 1 ? 'one tenant' : `${count.toLocaleString('en')} tenants at random`}`,
  warm: count / MET,
  // A process of its own: who was about a moment ago would still have a share of what one tenant alone may use.
  subject: async () => ({
    server: await world.gatehouse(LOG_OFF, { fresh: true }),
    call,
    token: { file: await tokensOf(world, count) },
  }),
})

/** Many tenants at random against one. Each slice begins where the last one ended: everybody was there before. */
export const tenants: Part = async ({ world, generator, pace, tenants }) => {
  await makeTenants(world, tenants)
  const target = { is: 'at least', value: 0.8 } as const
  const some = Math.min(1_000, tenants)
  const rows: Row[] = []
  for (const [what, call] of [
    ['one-row read', READ],
    ['no database', ORDER_CALL],
  ] as const) {
    const cases: readonly Case[] = [
      ...(some < tenants ? [among(world, some, what, call)] : []),
      { ...among(world, tenants, what, call), ...(call === READ ? { target } : {}) },
    ]
    const measured = await alternate(generator, among(world, 1, what, call), cases, pace)
    rows.push(...[...measured.values()].map(({ row }) => row))
  }
  return rows
}

/** From its start until /readyz says yes, beside all those tenants, migrated. */
export const start: Part = async ({ world, pace, tenants }) => {
  await makeTenants(world, tenants)
  const took: number[] = []
  for (let round = 0; round < pace.rounds; round++) {
    const server = await world.gatehouse(LOG_OFF, { fresh: true })
    took.push(server.took)
    await server.end()
  }
  return [
    {
      id: 'start',
      title: `ready after start, ${tenants.toLocaleString('en')} tenants`,
      of: 'one core, migrated',
      target: { is: 'at most', value: 1 },
      figure: { ...spread(took), unit: 's' },
    },
  ]
}
