import type { FastifyReply, FastifyRequest } from 'fastify'
import { TtlCache } from '#base/cache.ts'
import type { Log } from '#base/log.ts'
import type { Refusal } from '#base/refusal.ts'
import { remoteSpan } from '#base/trace-parent.ts'
import type { Tracing } from '#base/tracing.ts'
import { userId } from '#identity/identity.ts'
import { eventFields } from '#tenancy/security-event.ts'
import type { Auditor } from '#toolkit/audit.ts'
import type { UsageMeter } from '#tenancy/usage-meter.ts'
import type { RequestMetrics } from './metrics.ts'
import type { Visit, Visits } from './visit.ts'

export interface JournalOptions {
  readonly log: Log
  /** Is there a line for each request? Default: yes. */
  readonly requestLog?: boolean
  readonly auditor: Pick<Auditor, 'refused'>
  readonly usage: Pick<UsageMeter, 'refused'>
  readonly metrics: RequestMetrics
  readonly visits: Visits
  readonly tracing: Tracing
}

/** Call it once per request, as early as can be: what it writes, it writes when the answer is closed. */
export type Journal = (request: FastifyRequest, reply: FastifyReply) => void

/**
 * One line per request and one security line per refusal, with its stable code. Never a query, a header or a body: a token may stand in
 * any of them. Written on the socket's close, because Fastify's onResponse does not fire for a client that went away in mid-stream.
 */
export function createJournal({
  log,
  requestLog = true,
  auditor,
  usage,
  metrics,
  visits,
  tracing,
}: JournalOptions): Journal {
  const told = new TtlCache<object>({ max: MOST_TOLD, clock: performance })

  return (request, reply) => {
    const visit = visits(request)
    if (tracing.on) open(request, visit)
    reply.raw.once('close', () => {
      const seconds = (performance.now() - visit.started) / 1000
      const route = request.routeOptions.url ?? 'unknown'
      const status = reply.raw.statusCode
      metrics.request(request.method, route, status, seconds)
      closed(visit, status)
      if (visit.refusal !== null) refused(visit, route)
      if (!requestLog) return
      log.info(
        {
          ...who(visit),
          method: request.method,
          route,
          status,
          ms: Math.round(seconds * 1e4) / 10,
          ...(visit.method === null ? {} : { rpc: visit.method }),
          ...(visit.tool === null ? {} : { tool: cut(visit.tool) }),
          ...(reply.raw.writableFinished ? {} : { aborted: true }),
        },
        'request',
      )
    })
  }

  /** What the caller's headers say of a trace is mentioned on the span, and decides nothing (D4). */
  function open(request: FastifyRequest, visit: Visit): void {
    const route = request.routeOptions.url ?? 'unknown'
    if (UNTRACED.has(route)) return
    const { traceparent, tracestate } = request.headers
    visit.trace = tracing.open(`${request.method} ${route}`, {
      kind: 'server',
      link: remoteSpan(traceparent, tracestate),
      attributes: {
        'http.request.method': request.method,
        'http.route': route,
        'url.scheme': request.protocol,
        'gatehouse.request_id': visit.requestId,
      },
    })
  }

  function closed({ trace, refusal }: Visit, status: number): void {
    if (!trace.recording) {
      trace.end()
      return
    }
    trace.set({
      'http.response.status_code': status,
      ...(refusal === null ? {} : { 'gatehouse.refusal': refusal.code }),
    })
    if (status >= 500) trace.fail(String(status))
    trace.end()
  }

  function refused(visit: Visit, route: string): void {
    const { refusal, requestId, ip, identity, principal, tool } = visit
    if (refusal === null) return
    metrics.refusal(refusal.code)
    if (refusal.limit !== null) metrics.limited(refusal.limit.name ?? 'default')
    if (principal !== null) usage.refused(principal)
    const why = {
      code: refusal.code,
      status: refusal.status,
      ...(refusal.detail === null ? {} : { detail: refusal.detail }),
    }
    log.warn(
      {
        ...who(visit),
        // Without a token nobody was turned away.
        ...(refusal.code === 'token_missing' ? {} : { event: eventFields(`refused.${refusal.code}`, 'refused') }),
        route,
        ...why,
        ...(refusal.status === 503 && refusal.cause !== undefined ? { err: refusal.cause } : {}),
      },
      'refused',
    )
    // Without a token nobody was turned away: that is how every client begins.
    if (visit.presented && !LOAD.has(refusal.code) && !(refusal.code === 'rate_limited' && isFlood(visit, refusal)))
      auditor.refused({ refusal, requestId, ip, identity, principal, tool: tool === null ? null : cut(tool) })
  }

  /**
   * An address over its limit is for the log alone, else whoever knocks without end fills the registry's disk, where rows stay for 400 days.
   * Somebody known is one row a minute and limit: a row for each request would push those of other tenants out of the queue.
   */
  function isFlood({ principal }: Visit, { limit }: Refusal): boolean {
    if (principal === null) return true
    const { identity, tenant } = principal
    const who = identity.key?.id ?? `${identity.iss} ${identity.sub}`
    const key = `${tenant.id} ${limit?.name ?? ''} ${who}`
    if (told.get(key) !== undefined) return true
    told.set(key, {}, TOLD_FOR)
    return false
  }
}

/** Milliseconds for which one row in the audit stands for all that somebody was refused over a limit, and how many are remembered. */
const TOLD_FOR = 60_000
const MOST_TOLD = 10_000

/** Asked by machines, many times a minute. */
const UNTRACED: ReadonlySet<string> = new Set(['/livez', '/readyz', '/healthz', '/metrics'])
/** Who floods is in the log and in the usage: a row of the audit for each would carry the flood on into the database. */
const LOAD: ReadonlySet<string> = new Set(['too_many_calls', 'overloaded'])

const who = ({ requestId, ip, identity, principal, trace }: Visit): object => ({
  request_id: requestId,
  ...(trace.traceId === null ? {} : { trace_id: trace.traceId }),
  ip,
  ...(identity === null ? {} : { user_id: cut(userId(identity)) }),
  ...(principal === null ? {} : { tenant: principal.tenant.slug }),
})

/** What a caller chose himself is cut to a length that no log minds. */
const cut = (text: string): string => text.slice(0, 256)
