/**
 * Stands between a server and Postgres: every answer of Postgres arrives so many milliseconds later, as over a network with that round trip.
 * It waits by looking at the clock, for timers are late by up to a millisecond; and lets the generator, on the same core, run first: it would
 * otherwise be kept from sending for as long as any answer is on its way.
 */
import { connect, createServer } from 'node:net'
import { setPriority } from 'node:os'
import { given, port } from './port.ts'

setPriority(15)
const delay = Number(given('DELAY'))
const socket = given('SOCKET')

createServer({ noDelay: true }, (server) => {
  const database = connect(socket)
  const late: { readonly due: number; readonly bytes: Buffer }[] = []
  const look = (): void => {
    const now = performance.now()
    for (let next = late[0]; next !== undefined && next.due <= now; next = late[0]) {
      server.write(next.bytes)
      late.shift()
    }
    if (late.length > 0) setImmediate(look)
  }
  server.on('data', (bytes: Buffer) => database.write(bytes))
  database.on('data', (bytes: Buffer) => {
    if (delay === 0) return void server.write(bytes)
    late.push({ due: performance.now() + delay, bytes })
    if (late.length === 1) setImmediate(look)
    return undefined
  })
  for (const [one, other] of [
    [server, database],
    [database, server],
  ] as const) {
    one.on('error', () => other.destroy())
    one.on('close', () => other.destroy())
  }
}).listen(port, '127.0.0.1')
