import type { FastifyInstance } from 'fastify'
import type { IncomingMessage } from 'node:http'
import { Counter, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { Refusal } from '#base/refusal.ts'
import { page } from './routes.ts'

type ToolOutcome = 'ok' | 'failed' | 'invalid'

/** Counts in base units. No label grows with people, tenants or what a caller writes. */
export interface Metrics {
  /** @param seconds from first byte to close of the answer. @param route the pattern, not the path. */
  request(method: string, route: string, status: number, seconds: number): void
  refusal(code: string): void
  /** @param tool a name of the catalogue. */
  tool(tool: string, outcome: ToolOutcome, seconds: number): void
  /** In the Prometheus text format. */
  render(): Promise<{ readonly type: string; readonly text: string }>
}

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Histogram({
    name: 'gatehouse_http_request_duration_seconds',
    help: 'HTTP requests until their answer was closed',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers,
  })
  const refusals = new Counter({
    name: 'gatehouse_refusals_total',
    help: 'Requests turned away before dispatch, by code',
    labelNames: ['code'],
    registers,
  })
  const tools = new Histogram({
    name: 'gatehouse_tool_call_duration_seconds',
    help: 'Tool calls',
    labelNames: ['tool', 'outcome'],
    buckets: BUCKETS,
    registers,
  })
  return {
    request: (method, route, status, seconds) => requests.observe({ method, route, status }, seconds),
    refusal: (code) => refusals.inc({ code }),
    tool: (tool, outcome, seconds) => tools.observe({ tool, outcome }, seconds),
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  }
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
