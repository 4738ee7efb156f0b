import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { openTraces } from '#http/trace-exporter.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'

interface Sent {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly status: { readonly code?: number }
}

interface Span extends Omit<Sent, 'attributes'> {
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Takes what an OTLP exporter sends, as JSON. */
async function collector() {
  const bodies: string[] = []
  const headers: Readonly<Record<string, unknown>>[] = []
  const server: Server = createServer((request, response) => {
    let body = ''
    request.on('data', (piece: Buffer) => (body += piece.toString()))
    request.on('end', () => {
      bodies.push(body)
      headers.push({ ...request.headers, path: request.url })
      response.setHeader('content-type', 'application/json').end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const spans = (): Span[] =>
    bodies.flatMap((body) => {
      const { resourceSpans } = JSON.parse(body) as {
        resourceSpans: { scopeSpans: { spans: Sent[] }[] }[]
      }
      return resourceSpans
        .flatMap(({ scopeSpans }) => scopeSpans)
        .flatMap(({ spans: sent }) => sent)
        .map((span) => ({
          ...span,
          attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
        }))
    })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    headers,
    spans,
    close: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

const THEIRS = { trace: 'a'.repeat(32), span: 'b'.repeat(16) }
const remote = (flags: string, trace = THEIRS.trace): string => `00-${trace}-${THEIRS.span}-${flags}`

describe('the spans of a server', () => {
  let collected: Awaited<ReturnType<typeof collector>>
  let server: RunningGatehouse
  let alice: string
  let spans: Span[]

  beforeAll(async () => {
    collected = await collector()
    server = await startGatehouse({
      kind: 'postgres',
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collected.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=a%20canary%20key',
        OTEL_SERVICE_NAME: 'under-test',
      },
    })
    alice = await server.token('alice@acme.test')
    const call = async (id: string, params: object, method = 'tools/call', headers = {}): Promise<unknown> =>
      await rpc(server.mcp, alice, method, params, { 'x-request-id': id, ...headers })
    const meta = (traceparent: unknown): object => ({ _meta: { traceparent, tracestate: 'vendor=1' } })
    await call('request-asked-not-to', { name: 'create_project', arguments: { name: 'Apollo' }, ...meta(remote('00')) })
    await call('request-malformed', { name: 'list_projects', arguments: {}, ...meta(`${remote('01')}<script>`) })
    await call('request-of-no-type', { name: 'list_projects', arguments: {}, ...meta({ a: 1 }) })
    await call('request-over-http', { name: 'list_projects', arguments: {} }, 'tools/call', {
      traceparent: remote('01', 'c'.repeat(32)),
    })
    await call('request-that-fails', {
      name: 'get_project',
      arguments: { id: '00000000-0000-7000-8000-000000000000' },
    })
    await call('request-made-up', { name: 'made_up', arguments: {} })
    await call('request-method', {}, 'nothing/here')
    await rpc(server.mcp, `${alice.slice(0, -4)}AAAA`, 'ping', {}, { 'x-request-id': 'request-refused' })
    await fetch(`${server.url}/livez`)
    await server.stop()
    spans = collected.spans()
  })
  afterAll(async () => {
    await server.close()
    await collected.close()
  })

  const of = (id: string, name: string | RegExp): Span => {
    const found = spans.find(
      (span) =>
        span.attributes['gatehouse.request_id'] === id &&
        (typeof name === 'string' ? span.name === name : name.test(span.name)),
    )
    if (found === undefined) throw new Error(`no span ${String(name)} of ${id}`)
    return found
  }
  const under = (parent: Span): Span[] => spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId)

  test('one per MCP request, named and described by the conventions for MCP', () => {
    const span = of('request-asked-not-to', 'tools/call create_project')
    expect(span.kind).toBe(2)
    expect(span.attributes).toEqual({
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'create_project',
      'gen_ai.operation.name': 'execute_tool',
      'jsonrpc.request.id': '1',
      'network.transport': 'tcp',
      'gatehouse.request_id': 'request-asked-not-to',
      'gatehouse.tenant': 'acme_test',
    })
    expect(span.status.code ?? 0).toBe(0)
  })

  test('D4: the span that _meta names is the parent, whatever it says of sampling, and the HTTP request a link', () => {
    const span = of('request-asked-not-to', 'tools/call create_project')
    const http = of('request-asked-not-to', 'POST /mcp')
    expect([span.traceId, span.parentSpanId]).toEqual([THEIRS.trace, THEIRS.span])
    expect(span.links?.map(({ spanId }) => spanId)).toEqual([http.spanId])
    expect(http.traceId).not.toBe(THEIRS.trace)
    expect(http.parentSpanId ?? '').toBe('')
  })

  test('who is calling, and the transaction, are spans beneath', () => {
    const http = of('request-asked-not-to', 'POST /mcp')
    expect(under(http).map(({ name }) => name)).toEqual(['authenticate', 'resolve tenant'])
    const [transaction, ...more] = under(of('request-asked-not-to', 'tools/call create_project'))
    expect(more).toEqual([])
    expect(transaction).toMatchObject({ name: 'tenant transaction', kind: 3, traceId: THEIRS.trace })
    expect(transaction?.attributes).toMatchObject({ 'db.system.name': 'postgresql', 'gatehouse.access': 'write' })
  })

  test('D4: a traceparent that is malformed counts for nothing, one in a header is a link and no parent', () => {
    for (const id of ['request-malformed', 'request-of-no-type', 'request-over-http'])
      expect(of(id, 'tools/call list_projects').parentSpanId).toBe(of(id, 'POST /mcp').spanId)
    const http = of('request-over-http', 'POST /mcp')
    expect(http.links?.map(({ traceId }) => traceId)).toEqual(['c'.repeat(32)])
    expect(http.parentSpanId ?? '').toBe('')
  })

  test('what failed says how: tool_error, the JSON-RPC code, the code of the refusal', () => {
    const error = (span: Span): unknown[] => [span.status.code, span.attributes['error.type']]
    expect(error(of('request-that-fails', 'tools/call get_project'))).toEqual([2, 'tool_error'])
    expect(error(of('request-made-up', 'tools/call unknown'))).toEqual([2, '-32602'])
    expect(error(of('request-method', 'nothing/here'))).toEqual([2, '-32601'])
    expect(of('request-method', 'nothing/here').attributes['rpc.response.status_code']).toBe('-32601')
    const refused = of('request-refused', 'POST /mcp')
    expect(refused.attributes).toMatchObject({
      'http.response.status_code': expect.anything(),
      'gatehouse.refusal': 'signature_invalid',
    })
    expect(under(refused).map((span) => [span.name, ...error(span)])).toEqual([
      ['authenticate', 2, 'signature_invalid'],
    ])
  })

  test('health checks leave none', () => {
    expect(spans.filter(({ attributes }) => /livez|readyz|metrics/.test(String(attributes['http.route'])))).toEqual([])
  })

  test('the request id is on the span, in the log line with the trace’s id, and in the audit', async () => {
    const line = server.lines
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .find((one) => one['request_id'] === 'request-that-fails' && one['status'] !== undefined)
    expect(line?.['trace_id']).toBe(of('request-that-fails', 'POST /mcp').traceId)
    const [tenant] = await server.database.sql<{ schema: string }>(
      "SELECT schema FROM gatehouse.tenants WHERE slug = 'acme_test'",
    )
    const rows = await server.database.sql<{ action: string }>(
      `SELECT action FROM ${tenant?.schema ?? ''}.audit WHERE request_id = 'request-that-fails'`,
    )
    expect(rows).toEqual([{ action: 'get_project' }])
  })

  test('they go where the configuration says, and hold no token, key or argument', () => {
    expect(collected.headers[0]).toMatchObject({ path: '/v1/traces', 'x-api-key': 'a canary key' })
    const text = collected.bodies.join('\n')
    expect(text).toContain('under-test')
    for (const secret of [...alice.split('.'), 'a canary key', 'Apollo', 'alice@acme.test'])
      expect(text).not.toContain(secret)
    expect(server.lines.join('\n')).not.toContain('canary')
  })
})

test('D4: where nothing is sampled, a caller who asks for it is not sampled', async () => {
  const collected = await collector()
  const server = await startGatehouse({
    kind: 'postgres',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${collected.url}/`, OTEL_TRACES_SAMPLER_ARG: '0' },
  })
  const alice = await server.token('alice@acme.test')
  const traceparent = remote('01', `${'0'.repeat(31)}1`)
  const asked = { name: 'list_projects', arguments: {}, _meta: { traceparent } }
  expect((await rpc(server.mcp, alice, 'tools/call', asked, { traceparent })).status).toBe(200)
  await server.close()
  await collected.close()
  expect(collected.spans()).toEqual([])
})

test('a collector is configured and the packages are not installed: the start fails and says what to install', async () => {
  const config = { endpoint: 'http://127.0.0.1:1/v1/traces', exporterHeaders: {}, serviceName: 'x', ratio: 1 }
  const missing = async (): Promise<never> => {
    throw new Error("Cannot find package '@opentelemetry/sdk-trace'")
  }
  await expect(openTraces(config, createLog('silent'), missing)).rejects.toMatchObject({
    problems: [expect.stringMatching(/^OTEL_EXPORTER_OTLP_ENDPOINT: .*npm install @opentelemetry\/sdk-trace@/)],
  })
})

test('nobody collects: no span is made', async () => {
  const { tracing } = await openTraces(null, createLog('silent'))
  expect(tracing.on).toBe(false)
  expect(tracing.open('x').recording).toBe(false)
  expect(tracing.headers()).toEqual({})
})
