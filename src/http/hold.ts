import type { FastifyReply } from 'fastify'
import type { PressureWatch } from './pressure.ts'

/** Waits before a 429 is sent, if there is reason to. true: there was, the process has too much to do. */
export type Hold = (reply: FastifyReply) => Promise<boolean>

/** Milliseconds: a client that keeps to Retry-After would not have asked again sooner. Not all as long, or they would all ask again at once. */
const HELD = 1_000
const SPREAD = 1_000
/** Answers held at one time; each is a connection and a request whose body was not read. */
const MOST_HELD = 1_000

/**
 * While the process is busy an answer to one who asks too much is held back: a client that asks again as soon as it is refused, on as many
 * connections as it likes, is then refused once a second on each, and no longer as fast as we can refuse.
 */
export function createHold(pressure: Pick<PressureWatch, 'busy'>): Hold {
  let holding = 0
  return async (reply) => {
    if (!pressure.busy()) return false
    if (holding >= MOST_HELD || reply.raw.destroyed) return true
    holding += 1
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(over)
        reply.raw.off('close', end)
        holding -= 1
        resolve()
      }
      const over = setTimeout(end, HELD + Math.random() * SPREAD)
      reply.raw.once('close', end)
    })
    return true
  }
}
