import http from 'node:http'
import { codeOf } from './private-file.ts'

/** An answer of the issuer, brought by a browser. */
export interface Arrival {
  readonly url: URL
  /** Ends the browser's page: did it go well? */
  readonly show: (went: 'well' | 'badly') => void
}

/** Waits on this machine for the browser to come back (RFC 8252 section 7.3). */
export interface Callback {
  readonly redirectUri: string
  /** The first answer with our state; others are turned away and waited past. */
  readonly arrival: Promise<Arrival>
  close(): void
}

const PATH = '/callback'

/** Listens on 127.0.0.1. @param port 0: any. @returns null when that port is taken. */
export async function listenForCallback(port: number, state: string): Promise<Callback | null> {
  const server = http.createServer()
  const free = await new Promise<boolean>((resolve, reject) => {
    server.once('listening', () => resolve(true))
    server.once('error', (error) => (codeOf(error) === 'EADDRINUSE' ? resolve(false) : reject(error)))
    server.listen({ host: '127.0.0.1', port, exclusive: true })
  })
  if (!free) return null
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : port}`
  const arrival = new Promise<Arrival>((resolve) => {
    server.on('request', (request, response) => {
      const url = answerOf(request, origin)
      if (url === null || !isAnswer(url.searchParams, state)) {
        page(response, url === null ? 404 : 400, 'This is not the answer that is waited for.')
        return
      }
      resolve({
        url,
        show: (went) =>
          page(
            response,
            went === 'well' ? 200 : 400,
            went === 'well'
              ? 'You are signed in. You can close this page.'
              : 'The sign-in did not work. The terminal says why.',
          ),
      })
    })
  })
  return {
    redirectUri: `${origin}${PATH}`,
    arrival,
    close() {
      server.close()
      // What was written last may go out first.
      server.closeIdleConnections()
    },
  }
}

/** The address that was asked for, when it is ours: by name too, so that no web page that renamed itself to this machine is heard. */
function answerOf({ method, url, headers }: http.IncomingMessage, origin: string): URL | null {
  if (method !== 'GET' || `http://${headers.host}` !== origin || url?.startsWith('/') !== true) return null
  const asked = new URL(`${origin}${url}`)
  return asked.pathname === PATH ? asked : null
}

/** Our state, and nothing twice: of two codes nobody could say which is meant (RFC 6749 section 3.1). */
export function isAnswer(params: URLSearchParams, state: string): boolean {
  const names = [...params.keys()]
  return names.length === new Set(names).size && params.get('state') === state
}

/** Our words only: what came in the address is not shown. */
function page(response: http.ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  })
  response.end(`<!doctype html><html lang="en"><title>Gatehouse</title><p>${text}</p></html>\n`)
}
