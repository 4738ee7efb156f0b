import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TestServer {
  /** Without a trailing slash. */
  readonly url: string
  readonly port: number
  /** Requests so far. */
  hits(): number
  /** What every request gets from now on. */
  answer(handler: RequestListener): void
  close(): Promise<void>
}

/** A real HTTP server on loopback whose answers can be changed at any time. */
export async function startServer(first: RequestListener): Promise<TestServer> {
  let handler = first
  let hits = 0
  const server = createServer((request, response) => {
    hits += 1
    // A client that goes away in the middle is what some tests are about.
    response.on('error', () => null)
    handler(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    hits: () => hits,
    answer(next) {
      handler = next
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const json =
  (body: unknown, headers: Record<string, string> = {}, status = 200): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }

export const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(code, headers)
    response.end()
  }

/** What a proxy in front of a dead service says. */
export const html: RequestListener = (_, response) => {
  response.end('<html>')
}
