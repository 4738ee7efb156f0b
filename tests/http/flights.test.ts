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

/** Of a reply that is open until `end`. */
function openReply(): { readonly reply: FastifyReply; readonly end: () => void } {
  const raw = Object.assign(new EventEmitter(), { destroyed: false, writableFinished: true, destroy: () => {} })
  return { reply: { raw } as unknown as FastifyReply, end: () => void raw.emit('close') }
}

test('who was let in before the drain and waits for a turn is waited for, and not ended when the others have ended', async () => {
  const flights = createFlights()
  const first = openReply()
  flights.take(first.reply, false)
  let waiting = 1
  let drained = false
  const draining = flights.drain(60_000, () => waiting).then(() => (drained = true))
  first.end()
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(drained).toBe(false)
  const second = openReply()
  waiting = 0
  const { signal } = flights.take(second.reply, false)
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect({ drained, aborted: signal.aborted }).toEqual({ drained: false, aborted: false })
  second.end()
  await draining
  expect(signal.aborted).toBe(false)
})

test('what has not ended when patience has is ended', async () => {
  const flights = createFlights()
  const { signal } = flights.take(openReply().reply, false)
  await flights.drain(20, () => 1)
  expect(signal.aborted).toBe(true)
})
