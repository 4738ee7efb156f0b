import type { CallToolResult, InputRequiredResult, Tool } from '@modelcontextprotocol/server'
import { LRUCache } from 'lru-cache'
import type { Caller, CallRequest } from '#toolkit/call.ts'
import type { ClientAbilities } from '#toolkit/context.ts'
import type { Catalogue } from '#toolkit/catalogue.ts'
import type { Flight } from './flights.ts'
import { beginOf, type Prepared } from './lane-send.ts'
import { abilitiesOf, page, type Era, type Turn } from './mcp-request.ts'
import { SERVER_INFO } from './mcp-server.ts'
import { regularRequest, type RegularRequest } from './lane-request.ts'
import { isObject } from './message.ts'
import type { RequestMetrics } from './metrics.ts'

/**
 * The direct lane: what nearly every request asks is answered here, from text that is made once, and without a protocol server for each. It takes
 * only what is perfectly regular and what is like something that the SDK has accepted before; it words no refusal and no error. Whatever turns out
 * to be unusual on the way (questions, messages, pictures, errors, a long wait) is handed on to the SDK together with the call that runs.
 * Held equal to the SDK's answers by tests/lane.
 */
export interface Lane {
  /** null: for the SDK. */
  regular(...request: Parameters<typeof regularRequest>): RegularRequest | null
  /** Has the SDK accepted one like it? */
  knows(request: RegularRequest): boolean
  /** It was accepted, with a result and no error. */
  learn(request: RegularRequest): void
  list(turn: Turn, request: RegularRequest): Prepared
  /** The whole JSON-RPC message, or the run, for the SDK to end. */
  call(turn: Turn, request: RegularRequest, flight: Pick<Flight, 'signal' | 'whenGone'>): Promise<string | RunningCall>
}

/** A call that has begun. */
export interface RunningCall {
  readonly outcome: Promise<CallToolResult | InputRequiredResult>
  /** Milliseconds of performance.now(). */
  readonly started: number
  /** To be called once, by whoever ends it: what the run says from now on, and what it waits to say, goes there. */
  attach(request: CallRequest): void
}

export interface LaneOptions {
  readonly caller: Caller
  readonly catalogue: Catalogue
  readonly metrics: Pick<RequestMetrics, 'tool'>
}

/** Likenesses held: as many as there are kinds and versions of clients, many times over. */
const MOST_KNOWN = 1_000
/** Milliseconds after which a client of the 2025 revisions is told that its answer will come: by the SDK, which then keeps the stream alive. */
const LONG = 1_000

/** As the SDK ends a result of 2026-07-28. */
const COMPLETE = `"resultType":"complete"`
const META = `"_meta":${JSON.stringify({ 'io.modelcontextprotocol/serverInfo': SERVER_INFO })}`

export function createLane({ caller, catalogue, metrics }: LaneOptions): Lane {
  const known = new LRUCache<string, true>({ max: MOST_KNOWN })
  const lists = new WeakMap<readonly Tool[], Readonly<Record<Era, Buffer>>>()

  function preparedList(tools: readonly Tool[]): Readonly<Record<Era, Buffer>> {
    const held = lists.get(tools)
    if (held !== undefined) return held
    const { shown, next } = page(tools, undefined)
    const members = JSON.stringify({ tools: shown, ...next }).slice(0, -1)
    const made = {
      modern: beginOf(
        'modern',
        `{"result":${members},${COMPLETE},"ttlMs":0,"cacheScope":"private",${META}},"jsonrpc":"2.0","id":`,
      ),
      legacy: beginOf('legacy', `{"result":${members}},"jsonrpc":"2.0","id":`),
    }
    lists.set(tools, made)
    return made
  }

  return {
    regular: regularRequest,
    knows: ({ likeness }) => known.get(likeness) === true,
    learn: ({ likeness }) => void known.set(likeness, true),
    list: ({ principal }, { era, id }) => ({
      begin: preparedList(catalogue.visible(principal))[era],
      rest: `${JSON.stringify(id)}}`,
    }),
    call: async (turn, request, flight) =>
      await new Promise((resolve) => {
        const { principal, trace } = turn
        const { era, id, name, args = {}, abilities } = request
        const started = performance.now()
        let attach: (to: CallRequest) => void = () => {}
        let handed: Promise<CallRequest> | null = null
        let answered = false
        const handOn = (): Promise<CallRequest> => {
          handed ??= new Promise((attached) => {
            attach = attached
            clearTimeout(late)
            resolve({ outcome, started, attach })
          })
          return handed
        }
        const late = era === 'legacy' ? setTimeout(() => void handOn(), LONG) : undefined
        const tell: CallRequest['tell'] = async (level, text) => {
          // After the answer nobody listens.
          if (!answered) await (await handOn()).tell?.(level, text)
        }
        const asked = new LaneCall(turn, flight, era === 'modern' ? abilitiesOf(abilities) : tell)
        const outcome = caller.call(principal, name, args, asked)
        outcome.then((result) => {
          if (handed !== null) return
          const text = plainText(result)
          if (text === null) {
            void handOn()
            return
          }
          answered = true
          clearTimeout(late)
          const failed = 'isError' in result && result.isError === true
          metrics.tool(name, failed ? 'failed' : 'ok', (performance.now() - started) / 1000)
          if (failed) trace.fail('tool_error')
          const end = era === 'modern' ? `,${COMPLETE},${META}}` : '}'
          resolve(`{"result":${text.slice(0, -1)}${end},"jsonrpc":"2.0","id":${JSON.stringify(id)}}`)
        }, handOn)
      }),
  }
}

/** A class: run-context.ts says why. */
class LaneCall implements CallRequest {
  readonly requestId: string
  readonly ip: string | null
  // A regular request asks for no progress.
  readonly progress = NOTHING
  readonly tell: NonNullable<CallRequest['tell']>
  readonly client?: NonNullable<CallRequest['client']>
  readonly round?: NonNullable<CallRequest['round']>
  readonly #flight: Pick<Flight, 'signal' | 'whenGone'>

  /** @param more the client's abilities: one of 2026-07-28, which is told nothing as it names no level; or how one of 2025 is told. */
  constructor(
    { requestId, ip }: Turn,
    flight: Pick<Flight, 'signal' | 'whenGone'>,
    more: ClientAbilities | NonNullable<CallRequest['tell']>,
  ) {
    this.requestId = requestId
    this.ip = ip
    this.#flight = flight
    if (typeof more === 'function') this.tell = more
    else {
      this.tell = NOTHING
      this.client = more
      this.round = FIRST
    }
  }

  get signal(): AbortSignal {
    return this.#flight.signal
  }

  whenGone(stop: (reason: unknown) => void): () => void {
    return this.#flight.whenGone(stop)
  }
}

const NOTHING = async (): Promise<void> => {}
const FIRST = { answers: {}, state: null } as const

/** Of a result that the SDK sends as it is: JSON. null: it may change it (content that is not text, members of other revisions). */
function plainText(result: CallToolResult | InputRequiredResult): string | null {
  let members = 0
  for (const member in result) {
    if (member !== 'content' && member !== 'structuredContent' && member !== 'isError') return null
    members += 1
  }
  if (members === 0 || !('content' in result) || !Array.isArray(result.content)) return null
  const content: readonly object[] = result.content
  if (content.length === 0) return null
  for (const block of content)
    if (!('type' in block) || block.type !== 'text' || Object.keys(block).length !== 2) return null
  if ('structuredContent' in result && !isObject(result.structuredContent)) return null
  return JSON.stringify(result)
}
