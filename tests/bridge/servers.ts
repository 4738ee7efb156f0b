import { randomUUID } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { createMcpHandler, inputRequired, McpServer, type McpHttpHandler } from '@modelcontextprotocol/server'
import { McpServer as OldServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'

/** A server of one era, as its official library makes it. */
export interface EraServer {
  readonly url: string
  /** Calls that were cancelled. */
  readonly cancelled: unknown[]
  /** Tells every client that the tools changed. */
  toolsChanged(): void
  close(): Promise<void>
}

const ELICIT = {
  message: 'Who are you?',
  requestedSchema: { type: 'object' as const, properties: { name: { type: 'string' as const } }, required: ['name'] },
}

/** 2026-07-28 and nothing else. */
export async function startModernServer(): Promise<EraServer> {
  const cancelled: unknown[] = []
  const handler = createMcpHandler(
    () => {
      const server = new McpServer({ name: 'modern', version: '1' }, { capabilities: { tools: { listChanged: true } } })
      server.registerTool('greet', { inputSchema: z.object({}) }, async (_input, { mcpReq }) => {
        const answer = mcpReq.inputResponses?.['who'] as { content?: { name?: string } } | undefined
        if (answer?.content?.name === undefined)
          return inputRequired({ inputRequests: { who: inputRequired.elicit(ELICIT) }, requestState: 'asked' })
        const progressToken = mcpReq._meta?.progressToken
        if (progressToken !== undefined)
          await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
        return { content: [{ type: 'text', text: `Hello, ${answer.content.name}` }] }
      })
      server.registerTool('envelope', { inputSchema: z.object({}) }, (_input, { mcpReq }) => ({
        content: [{ type: 'text', text: JSON.stringify(mcpReq.envelope) }],
      }))
      server.registerTool('wait', { inputSchema: z.object({}) }, async (_input, { mcpReq }) => {
        await new Promise((resolve) => mcpReq.signal.addEventListener('abort', resolve, { once: true }))
        cancelled.push(mcpReq.id)
        return { content: [] }
      })
      return server
    },
    { legacy: 'reject' },
  )
  const { url, close } = await listen(async (request, response) => await answerWith(handler, request, response))
  return { url, cancelled, toolsChanged: () => handler.notify.toolsChanged(), close }
}

/** 2025-11-25 with sessions, and nothing else. */
export async function startLegacyServer(): Promise<EraServer> {
  const cancelled: unknown[] = []
  const sessions = new Map<string, { readonly server: OldServer; readonly transport: StreamableHTTPServerTransport }>()
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const server = new OldServer({ name: 'legacy', version: '1' }, { capabilities: { logging: {} } })
    server.registerTool('greet', { inputSchema: {} }, async (_input, { _meta, sendNotification }) => {
      const { content } = await server.server.elicitInput(ELICIT)
      if (_meta?.progressToken !== undefined)
        await sendNotification({
          method: 'notifications/progress',
          params: { progressToken: _meta.progressToken, progress: 1 },
        })
      return { content: [{ type: 'text', text: `Hello, ${String(content?.['name'])}` }] }
    })
    server.registerTool('envelope', { inputSchema: {} }, (_input, { _meta }) => ({
      content: [{ type: 'text', text: JSON.stringify(_meta ?? {}) }],
    }))
    server.registerTool('wait', { inputSchema: {} }, async (_input, { signal, requestId }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      cancelled.push(requestId)
      return { content: [] }
    })
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, { server, transport }),
    })
    await server.connect(transport)
    return transport
  }
  const { url, close } = await listen(async (request, response) => {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id)?.transport : undefined
    await (known ?? (await open())).handleRequest(request, response)
  })
  const toolsChanged = (): void => {
    for (const { server } of sessions.values()) server.sendToolListChanged()
  }
  return { url, cancelled, toolsChanged, close }
}

async function listen(
  handle: (request: http.IncomingMessage, response: http.ServerResponse) => Promise<void>,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = http.createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answerWith(
  handler: McpHttpHandler,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const body = request.method === 'POST' ? { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' } : {}
  const answer = await handler.fetch(
    new Request(`http://${request.headers.host}${request.url}`, {
      method: request.method ?? 'GET',
      headers: request.headers as Record<string, string>,
      signal: gone.signal,
      ...body,
    } as RequestInit),
  )
  response.writeHead(answer.status, Object.fromEntries(answer.headers))
  response.flushHeaders()
  try {
    for await (const piece of answer.body ?? []) response.write(piece)
  } catch {
    // The client went.
  }
  response.end()
}
