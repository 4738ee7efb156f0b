import { BridgeFailure } from './failure.ts'
import type { Host } from './host.ts'
import { HttpRefusal } from './http-refusal.ts'
import type { JsonObject } from './json.ts'
import type { Lane } from './lane.ts'
import { errorOf, idOf, isAnswer, paramsOf, request, resultOf, type Message, type RpcError } from './message.ts'
import { LEGACY, META, MODERN, modernMeta } from './meta.ts'
import { createNewHostLane } from './new-host.ts'
import { createOldHostLane, initializeResult } from './old-host.ts'
import { createRelay } from './relay.ts'
import type { Upstream } from './upstream.ts'

/** A way to the server, and its answer to the message that opened it. */
export interface Opened {
  readonly lane: Lane
  readonly answer: Message
}

/** The server said no to every way there is. */
export class OpeningRefused extends Error {
  override readonly name = 'OpeningRefused'
  readonly rpc: RpcError | null

  constructor(message: string, rpc: RpcError | null) {
    super(message)
    this.rpc = rpc
  }
}

/**
 * Opens the way for a host of the 2025 revisions: `initialize` as it is, and for a server that knows none, `server/discover`.
 * @throws BridgeFailure when the server was not reached or wants a sign-in, OpeningRefused when it said no.
 */
export async function openForOldHost(host: Host, upstream: Upstream, message: Message): Promise<Opened> {
  const initialize = paramsOf(message)
  const first = await attempt(upstream, message, host)
  const agreed = first.answer === null ? null : resultOf(first.answer)
  if (first.answer !== null && agreed !== null)
    return { lane: createRelay(host, upstream, String(agreed['protocolVersion'])), answer: first.answer }
  const second = await attempt(
    upstream,
    request('gatehouse-discover', 'server/discover', discoverParams(initialize)),
    host,
  )
  const discovered = second.answer === null ? null : resultOf(second.answer)
  const value = discovered === null ? null : initializeResult(initialize, discovered)
  const id = idOf(message)
  if (discovered === null || value === null || id === null) throw first.refused
  return {
    lane: createOldHostLane(host, upstream, { initialize, discovered }),
    answer: { jsonrpc: '2.0', id, result: value },
  }
}

/**
 * Opens the way for a host of 2026-07-28: `server/discover`, and for a server that knows none, `initialize`.
 * @param message the host's first request; when it is `server/discover` itself, it is what the server hears.
 * @throws as openForOldHost.
 */
export async function openForNewHost(host: Host, upstream: Upstream, message: Message): Promise<Opened> {
  const params = paramsOf(message)
  const meta = { _meta: params['_meta'] }
  const discover = message['method'] === 'server/discover'
  const first = await attempt(
    upstream,
    discover ? message : request('gatehouse-discover', 'server/discover', meta),
    host,
  )
  if (first.answer !== null && resultOf(first.answer)?.['supportedVersions'] !== undefined)
    return { lane: createRelay(host, upstream, MODERN), answer: first.answer }
  // It knows the revision, and what it says is about this request.
  if (SPOKEN.has(first.refused.rpc?.code ?? 0)) throw first.refused
  const said = paramsOf({ params: params['_meta'] })
  const initialize = {
    protocolVersion: LEGACY,
    capabilities: said[META.capabilities] ?? {},
    clientInfo: said[META.client] ?? { name: 'unknown', version: '0' },
  }
  const second = await attempt(upstream, request('gatehouse-initialize', 'initialize', initialize), host)
  const agreed = second.answer === null ? null : resultOf(second.answer)
  if (agreed === null) throw first.refused
  const lane = await createNewHostLane(host, upstream, agreed)
  return { lane, answer: { jsonrpc: '2.0', id: discover ? idOf(message) : null, result: lane.discovered } }
}

/** UnsupportedProtocolVersion, MissingRequiredClientCapability, HeaderMismatch: words of 2026-07-28. */
const SPOKEN: ReadonlySet<number> = new Set([-32022, -32021, -32020])

function discoverParams(initialize: JsonObject): JsonObject {
  const said = { [META.client]: initialize['clientInfo'], [META.capabilities]: initialize['capabilities'] ?? {} }
  return { _meta: { ...modernMeta(), ...said } }
}

interface Attempted {
  readonly answer: Message | null
  /** What to throw when it is of no use. */
  readonly refused: OpeningRefused
}

async function attempt(upstream: Upstream, message: Message, host: Host): Promise<Attempted> {
  let answer: Message | null = null
  const deliver = (one: Message): void => {
    if (isAnswer(one)) answer = one
    else host.send(one)
  }
  try {
    await upstream.exchange(message, deliver, AbortSignal.timeout(OPENING))
  } catch (error) {
    if (error instanceof HttpRefusal) return { answer: null, refused: new OpeningRefused(error.message, error.rpc) }
    if (error instanceof BridgeFailure) throw error
    throw new BridgeFailure('unavailable', 'the server did not answer in time')
  }
  const problem = answer === null ? null : errorOf(answer)
  return { answer, refused: new OpeningRefused(problem?.message ?? 'the server did not answer', problem) }
}

/** Milliseconds that a server has to say what it speaks. */
const OPENING = 30_000
