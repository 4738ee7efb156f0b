import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

/** What one request to the fake said. The body is read whole; forms and JSON are for the handler to parse. */
export interface Question {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A body that is not a string is sent as JSON. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

/**
 * How an endpoint answers: as it should; status 500; after `slow` milliseconds; one byte every 100 ms; never; connection
 * cut; 429 with Retry-After 7; 302 to `redirected`; 60 MB; a gzip bomb; `{}`; an HTML page; bytes that are no JSON; this
 * exact answer; or the right answer changed.
 */
type Behaviour =
  | 'ok'
  | 'error'
  | { readonly slow: number }
  | 'trickle'
  | 'hang'
  | 'cut'
  | 'limited'
  | 'redirect'
  | 'huge'
  | 'bomb'
  | 'empty'
  | 'html'
  | 'garbage'
  | Answer
  | ((right: Answer) => Answer)

interface Route {
  readonly endpoint: string
  readonly handle: (question: Question) => Answer | Promise<Answer>
}

/** One HTTP server on a loopback port whose endpoints have names, counters and switchable behaviour. */
export interface FakeServer {
  /** `http://127.0.0.1:<port>`, no trailing slash. */
  readonly url: string
  /** Serves `handle` at `METHOD path`; `endpoint` is the name for `behave` and `hits`. */
  route(method: string, path: string, endpoint: string, handle: Route['handle']): void
  /** Changes how an endpoint answers from the next request on. Throws when no endpoint has this name: a typing error. */
  behave(endpoint: string, behaviour: Behaviour): void
  /** Requests that reached an endpoint so far; without a name, all of them, unknown paths included. */
  hits(endpoint?: string): number
  /** The most requests of an endpoint that were under way at one moment. */
  mostAtOnce(endpoint: string): number
  /** Every question so far, in order of arrival. */
  readonly questions: readonly Question[]
  /** All endpoints behave again, all counters start at zero. */
  reset(): void
  close(): Promise<void>
}

const NOT_FOUND: Answer = { status: 404, body: { message: 'Not Found' } }

export async function startFakeServer(): Promise<FakeServer> {
  const routes = new Map<string, Route>()
  const behaviours = new Map<string, Behaviour>()
  const counters = new Map<string, { hits: number; underWay: number; most: number }>()
  const questions: Question[] = []

  const counter = (endpoint: string) => {
    const found = counters.get(endpoint) ?? { hits: 0, underWay: 0, most: 0 }
    counters.set(endpoint, found)
    return found
  }

  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy())
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake')
    const method = request.method ?? 'GET'
    const route = routes.get(`${method} ${url.pathname}`)
    const count = counter(route?.endpoint ?? `${method} ${url.pathname}`)
    count.hits += 1
    count.underWay += 1
    count.most = Math.max(count.most, count.underWay)
    response.once('close', () => (count.underWay -= 1))
    const question = {
      method,
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: await bodyOf(request),
    }
    questions.push(question)
    if (route === undefined) return send(response, NOT_FOUND)
    await perform(response, behaviours.get(route.endpoint) ?? 'ok', async () => await route.handle(question))
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    route: (method, path, endpoint, handle) => void routes.set(`${method} ${path}`, { endpoint, handle }),
    behave(endpoint, behaviour) {
      if (![...routes.values()].some((route) => route.endpoint === endpoint)) throw new Error(`no endpoint ${endpoint}`)
      behaviours.set(endpoint, behaviour)
    },
    hits(endpoint) {
      if (endpoint !== undefined) return counters.get(endpoint)?.hits ?? 0
      return [...counters.values()].reduce((sum, { hits }) => sum + hits, 0)
    },
    mostAtOnce: (endpoint) => counters.get(endpoint)?.most ?? 0,
    questions,
    reset() {
      behaviours.clear()
      counters.clear()
      questions.length = 0
    },
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function perform(response: ServerResponse, behaviour: Behaviour, right: () => Promise<Answer>): Promise<void> {
  if (typeof behaviour === 'function') return send(response, behaviour(await right()))
  if (typeof behaviour === 'object') {
    if (!('slow' in behaviour)) return send(response, behaviour)
    await delay(behaviour.slow, undefined, { ref: false })
    return send(response, await right())
  }
  switch (behaviour) {
    case 'ok':
      return send(response, await right())
    case 'error':
      return send(response, { status: 500, headers: { 'content-type': 'text/html' }, body: '<h1>Internal error</h1>' })
    case 'limited':
      return send(response, { status: 429, headers: { 'retry-after': '7' }, body: { error: 'rate limit exceeded' } })
    case 'redirect':
      return send(response, { status: 302, headers: { location: '/redirected' }, body: '' })
    case 'empty':
      return send(response, { status: 200, body: {} })
    case 'html':
      return send(response, { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>maintenance</html>' })
    case 'garbage':
      return send(response, { status: 200, body: '{"keys": [' })
    case 'bomb': {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(gzipSync(Buffer.alloc(60 * 1024 * 1024, ' ')))
      return
    }
    case 'huge': {
      response.writeHead(200, { 'content-type': 'application/json' })
      const chunk = ' '.repeat(64 * 1024)
      const closed = new Promise<void>((resolve) => response.once('close', () => resolve()))
      for (let sent = 0; sent < 60 * 1024 * 1024 && !response.destroyed; sent += chunk.length) {
        if (!response.write(chunk)) await Promise.race([drained(response), closed])
      }
      response.end()
      return
    }
    case 'trickle': {
      response.writeHead(200, { 'content-type': 'application/json' })
      while (!response.destroyed) {
        response.write(' ')
        await delay(100, undefined, { ref: false })
      }
      return
    }
    case 'cut':
      response.destroy()
      return
    case 'hang':
      return
  }
}

const drained = async (response: ServerResponse): Promise<void> =>
  await new Promise((resolve) => response.once('drain', () => resolve()))

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk)
  return body
}
