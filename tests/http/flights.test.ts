import type { FastifyReply } from 'fastify'
import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { createFlights } from '#http/flights.ts'

/** Of a reply what flights look at; closed from the start, as when the caller left before. */
const closedReply = (): FastifyReply => {
  const raw = Object.assign(new EventEmitter(), { destroyed: true, writableFinished: false, destroy: () => {} })
  return { raw } as unknown as FastifyReply
}

test('an answer whose caller left before it began is not kept, not watched, and nobody waits for it', async () => {
  const flights = createFlights()
  const flight = flights.take(closedReply(), false)
  expect(flight.signal.aborted).toBe(true)
  const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  flight.watch(async () => {})
  expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length).toBe(timers)
  expect(flights.open()).toEqual({ call: 0, stream: 0, listen: 0 })
  await flights.drain(60_000)
})
