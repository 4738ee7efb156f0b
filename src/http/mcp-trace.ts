import type { IncomingHttpHeaders } from 'node:http'
import { remoteSpan } from '#base/trace-parent.ts'
import { NO_SCOPE, type Scope, type Tracing } from '#base/tracing.ts'
import { isObject } from './message.ts'
import type { Visit } from './visit.ts'

/**
 * The span of one MCP request, by the conventions for MCP (semantic-conventions-genai, docs/gen-ai/mcp.md): under the span that the
 * client names in `params._meta`, with a link to that of the HTTP request. The client was let in by then, so no stranger can write into
 * a trace of its choice; one who was can, of what is theirs.
 * @param tool as it may stand in a label: a name of the catalogue, `unknown`, or null.
 */
export function openMcpSpan(
  tracing: Tracing,
  visit: Visit,
  message: unknown,
  { tool, headers }: { readonly tool: string | null; readonly headers: IncomingHttpHeaders },
): Scope {
  const { method, trace } = visit
  if (!tracing.on || method === null || !isObject(message)) return NO_SCOPE
  const params = isObject(message['params']) ? message['params'] : {}
  const meta = isObject(params['_meta']) ? params['_meta'] : {}
  const { id } = message
  const version = headers['mcp-protocol-version']
  const scope = tracing.open(tool === null ? method : `${method} ${tool}`, {
    kind: 'server',
    parent: trace,
    remote: remoteSpan(meta['traceparent'], meta['tracestate']),
    attributes: {
      'mcp.method.name': method,
      'network.transport': 'tcp',
      'gatehouse.request_id': visit.requestId,
      ...(tool === null ? {} : { 'gen_ai.tool.name': tool, 'gen_ai.operation.name': 'execute_tool' }),
      ...(typeof version === 'string' ? { 'mcp.protocol.version': version.slice(0, 32) } : {}),
      ...(typeof id === 'string' || typeof id === 'number' ? { 'jsonrpc.request.id': String(id).slice(0, 64) } : {}),
      ...(visit.principal === null ? {} : { 'gatehouse.tenant': visit.principal.tenant.slug }),
    },
  })
  return scope
}

/** What a JSON-RPC answer says of failure, on its span. */
export function noteError(scope: Scope, text: string): void {
  if (!scope.recording || !text.includes('"error"')) return
  try {
    const answer: unknown = JSON.parse(text)
    const error = isObject(answer) ? answer['error'] : null
    if (isObject(error)) failRpc(scope, String(error['code']))
  } catch {
    // No JSON: then the status says what there is to say.
  }
}

/** The same stream of events; an error in it is noted on the span. An event comes as one piece, or its error is not seen. */
export function noteErrors(scope: Scope, body: ReadableStream<Uint8Array> | null): ReadableStream<Uint8Array> | null {
  if (!scope.recording || body === null) return body
  const look = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, out) {
      for (const line of Buffer.from(piece).toString().split('\n'))
        if (line.startsWith('data: ')) noteError(scope, line.slice('data: '.length))
      out.enqueue(piece)
    },
  })
  return body.pipeThrough(look)
}

export function failRpc(scope: Scope, code: string): void {
  scope.set({ 'rpc.response.status_code': code.slice(0, 16) })
  scope.fail(code.slice(0, 16))
}
