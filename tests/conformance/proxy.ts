import { createServer, request, type Server } from 'node:http'

/**
 * The suite sends no Authorization: this adds it, on loopback, and passes all else through as it came, Host and Origin too, since what
 * the server makes of them is part of what is tested.
 */
export async function startProxy(to: string, token: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { hostname, port } = new URL(to)
  const server = createServer((incoming, outgoing) => {
    const headers = [...incoming.rawHeaders, 'authorization', `Bearer ${token}`]
    const options = { hostname, port, method: incoming.method ?? 'GET', path: incoming.url ?? '/', headers }
    const upstream = request({ ...options, setHost: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      outgoing.flushHeaders()
      answer.pipe(outgoing)
      answer.on('error', () => outgoing.destroy())
    })
    upstream.on('error', () => outgoing.destroy())
    outgoing.on('close', () => upstream.destroy())
    incoming.pipe(upstream)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    url: `http://localhost:${portOf(server)}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the proxy does not listen')
  return address.port
}
