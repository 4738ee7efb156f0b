import { mkdirSync, watch } from 'node:fs'
import { BridgeFailure } from './failure.ts'
import type { Host } from './host.ts'
import { HttpRefusal } from './http-refusal.ts'
import type { Lane } from './lane.ts'
import {
  CODES,
  failure,
  idOf,
  isAnswer,
  isRequest,
  methodOf,
  notification,
  paramsOf,
  result,
  type Message,
  type RequestId,
  type RpcError,
} from './message.ts'
import { versionIn } from './meta.ts'
import { offlineDiscover, offlineInitialize } from './offline.ts'
import { openForNewHost, openForOldHost, OpeningRefused, type Opened } from './opening.ts'
import type { Upstream } from './upstream.ts'

export interface ConnectParts {
  readonly host: Host
  readonly upstream: Upstream
  /** The folder of logins: a change there may be the login that was missing. */
  readonly folder: string
  /** For the person; a host shows it in its log. */
  readonly tell: (line: string) => void
}

/** Milliseconds that requests in flight get when the host's input ends. */
const LEAVE = 30_000

/**
 * The bridge: reads the host until its input ends. It opens no browser; without a login, or without a network, it answers the opening
 * message itself and every request with the reason, and goes on by itself when a login appears.
 */
export async function connect({ host, upstream, folder, tell }: ConnectParts): Promise<void> {
  const flights = new Map<RequestId, { readonly method: string | null; readonly stop: AbortController }>()
  const running = new Set<Promise<void>>()
  const life = new AbortController()
  let lane: Lane | null = null
  let opening: Promise<void> | null = null
  /** The opening message that the server did not hear yet. */
  let unheard: Message | null = null
  let said = ''
  let watching = false
  /** Did the host hear that a login is needed, and nothing since? */
  let wanting = false

  const say = (line: string): void => {
    if (line !== said) tell(line)
    said = line
  }

  const open = async (message: Message): Promise<Opened> =>
    await (versionIn(message['params']) === null ? openForOldHost : openForNewHost)(host, upstream, message)

  async function take(message: Message, signal: AbortSignal): Promise<void> {
    const method = methodOf(message)
    const modern = versionIn(message['params']) !== null
    if (method === 'initialize' || (lane === null && method === 'server/discover')) return await first(message)
    if (lane === null && unheard === null && modern) await introduced(message)
    if (lane === null && unheard !== null) {
      if (method === 'ping') return host.send(result(idOf(message) ?? 0, {}))
      if (!isRequest(message)) return undefined
      await reopen()
    }
    // A host that never introduced itself: perhaps the server does not mind.
    if (lane === null) return await upstream.exchange(message, host.send, signal)
    return await lane.handle(message, signal)
  }

  /** The host's opening message: the server answers it, or the bridge in its place. */
  async function first(message: Message): Promise<void> {
    const id = idOf(message) ?? 0
    lane?.close()
    lane = null
    try {
      const opened = await open(message)
      established(opened)
      host.send(opened.answer)
    } catch (error) {
      if (!(error instanceof BridgeFailure)) throw error
      unheard = message
      say(`gatehouse: ${error.message}`)
      awaitLogin()
      const old = methodOf(message) === 'initialize'
      host.send(result(id, old ? offlineInitialize(paramsOf(message), error.message) : offlineDiscover(error.message)))
    }
  }

  /** A host of 2026-07-28 need not open with anything: then the bridge asks what the server speaks, once for all who wait. */
  async function introduced(message: Message): Promise<void> {
    opening ??= (async () => {
      try {
        established(await open(message))
      } catch (error) {
        if (error instanceof BridgeFailure) unheard = message
        throw error
      } finally {
        opening = null
      }
    })()
    await opening
  }

  /** Once more, for everybody who waits: a login may have come, or the network. */
  async function reopen(): Promise<void> {
    opening ??= (async () => {
      try {
        if (unheard === null) return
        const message = unheard
        const opened = await open({ ...message, id: 'gatehouse-open' })
        established(opened)
        if (methodOf(message) === 'initialize')
          await opened.lane.handle(notification('notifications/initialized'), life.signal)
        listsChanged()
      } finally {
        opening = null
      }
    })()
    await opening
  }

  function established(opened: Opened): void {
    lane?.close()
    lane = opened.lane
    unheard = null
    say(`gatehouse: connected, ${lane.speaks}`)
  }

  function listsChanged(): void {
    for (const kind of ['tools', 'prompts', 'resources']) host.send(notification(`notifications/${kind}/list_changed`))
  }

  /** Looks at the folder of logins: a host that was shown nothing does not ask again by itself. */
  function awaitLogin(): void {
    wanting = true
    if (watching) return
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const watcher = watch(folder, { persistent: false, signal: life.signal }, (_event, name) => {
        if (!wanting || name?.startsWith('login-') !== true || !name.endsWith('.json')) return
        if (unheard !== null) void reopen().catch(() => undefined)
        else listsChanged()
        wanting = unheard !== null
      })
      watcher.on('error', () => undefined)
      watching = true
    } catch {
      // A system without watching: the next request finds the login.
    }
  }

  async function answered(message: Message): Promise<void> {
    const id = idOf(message)
    const stop = new AbortController()
    const flight = { method: methodOf(message), stop }
    if (id !== null && isRequest(message)) flights.set(id, flight)
    try {
      await take(message, stop.signal)
    } catch (error) {
      // Who cancelled waits for nothing.
      if (stop.signal.aborted) return
      const told = explain(error)
      if (told.code === CODES.loginNeeded) awaitLogin()
      say(`gatehouse: ${told.message}`)
      if (isRequest(message)) host.send(failure(id, told))
    } finally {
      if (id !== null && flights.get(id) === flight) flights.delete(id)
    }
  }

  let before: Promise<void> = Promise.resolve()
  for await (const message of host.messages()) {
    if (isAnswer(message) && host.settle(message)) continue
    const cancelled = methodOf(message) === 'notifications/cancelled'
    const turn = (async (previous: Promise<void>): Promise<void> => {
      if (!cancelled) await previous
      await answered(message)
      if (cancelled) flights.get(cancelledId(message) ?? '')?.stop.abort(new Error('cancelled'))
    })(before)
    running.add(turn)
    void turn.finally(() => running.delete(turn))
    // What comes after an introduction or a notification must not overtake it on the way.
    const opens = methodOf(message) === 'initialize' || methodOf(message) === 'server/discover'
    if (opens || (!isRequest(message) && !cancelled)) before = turn
  }
  await leave()

  async function leave(): Promise<void> {
    // A subscription has no end of its own.
    for (const { method, stop } of flights.values())
      if (method === 'subscriptions/listen') stop.abort(new Error('left'))
    const late = new Promise((resolve) => setTimeout(resolve, LEAVE).unref())
    await Promise.race([Promise.all(running), late])
    life.abort()
    lane?.close()
    for (const { stop } of flights.values()) stop.abort(new Error('left'))
    await upstream.end()
  }
}

function cancelledId(message: Message): RequestId | null {
  const { requestId } = paramsOf(message)
  return typeof requestId === 'string' || typeof requestId === 'number' ? requestId : null
}

/** What a host is told when there is no answer of the server. */
function explain(error: unknown): RpcError {
  if (error instanceof BridgeFailure) {
    const code = {
      login_needed: CODES.loginNeeded,
      unavailable: CODES.unavailable,
      refused: CODES.refused,
      usage: CODES.refused,
    }
    return { code: code[error.code], message: error.message, data: { reason: error.code } }
  }
  if (error instanceof HttpRefusal || error instanceof OpeningRefused)
    return error.rpc ?? { code: CODES.refused, message: error.message }
  return { code: CODES.internal, message: error instanceof Error ? error.message : 'failed' }
}
