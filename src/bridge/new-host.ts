import { randomUUID } from 'node:crypto'
import { BridgeFailure } from './failure.ts'
import type { Host } from './host.ts'
import { isObject, textOf, textsOf, type JsonObject } from './json.ts'
import type { Lane } from './lane.ts'
import {
  failure,
  idOf,
  isAnswer,
  isRequest,
  methodOf,
  notification,
  paramsOf,
  request,
  result,
  resultOf,
  type Message,
  type RequestId,
} from './message.ts'
import { META, MODERN } from './meta.ts'
import type { Upstream } from './upstream.ts'

/** A call that the server has not answered yet, whatever the host's request for it is called now. */
interface Call {
  /** What the server knows it by. */
  readonly id: string
  progressToken: unknown
  /** What the server asks and nobody answered, by the name the host was given. */
  readonly questions: Map<string, Message>
  answer: Message | null
  failed: unknown
  wake: () => void
  readonly stop: AbortController
}

/** Milliseconds in which a host answers what it was asked. */
const PATIENCE = 10 * 60_000

/**
 * A host of 2026-07-28 in front of a server of the 2025 revisions: the session is kept here. What the server asks during a call becomes
 * an `input_required` result; the call itself goes on, and the host's next request for it brings the answers.
 * @param agreed the server's answer to `initialize`.
 */
