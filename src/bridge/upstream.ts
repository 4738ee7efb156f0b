import { setTimeout as pause } from 'node:timers/promises'
import { bearerChallenge } from './challenge.ts'
import { loginCommand, type Credentials } from './credentials.ts'
import { BridgeFailure } from './failure.ts'
import { isObject, parseJson } from './json.ts'
import { fits, HttpRefusal, refusalOf } from './http-refusal.ts'
import { isAnswer, isRequest, methodOf, type Message } from './message.ts'
import { LEGACY, versionIn } from './meta.ts'
import { readBody, type Incoming, type Outgoing, type OutgoingRequest } from './outgoing.ts'
import { createParamHeaders } from './param-headers.ts'
import { eventsOf } from './sse.ts'
import { shown } from './target.ts'

type Deliver = (message: Message) => void

/** The server's side: Streamable HTTP of both eras, with the person's token. */
export interface Upstream {
  /**
   * Sends one message and delivers all that comes back for it; done when the exchange is. A stream that breaks is taken up again where
   * the server numbers its events. A session that the server forgot is made anew, once.
   * @throws BridgeFailure, HttpRefusal, or the abort reason. Then the message has no answer.
   */
  exchange(message: Message, deliver: Deliver, signal: AbortSignal): Promise<void>
  /**
   * The stream of a 2025 session for what the server says by itself. Done when it is open, when the server has none, or after a second:
   * what the server says before it is open is lost. It comes back when it breaks. Never throws.
   */
  listen(deliver: Deliver, signal: AbortSignal): Promise<void>
  /** Ends the session at the server, if there is one. Never throws. */
  end(): Promise<void>
}

export interface UpstreamParts {
  readonly url: URL
  readonly outgoing: Outgoing
  readonly credentials: Credentials
}

/** Most bytes of an answer that is no stream. */
const MOST = 32 * 1024 * 1024
/** Times in a row that a broken stream is taken up again. */
const RESUMPTIONS = 5

