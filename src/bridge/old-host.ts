import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { BridgeFailure } from './failure.ts'
import type { Host } from './host.ts'
import { isObject, textOf, textsOf, type JsonObject } from './json.ts'
import type { Lane } from './lane.ts'
import {
  errorOf,
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
} from './message.ts'
import { LEGACY, LEGACY_VERSIONS, META, MODERN } from './meta.ts'
import type { Upstream } from './upstream.ts'

/** Rounds of questions that one request may take. */
const ROUNDS = 16

/**
 * A host of the 2025 revisions in front of a server that speaks 2026-07-28 only: the session lives here. Its requests get the envelope,
 * questions inside results become requests to the host, and `subscriptions/listen` becomes the notifications it knows.
 * @param initialize what the host said of itself.
 * @param discovered the server's answer to `server/discover`.
 */
export function createOldHostLane(
  host: Host,
  upstream: Upstream,
  { initialize, discovered }: { readonly initialize: JsonObject; readonly discovered: JsonObject },
): Lane {
  const life = new AbortController()
  const capabilities = isObject(initialize['capabilities']) ? initialize['capabilities'] : {}
  const watched = new Set<string>()
  let logLevel: string | null = null
  let listens = new AbortController()
  let listened = 0

  const envelope = (params: JsonObject): JsonObject => ({
    ...params,
    _meta: {
      ...(isObject(params['_meta']) ? params['_meta'] : {}),
      [META.version]: MODERN,
      [META.client]: initialize['clientInfo'],
      [META.capabilities]: capabilities,
      ...(logLevel === null ? {} : { [META.logLevel]: logLevel }),
    },
  })

  /** What is answered here, because 2026-07-28 has no such request. null: the server is asked. */
  function answeredHere(message: Message): JsonObject | null {
    const params = paramsOf(message)
    switch (methodOf(message)) {
      case 'ping':
        return {}
      case 'logging/setLevel':
        logLevel = textOf(params['level'])
        return {}
      case 'resources/subscribe':
        watched.add(String(params['uri']))
        relisten()
        return {}
      case 'resources/unsubscribe':
        watched.delete(String(params['uri']))
        relisten()
        return {}
      case null:
      default:
        return null
    }
  }

  async function handle(message: Message, signal: AbortSignal): Promise<void> {
    const id = idOf(message)
    if (methodOf(message) === 'notifications/initialized') relisten()
    // Nothing else that is no request means anything to such a server.
    if (!isRequest(message) || id === null) return
    const here = answeredHere(message)
    host.send(here === null ? await rounds(message, signal) : result(id, here))
  }

  async function rounds(message: Message, signal: AbortSignal): Promise<Message> {
    const id = idOf(message)
    let params = paramsOf(message)
    for (let round = 0; round < ROUNDS; round += 1) {
      const answer = await ask({ ...message, params: envelope(params) }, signal)
      const value = resultOf(answer)
      if (value?.['resultType'] !== 'input_required') return asBefore(answer)
      const answers: Record<string, unknown> = {}
      for (const [name, wanted] of Object.entries(isObject(value['inputRequests']) ? value['inputRequests'] : {})) {
        const reply = await ask2025(wanted, signal)
        const problem = errorOf(reply)
        if (problem !== null) return failure(id, problem)
        answers[name] = reply['result']
      }
      params = { ...paramsOf(message), inputResponses: answers }
      if (value['requestState'] !== undefined) params = { ...params, requestState: value['requestState'] }
    }
    throw new BridgeFailure('refused', `the server asked more than ${ROUNDS} times for one call`)
  }

  async function ask(message: Message, signal: AbortSignal): Promise<Message> {
    let answer: Message | null = null
    const deliver = (one: Message): void => {
      if (isAnswer(one)) answer = one
      else host.send(one)
    }
    await upstream.exchange(message, deliver, signal)
    if (answer === null) throw new BridgeFailure('unavailable', 'the server did not answer')
    return answer
  }

  /** A question inside a result, as the request that the host knows. */
  async function ask2025(wanted: unknown, signal: AbortSignal): Promise<Message> {
    const method = isObject(wanted) ? textOf(wanted['method']) : null
    const params = isObject(wanted) && isObject(wanted['params']) ? wanted['params'] : {}
    if (method === null || capabilities[ABILITY[method] ?? ''] === undefined)
      throw new BridgeFailure('refused', 'the server asked for something that this program said it cannot do')
    // 2025-11-25 wants an id that 2026-07-28 no longer has.
    const missing = params['mode'] === 'url' && params['elicitationId'] === undefined
    return await host.ask(method, missing ? { ...params, elicitationId: randomUUID() } : params, signal)
  }

  /** Starts listening, again when what is listened for changed. */
  function relisten(): void {
    listens.abort()
    listens = new AbortController()
    const offers = (name: string): boolean => {
      const one = isObject(discovered['capabilities']) ? discovered['capabilities'][name] : undefined
      return isObject(one) && one['listChanged'] === true
    }
    const wanted = {
      ...(offers('tools') ? { toolsListChanged: true } : {}),
      ...(offers('prompts') ? { promptsListChanged: true } : {}),
      ...(offers('resources') ? { resourcesListChanged: true } : {}),
      ...(watched.size === 0 ? {} : { resourceSubscriptions: [...watched] }),
    }
    if (Object.keys(wanted).length > 0) void listen(wanted, AbortSignal.any([listens.signal, life.signal]))
  }

  async function listen(notifications: JsonObject, signal: AbortSignal): Promise<void> {
    for (let failures = 0; failures < 6 && !signal.aborted; failures += 1) {
      listened += 1
      try {
        const ask = request(`gatehouse-listen-${listened}`, 'subscriptions/listen', envelope({ notifications }))
        const deliver = (one: Message): void => {
          if (isAnswer(one)) return
          failures = 0
          if (methodOf(one) !== 'notifications/subscriptions/acknowledged') host.send(withoutSubscription(one))
        }
        await upstream.exchange(ask, deliver, signal)
      } catch {
        // Nobody waits for it by name; tried again below, then given up.
      }
      await pause(1000 * 2 ** failures, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  return { speaks: MODERN, handle, close: () => life.abort() }
}

/** Which ability of the host a question needs. */
const ABILITY: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
}

/** A result without what only 2026-07-28 has. */
function asBefore(answer: Message): Message {
  const value = resultOf(answer)
  if (value === null) return answer
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...rest } = value
  return { ...answer, result: rest }
}

function withoutSubscription(message: Message): Message {
  const params = paramsOf(message)
  const meta = isObject(params['_meta']) ? params['_meta'] : {}
  const { [META.subscription]: _id, ...rest } = meta
  return notification(String(message['method']), { ...params, _meta: rest })
}

/** The answer to `initialize` that a server of 2026-07-28 would give. null: it does not speak that revision. */
export function initializeResult(initialize: JsonObject, discovered: JsonObject): JsonObject | null {
  if (!textsOf(discovered['supportedVersions']).includes(MODERN)) return null
  const meta = isObject(discovered['_meta']) ? discovered['_meta'] : {}
  const wanted = textOf(initialize['protocolVersion'])
  const instructions = textOf(discovered['instructions'])
  return {
    protocolVersion: wanted !== null && LEGACY_VERSIONS.includes(wanted) ? wanted : LEGACY,
    capabilities: isObject(discovered['capabilities']) ? discovered['capabilities'] : {},
    serverInfo: isObject(meta[META.server]) ? meta[META.server] : { name: 'unknown', version: '0' },
    ...(instructions === null ? {} : { instructions }),
  }
}
