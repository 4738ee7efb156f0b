import type { IncomingHttpHeaders } from 'node:http'
import { isObject, type Message } from './message.ts'
import type { Era } from './mcp-request.ts'

/** A request without anything unusual in it, so that what the SDK would answer is known without asking it. */
export interface RegularRequest {
  readonly era: Era
  readonly id: string | number
  readonly method: 'tools/call' | 'tools/list'
  /** Of the tool; '' with tools/list. */
  readonly name: string
  /** As they came; undefined: none. */
  readonly args: Readonly<Record<string, unknown>> | undefined
  /** What the client says it can do (2026-07-28); {} in the 2025 revisions, where it is not said per request. */
  readonly abilities: Readonly<Record<string, unknown>>
  /**
   * Everything else of the request that the SDK looks at: method, headers, who the client says it is. Two requests with the same are
   * accepted both, or refused both.
   */
  readonly likeness: string
}

/** Characters. Longer ones are no ids, names or descriptions of clients, and would fill the memory of likenesses. */
const LONGEST = { id: 256, name: 128, likeness: 2_048 } as const
const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
} as const
/** Members of `_meta` that change no answer (W3C Trace Context, OpenTelemetry). */
const TRACE: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])
const ENVELOPE: ReadonlySet<string> = new Set(Object.values(META))

/**
 * Only the perfectly regular: a call of a tool, or the first page of the list, with the members that every client sends and no other. Everything
 * else (progress, log levels, rounds of questions, cursors, sessions, notifications, unusual ids) answers null and is for the SDK. Says nothing
 * about whether the tool exists, nor whether the envelope is right: that its `likeness` tells, once the SDK has accepted one of it.
 */
export function regularRequest(headers: IncomingHttpHeaders, { value, prototypical }: Message): RegularRequest | null {
  if (prototypical || !isObject(value) || value['jsonrpc'] !== '2.0') return null
  const { id, method, params } = value
  if (method !== 'tools/call' && method !== 'tools/list') return null
  if (!isUsualId(id)) return null
  if (countOf(value) !== (params === undefined ? 3 : 4)) return null
  const called = method === 'tools/call' ? callOf(params) : listOf(params)
  if (called === null) return null
  const { name, args, meta } = called
  const about = likenessOf(headers, method, name, meta)
  if (about === null || about.likeness.length > LONGEST.likeness) return null
  return { id, method, name, args, ...about }
}

const isUsualId = (id: unknown): id is string | number =>
  typeof id === 'string' ? id.length <= LONGEST.id : Number.isSafeInteger(id)

interface Called {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>> | undefined
  readonly meta: unknown
}

function callOf(params: unknown): Called | null {
  if (!isObject(params)) return null
  const { name, arguments: args, _meta: meta } = params
  if (typeof name !== 'string' || name === '' || name.length > LONGEST.name) return null
  if (args !== undefined && !isObject(args)) return null
  if (countOf(params) !== 1 + (args === undefined ? 0 : 1) + (meta === undefined ? 0 : 1)) return null
  return { name, args, meta }
}

function listOf(params: unknown): Called | null {
  if (params === undefined) return { name: '', args: undefined, meta: undefined }
  if (!isObject(params)) return null
  const { _meta: meta } = params
  return countOf(params) === (meta === undefined ? 0 : 1) ? { name: '', args: undefined, meta } : null
}

function likenessOf(
  headers: IncomingHttpHeaders,
  method: string,
  name: string,
  meta: unknown,
): Pick<RegularRequest, 'era' | 'abilities' | 'likeness'> | null {
  const { 'content-type': type, accept, 'mcp-protocol-version': version = '' } = headers
  if (type === undefined || accept === undefined || headers['mcp-session-id'] !== undefined) return null
  if (headers['last-event-id'] !== undefined) return null
  const said = `${method}\n${type}\n${accept}\n${String(version)}`
  if (meta === undefined) {
    if (headers['mcp-method'] !== undefined || headers['mcp-name'] !== undefined) return null
    return { era: 'legacy', abilities: {}, likeness: said }
  }
  // RFC 9110 allows two headers of one name, which Node joins: then it is not what is compared with here.
  if (headers['mcp-method'] !== method || (headers['mcp-name'] ?? '') !== name) return null
  if (!isObject(meta)) return null
  for (const member of Object.keys(meta))
    if (!ENVELOPE.has(member) && !(TRACE.has(member) && typeof meta[member] === 'string')) return null
  const abilities = meta[META.capabilities]
  if (meta[META.version] !== version || !isObject(abilities)) return null
  return { era: 'modern', abilities, likeness: `${said}\n${JSON.stringify([meta[META.client], abilities])}` }
}

function countOf(object: Readonly<Record<string, unknown>>): number {
  let count = 0
  for (const _member in object) count += 1
  return count
}
