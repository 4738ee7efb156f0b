import net from 'node:net'
import { afterEach } from 'vitest'
import { stubApp, type StubApp, type StubOptions } from './stub-app.ts'

export { TOOLS, freePort, identity, principal } from './stub-app.ts'

/** A stub app that listens. */
export interface TestServer extends StubApp {
  readonly url: string
  readonly port: number
  readonly close: () => Promise<void>
}

const running: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of running.splice(0)) await stop()
})

/** Ends by itself after the test. */
export async function startApp(options: StubOptions = {}): Promise<TestServer> {
  const stub = await stubApp(options)
  const { host, port } = stub.config
  await stub.app.listen({ host, port })
  let closed: Promise<void> | null = null
  const close = async (): Promise<void> => await (closed ??= stub.app.close().then(() => undefined))
  running.push(close)
  return { ...stub, url: `http://127.0.0.1:${port}`, port, close }
}

/** Sends bytes as they are and answers everything that comes back until the server ends, or `quiet` ms after its first answer. */
export async function raw(port: number, bytes: string, quiet = 300): Promise<string> {
  return await new Promise((resolve, reject) => {
    let answer = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.write(Buffer.from(bytes, 'latin1')))
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer')))
    socket.on('data', (piece) => {
      answer += piece.toString('latin1')
      socket.setTimeout(quiet, () => socket.destroy())
    })
    socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)))
    socket.on('close', () => resolve(answer))
  })
}

export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])

/** One JSON-RPC message of the 2025 revisions. */
export async function rpc(url: string, message: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: 'Bearer alice',
      ...headers,
    },
    body: typeof message === 'string' ? message : JSON.stringify(message),
  })
}

/** Polls until it holds; the test's own time limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((next) => setTimeout(next, 5))
}
