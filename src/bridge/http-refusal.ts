import { BridgeFailure } from './failure.ts'
import { isObject, parseJson } from './json.ts'
import { errorOf, idOf, type Message, type RpcError } from './message.ts'
import { readBody, type Incoming } from './outgoing.ts'
import { shown } from './target.ts'

/** The server answered with a HTTP status that is no success. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal'
  readonly status: number
  /** The JSON-RPC error in the body; null: there was none. */
  readonly rpc: RpcError | null

  constructor(status: number, rpc: RpcError | null, url: URL) {
    super(rpc?.message ?? `${shown(url)} answered with status ${status}`)
    this.status = status
    this.rpc = rpc
  }
}

/** Most bytes of an error. */
const MOST_ERROR = 64 * 1024

/** What a status that is no success means. The body is read as far as it matters. */
export async function refusalOf(answer: Incoming, message: Message, url: URL): Promise<Error> {
  const { status } = answer
  if (status >= 300 && status < 400) {
    answer.body.destroy()
    const to = urlOf(answer.headers.location ?? '', url)
    const where = to === null ? 'elsewhere' : `to ${shown(to)}`
    return new BridgeFailure(
      'refused',
      `${shown(url)} redirects ${where}; a token never follows. Use that address if you trust it`,
    )
  }
  const body = parseJson(await readBody(answer.body, MOST_ERROR))
  const rpc = isObject(body) ? errorOf(body) : null
  if (rpc === null && (status >= 500 || status === 429))
    return new BridgeFailure('unavailable', `${shown(url)} cannot answer now (status ${status})${waitOf(answer)}`)
  return new HttpRefusal(status, isObject(body) && fits(body, message) ? rpc : null, url)
}

/** Is this the answer to that? An error may come without an id (JSON-RPC 2.0 section 5). */
export const fits = (answer: Message, message: Message): boolean =>
  idOf(answer) === idOf(message) || (answer['id'] === null && errorOf(answer) !== null) || !('id' in answer)

function urlOf(text: string, base: URL): URL | null {
  try {
    return new URL(text, base)
  } catch {
    return null
  }
}

function waitOf(answer: Incoming): string {
  const wait = answer.headers['retry-after'] ?? ''
  return /^\d{1,6}$/.test(wait) ? `; it asks to wait ${wait} seconds` : ''
}
