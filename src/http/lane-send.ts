import type { FastifyReply } from 'fastify'
import type { Era } from './mcp-request.ts'

/** A message of which all but the end was made before, for an era. */
export interface Prepared {
  /** Of `beginOf`. */
  readonly begin: Buffer
  readonly rest: string
}

/** The 2025 revisions are answered with a stream of one event, as the SDK does. */
const EVENT = { begin: 'event: message\ndata: ', end: '\n\n' } as const

/** What is sent of an era before the rest of this JSON. */
export const beginOf = (era: Era, json: string): Buffer =>
  Buffer.from(era === 'modern' ? json : `${EVENT.begin}${json}`)

/** Proxies would hold back small pieces (nginx) or the whole (compression). */
export const asStream = (reply: FastifyReply): FastifyReply =>
  reply.header('cache-control', 'no-store, no-transform').header('x-accel-buffering', 'no')

/** @param answer the whole JSON-RPC message */
export function sendDirectly(reply: FastifyReply, era: Era, answer: string | Prepared): FastifyReply {
  const modern = era === 'modern'
  if (modern) reply.type('application/json; charset=utf-8')
  else asStream(reply).type('text/event-stream')
  if (typeof answer === 'string') return reply.send(modern ? answer : `${EVENT.begin}${answer}${EVENT.end}`)
  return sendPrepared(reply, answer.begin, modern ? answer.rest : `${answer.rest}${EVENT.end}`)
}

/** Past Fastify, which takes one text or one Buffer: what was made before goes to the socket as it lies there, and is neither joined nor encoded again. */
function sendPrepared(reply: FastifyReply, begin: Buffer, rest: string): FastifyReply {
  const { raw } = reply.header('content-length', begin.length + Buffer.byteLength(rest)).hijack()
  const headers: Record<string, number | string | string[] | undefined> = reply.getHeaders()
  raw.writeHead(reply.statusCode, headers)
  raw.cork()
  raw.write(begin)
  raw.end(rest)
  raw.uncork()
  return reply
}
