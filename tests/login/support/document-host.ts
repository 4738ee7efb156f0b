import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type LookupFunction } from 'node:net'
import { afterEach } from 'vitest'
import { createGuardedFetch, type GuardedFetch } from '#base/fetch.ts'

const running: (() => void)[] = []
afterEach(() => {
  for (const stop of running.splice(0)) stop()
})

export interface DocumentHost {
  /** The real guard, with names and connections of the test's own (D30). */
  readonly fetch: GuardedFetch
  /** Paths that were asked for. */
  readonly asked: string[]
  /** What is at a path: JSON, or a handler. */
  readonly at: Map<string, unknown>
  readonly headers: Map<string, Record<string, string>>
  /** What every name resolves to. */
  resolve(address: string): void
  /** No connection comes about any more. */
  down(): void
}

/** Every https host of the world, on loopback: the connection is made after the guard looked at name and address. */
export async function documentHost(): Promise<DocumentHost> {
  const asked: string[] = []
  const at: DocumentHost['at'] = new Map()
  const headers: DocumentHost['headers'] = new Map()
  let address = '93.184.216.34'
  let up = true
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? ''
    asked.push(path)
    const held = at.get(path)
    if (typeof held === 'function') {
      ;(held as (response: ServerResponse) => void)(response)
      return
    }
    response.writeHead(held === undefined ? 404 : 200, { 'content-type': 'application/json', ...headers.get(path) })
    response.end(typeof held === 'string' ? held : JSON.stringify(held ?? {}))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  running.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const resolve: LookupFunction = (_host, _options, done) => done(null, [{ address, family: 4 }])
  const fetch = createGuardedFetch({
    allowPrivate: true,
    resolve,
    dispatcherConnect: (_target, done) => {
      if (!up) return done(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }), null)
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => done(null, socket))
      socket.once('error', (error) => done(error, null))
      return undefined
    },
  })
  return {
    fetch,
    asked,
    at,
    headers,
    resolve: (to) => void (address = to),
    down() {
      up = false
      server.closeAllConnections()
    },
  }
}