export function createUpstream({ url, outgoing, credentials }: UpstreamParts): Upstream {
  const headers = createParamHeaders()
  /** Of a 2025 session: its id, and the revision agreed on. */
  let session: { readonly id: string | null; readonly version: string } = { id: null, version: LEGACY }
  let handshake: Message | null = null
  let renewing: Promise<void> | null = null

  async function authorized(init: OutgoingRequest): Promise<Incoming> {
    let token = await credentials.current()
    for (let attempt = 1; ; attempt += 1) {
      const bearer = token === null ? {} : { authorization: `Bearer ${token}` }
      const answer = await outgoing.send(url, { ...init, headers: { ...init.headers, ...bearer } })
      const challenge = bearerChallenge(answer.headers['www-authenticate'])
      if (answer.status === 401) {
        answer.body.destroy()
        if (token === null) throw needsLogin('nobody is signed in')
        if (attempt > 1) throw needsLogin('the server does not accept the sign-in')
        token = await credentials.renew(token)
        continue
      }
      if (answer.status === 403 && challenge?.error === 'insufficient_scope') {
        answer.body.destroy()
        throw await credentials.lacks(challenge.scopes)
      }
      return answer
    }
  }

  const needsLogin = (why: string): BridgeFailure =>
    new BridgeFailure('login_needed', `${why} at ${shown(url)}. Run: ${loginCommand(url)}`)

  function headersOf(message: Message): Record<string, string> {
    const version = versionIn(message['params'])
    const common = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    if (version !== null && methodOf(message) !== null)
      return { ...common, 'mcp-protocol-version': version, ...headers.of(message) }
    if (methodOf(message) === 'initialize') return common
    return { ...common, ...sessionHeaders() }
  }

  const sessionHeaders = (): Record<string, string> => ({
    'mcp-protocol-version': session.version,
    ...(session.id === null ? {} : { 'mcp-session-id': session.id }),
  })

  async function exchange(message: Message, deliver: Deliver, signal: AbortSignal): Promise<void> {
    const used = session.id
    const initialize = methodOf(message) === 'initialize'
    const answer = await authorized({
      method: 'POST',
      headers: headersOf(message),
      body: JSON.stringify(message),
      signal,
      // A tool may do something; all else only asks, or can be said twice.
      repeatable: methodOf(message) !== 'tools/call',
    })
    const modern = versionIn(message['params']) !== null
    if (answer.status === 404 && used !== null && !initialize && !modern && handshake !== null) {
      answer.body.destroy()
      await anew(used, signal)
      await exchange(message, deliver, signal)
      return
    }
    if (answer.status >= 300 || answer.status < 200) throw await refusalOf(answer, message, url)
    const id = answer.headers['mcp-session-id']
    const take = (one: Message): void => {
      if (initialize && isAnswer(one)) agreed(message, one, typeof id === 'string' ? id : null)
      deliver(methodOf(message) === 'tools/list' && isAnswer(one) ? headers.learn(one) : one)
    }
    await read(answer, message, take, signal)
  }

  function agreed(message: Message, answer: Message, id: string | null): void {
    if (!isObject(answer['result'])) return
    const version = answer['result']['protocolVersion']
    session = { id, version: typeof version === 'string' ? version : LEGACY }
    handshake = message
  }

  /** The server restarted or the session was idle for too long: the host need not know. */
  async function anew(lost: string, signal: AbortSignal): Promise<void> {
    renewing ??= (async () => {
      try {
        if (session.id !== lost || handshake === null) return
        session = { ...session, id: null }
        await exchange({ ...handshake, id: 'gatehouse-session' }, () => undefined, signal)
        await exchange({ jsonrpc: '2.0', method: 'notifications/initialized' }, () => undefined, signal)
      } finally {
        renewing = null
      }
    })()
    await renewing
  }

  /** The body of an answer: nothing, one message, or a stream of them. */
  async function read(answer: Incoming, message: Message, take: Deliver, signal: AbortSignal): Promise<void> {
    const type = answer.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
    if (type === 'text/event-stream') {
      await stream(answer, isRequest(message) ? message : null, take, signal)
      return
    }
    const text = await readBody(answer.body, MOST)
    if (!isRequest(message)) return
    const body = parseJson(text)
    const messages = (Array.isArray(body) ? body : [body]).filter((one: unknown) => isObject(one))
    if (messages.length === 0) throw new HttpRefusal(answer.status, null, url)
    for (const one of messages) take(one)
  }

  async function stream(first: Incoming, message: Message | null, take: Deliver, signal: AbortSignal): Promise<void> {
    let answered = false
    let last: string | null = null
    let wait = 1000
    const modern = message !== null && versionIn(message['params']) !== null
    let answer: Incoming | null = first
    for (let attempt = 0; ;) {
      if (answer !== null) {
        try {
          for await (const event of eventsOf(answer.body)) {
            attempt = 0
            last = event.id ?? last
            wait = event.retry ?? wait
            const body = event.data === '' ? undefined : parseJson(event.data)
            if (!isObject(body)) continue
            if (message !== null && isAnswer(body) && fits(body, message)) answered = true
            take(body)
          }
        } catch {
          signal.throwIfAborted()
        }
      }
      signal.throwIfAborted()
      if (answered || message === null) return
      attempt += 1
      // A stream without numbers cannot be taken up again, and 2026-07-28 has no such thing.
      if (modern || last === null || attempt > RESUMPTIONS)
        throw new BridgeFailure('unavailable', `${shown(url)} broke off before it answered`)
      await pause(Math.min(wait * attempt, 30_000), undefined, { signal })
      answer = await open(last, signal).catch(() => null)
    }
  }

  /** A GET stream; null when the server has none. */
  async function open(last: string | null, signal: AbortSignal): Promise<Incoming | null> {
    const more = last === null ? {} : { 'last-event-id': last }
    const answer = await authorized({
      method: 'GET',
      headers: { accept: 'text/event-stream', ...sessionHeaders(), ...more },
      signal,
    })
    const type = answer.headers['content-type'] ?? ''
    if (answer.status === 200 && type.startsWith('text/event-stream')) return answer
    answer.body.destroy()
    return null
  }

  async function listen(deliver: Deliver, signal: AbortSignal): Promise<void> {
    const late = new AbortController()
    await new Promise<void>((resolve) => {
      void keepListening(deliver, signal, resolve).finally(resolve)
      void pause(1000, undefined, { signal: late.signal, ref: false }).then(resolve, resolve)
    })
    late.abort()
  }

  async function keepListening(deliver: Deliver, signal: AbortSignal, opened: () => void): Promise<void> {
    let last: string | null = null
    let wait = 1000
    for (let failures = 0; failures < RESUMPTIONS && !signal.aborted; failures += 1) {
      try {
        const answer = await open(last, signal)
        if (answer === null) return
        opened()
        for await (const event of eventsOf(answer.body)) {
          failures = 0
          last = event.id ?? last
          wait = event.retry ?? wait
          const body = event.data === '' ? undefined : parseJson(event.data)
          if (isObject(body)) deliver(body)
        }
      } catch {
        // Nobody waits for this stream by name: it is tried again, and given up in silence.
      }
      await pause(Math.min(wait * 2 ** failures, 60_000), undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  return {
    exchange,
    listen,
    async end() {
      if (session.id === null) return
      try {
        const answer = await authorized({
          method: 'DELETE',
          headers: sessionHeaders(),
          signal: AbortSignal.timeout(2000),
        })
        answer.body.destroy()
      } catch {
        // The server ends it by itself, later.
      }
    },
  }
}