export async function createNewHostLane(
  host: Host,
  upstream: Upstream,
  agreed: JsonObject,
): Promise<Lane & { readonly discovered: JsonObject }> {
  const life = new AbortController()
  const waiting = new Map<string, Call>()
  const active = new Set<Call>()
  const listeners = new Map<RequestId, JsonObject>()
  let calls = 0
  let logLevel: string | null = null

  const discovered: JsonObject = {
    resultType: 'complete',
    supportedVersions: [MODERN],
    capabilities: isObject(agreed['capabilities']) ? agreed['capabilities'] : {},
    ...(textOf(agreed['instructions']) === null ? {} : { instructions: agreed['instructions'] }),
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [META.server]: agreed['serverInfo'] },
  }

  const silent = (): void => undefined
  const tell = async (message: Message): Promise<void> => await upstream.exchange(message, silent, life.signal)

  async function handle(message: Message, signal: AbortSignal): Promise<void> {
    const id = idOf(message)
    if (!isRequest(message) || id === null) return
    const params = paramsOf(message)
    const method = methodOf(message)
    if (method === 'server/discover') {
      host.send(result(id, discovered))
      return
    }
    if (method === 'subscriptions/listen') {
      await listen(id, isObject(params['notifications']) ? params['notifications'] : {}, signal)
      return
    }
    const state = textOf(params['requestState'])
    const held = state === null ? undefined : waiting.get(state)
    if (held === undefined || state === null) {
      await level(params)
      await settle(id, start(message), signal)
      return
    }
    waiting.delete(state)
    held.progressToken = isObject(params['_meta']) ? params['_meta']['progressToken'] : undefined
    const answers = isObject(params['inputResponses']) ? params['inputResponses'] : {}
    const asked = [...held.questions]
    held.questions.clear()
    for (const [name, wanted] of asked) {
      const answer = answers[name]
      await tell(
        isObject(answer)
          ? result(idOf(wanted) ?? 0, answer)
          : failure(idOf(wanted), { code: -32603, message: 'the client did not answer this' }),
      )
    }
    await settle(id, held, signal)
  }

  /** The level that 2026-07-28 says on each request and the 2025 revisions once. */
  async function level(params: JsonObject): Promise<void> {
    const wanted = isObject(params['_meta']) ? textOf(params['_meta'][META.logLevel]) : null
    const offers = isObject(agreed['capabilities']) && agreed['capabilities']['logging'] !== undefined
    if (wanted === null || wanted === logLevel || !offers) return
    logLevel = wanted
    await tell(request(`gatehouse-level-${wanted}`, 'logging/setLevel', { level: wanted }))
  }

  function start(message: Message): Call {
    const params = paramsOf(message)
    const meta = isObject(params['_meta']) ? params['_meta'] : {}
    const own = Object.fromEntries(Object.entries(meta).filter(([name]) => !ENVELOPE.has(name)))
    const { _meta, inputResponses: _answers, requestState: _state, ...rest } = params
    calls += 1
    const call: Call = {
      id: `gatehouse-call-${calls}`,
      progressToken: meta['progressToken'],
      questions: new Map(),
      answer: null,
      failed: null,
      wake: silent,
      stop: new AbortController(),
    }
    const asked = { ...message, id: call.id, params: { ...rest, _meta: own } }
    const deliver = (one: Message): void => {
      if (isAnswer(one)) call.answer = one
      else if (isRequest(one)) question(call, one)
      else host.send(withToken(one, call.progressToken))
      call.wake()
    }
    const signal = AbortSignal.any([life.signal, call.stop.signal])
    active.add(call)
    void upstream
      .exchange(asked, deliver, signal)
      .catch((error: unknown) => (call.failed = error))
      .finally(() => {
        active.delete(call)
        call.wake()
      })
    return call
  }

  /** A session does not take a closed stream for a cancellation: it is told. */
  function cancel(call: Call): void {
    void tell(notification('notifications/cancelled', { requestId: call.id })).catch(silent)
    call.stop.abort()
  }

  function question(call: Call, asked: Message): void {
    if (methodOf(asked) === 'ping') void tell(result(idOf(asked) ?? 0, {})).catch(silent)
    else call.questions.set(`question-${String(idOf(asked))}`, asked)
  }

  /** Answers the host's request with what the call has come to: its answer, or what the server wants to know first. */
  async function settle(id: RequestId, call: Call, signal: AbortSignal): Promise<void> {
    const cancelled = (): void => cancel(call)
    signal.addEventListener('abort', cancelled, { once: true })
    try {
      while (call.answer === null && call.failed === null && call.questions.size === 0)
        await new Promise<void>((resolve) => (call.wake = resolve))
    } finally {
      signal.removeEventListener('abort', cancelled)
      call.wake = silent
    }
    if (call.answer !== null) {
      const value = resultOf(call.answer)
      host.send(value === null ? { ...call.answer, id } : result(id, asNow(value)))
      return
    }
    if (call.failed !== null)
      throw call.failed instanceof Error ? call.failed : new BridgeFailure('unavailable', 'ended')
    const requestState = randomUUID()
    waiting.set(requestState, call)
    setTimeout(() => {
      if (waiting.get(requestState) === call && waiting.delete(requestState)) cancel(call)
    }, PATIENCE).unref()
    const inputRequests = Object.fromEntries(
      [...call.questions].map(([name, asked]) => [name, { method: asked['method'], params: asked['params'] ?? {} }]),
    )
    host.send(result(id, { resultType: 'input_required', inputRequests, requestState }))
  }

  /** `subscriptions/listen`: open until the host ends it. */
  async function listen(id: RequestId, wanted: JsonObject, signal: AbortSignal): Promise<void> {
    const uris = textsOf(wanted['resourceSubscriptions'])
    for (const uri of uris) await tell(request(`gatehouse-watch-${uri}`, 'resources/subscribe', { uri }))
    listeners.set(id, wanted)
    const _meta = { [META.subscription]: id }
    host.send(notification('notifications/subscriptions/acknowledged', { notifications: wanted, _meta }))
    await new Promise<void>((resolve) => {
      const end = AbortSignal.any([signal, life.signal])
      if (end.aborted) resolve()
      else end.addEventListener('abort', () => resolve(), { once: true })
    })
    listeners.delete(id)
    if (life.signal.aborted) return
    for (const uri of uris) await tell(request(`gatehouse-unwatch-${uri}`, 'resources/unsubscribe', { uri }))
  }

  /** What the server says by itself. */
  function heard(message: Message): void {
    const method = methodOf(message) ?? ''
    if (isRequest(message)) {
      // 2026-07-28 has no question that belongs to no call: of those in flight, the latest is the likeliest.
      const call = [...active].at(-1)
      if (method === 'ping') void tell(result(idOf(message) ?? 0, {})).catch(silent)
      else if (call !== undefined) {
        question(call, message)
        call.wake()
      } else void tell(failure(idOf(message), { code: -32601, message: 'not while no call is open' })).catch(silent)
      return
    }
    for (const [id, wanted] of listeners) {
      const { uri } = paramsOf(message)
      const fits =
        wanted[LISTENED[method] ?? ''] === true ||
        (method === 'notifications/resources/updated' && textsOf(wanted['resourceSubscriptions']).includes(String(uri)))
      const meta = isObject(paramsOf(message)['_meta']) ? paramsOf(message)['_meta'] : {}
      if (fits)
        host.send(
          notification(method, {
            ...paramsOf(message),
            _meta: { ...(isObject(meta) ? meta : {}), [META.subscription]: id },
          }),
        )
    }
  }

  await tell(notification('notifications/initialized'))
  await upstream.listen(heard, life.signal)
  return { speaks: String(agreed['protocolVersion']), discovered, handle, close: () => life.abort() }
}

const ENVELOPE: ReadonlySet<string> = new Set([META.version, META.client, META.capabilities, META.logLevel])

/** Which wish of a listener a notification answers. */
const LISTENED: Readonly<Record<string, string>> = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
}

/** A result with what 2026-07-28 wants on it; nothing may be kept, because such a server says nothing about that. */
const asNow = (value: JsonObject): JsonObject => ({ resultType: 'complete', ttlMs: 0, cacheScope: 'private', ...value })

function withToken(message: Message, progressToken: unknown): Message {
  if (methodOf(message) !== 'notifications/progress') return message
  return { ...message, params: { ...paramsOf(message), progressToken } }
}
