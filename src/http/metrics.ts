import type { FastifyInstance } from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Metrics } from '#base/metrics.ts'
import { REFUSALS, Refusal } from '#base/refusal.ts'
import { page } from './routes.ts'

type ToolOutcome = 'ok' | 'failed' | 'invalid'

/** What the HTTP side counts itself. */
export interface RequestMetrics {
  /** @param seconds from first byte to close of the answer. @param route the pattern, not the path. */
  request(method: string, route: string, status: number, seconds: number): void
  refusal(code: string): void
  /** @param limit the name of the limit that was reached. */
  limited(limit: string): void
  /** @param tool a name of the catalogue. */
  tool(tool: string, outcome: ToolOutcome, seconds: number): void
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

export function createRequestMetrics(metrics: Metrics): RequestMetrics {
  const requests = metrics.histogram({
    name: 'gatehouse_http_request_duration_seconds',
    help: 'HTTP requests until their answer was closed',
    labels: { method: METHODS, route: { most: 300 }, status: { most: 60 } },
  })
  const refusals = metrics.counter({
    name: 'gatehouse_refusals_total',
    help: 'Requests turned away before dispatch, by code',
    labels: { code: Object.keys(REFUSALS) },
  })
  const limited = metrics.counter({
    name: 'gatehouse_rate_limited_total',
    help: 'Requests over a limit, by the limit',
    labels: { limit: { most: 40 } },
  })
  const tools = metrics.histogram({
    name: 'gatehouse_tool_call_duration_seconds',
    help: 'Tool calls',
    labels: { tool: { most: 500 }, outcome: ['ok', 'failed', 'invalid'] },
  })
  return {
    request: (method, route, status, seconds) => requests({ method, route, status: String(status) }, seconds),
    refusal: (code) => refusals({ code }),
    limited: (limit) => limited({ limit }),
    tool: (tool, outcome, seconds) => tools({ tool, outcome }, seconds),
  }
}

const LEVELS = ['calm', 'busy', 'overloaded', 'drowning']

/** How hard it is for this process: 1 for the level that holds. What is shed is among the refusals, by code. */
export function watchPressure(metrics: Metrics, level: () => string): void {
  metrics.gauge(
    {
      name: 'gatehouse_pressure',
      help: '1 for the level of load that holds: calm, busy, overloaded or drowning',
      labels: { level: LEVELS },
    },
    () => LEVELS.map((each) => [{ level: each }, each === level() ? 1 : 0] as const),
  )
}

/** /metrics, for the operator; for anyone else there is nothing at this address (D4). */
export function metricsRoutes(
  app: FastifyInstance,
  metrics: Metrics,
  operator: (request: IncomingMessage) => boolean,
): void {
  const operatorOnly = async (request: { readonly raw: IncomingMessage }): Promise<void> => {
    if (!operator(request.raw)) throw new Refusal('not_found')
  }
  page(app, '/metrics', operatorOnly, async (_request, reply) => {
    const { type, text } = await metrics.render()
    return await reply.type(type).send(text)
  })
}
