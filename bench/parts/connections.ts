import { alternate, type Case } from '../alternate.ts'
import { bareFastify, ORDER_CALL } from './http.ts'
import type { Part } from './part.ts'

const IDLE = 2_000
const BUSY = 8

/** Few callers beside many connections that are open and silent, as the long-lived clients of people are. */
export const idle: Part = async ({ world, generator, pace }) => {
  const server = await world.gatehouse()
  const { token } = world
  const bare = bareFastify(world)
  const few = { call: ORDER_CALL, token, connections: BUSY }
  const base: Case = {
    id: 'few',
    title: `Gatehouse, ${BUSY} callers`,
    subject: async () => ({ ...few, server }),
  }
  const cases: readonly Case[] = [
    {
      id: 'idle',
      title: `Gatehouse, ${BUSY} callers beside ${IDLE} idle connections`,
      subject: async () => ({ ...few, server, idle: IDLE }),
    },
    {
      id: 'idle-fastify',
      title: `bare Fastify, ${BUSY} callers beside ${IDLE} idle connections`,
      subject: async () => ({ ...(await bare.subject()), connections: BUSY, idle: IDLE }),
    },
  ]
  return [...(await alternate(generator, base, cases, pace)).values()].map(({ row }) => row)
}
