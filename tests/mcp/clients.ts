import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

interface CallOptions {
  readonly signal?: AbortSignal
  readonly onprogress?: (progress: {
    progress: number
    total?: number | undefined
    message?: string | undefined
  }) => void
}

interface ToolAnswer {
  readonly isError?: boolean | undefined
  readonly content: readonly { readonly type: string; readonly text?: string }[]
  readonly structuredContent?: unknown
}

/** What the tests need of a client, whichever it is. */
interface AnyClient {
  readonly protocol: string | undefined
  readonly server: { readonly name: string; readonly version: string } | undefined
  tools(): Promise<readonly { name: string; inputSchema: unknown; outputSchema?: unknown; annotations?: unknown }[]>
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<ToolAnswer>
  close(): Promise<void>
}

type Connect = (url: string, token?: string) => Promise<AnyClient>

const official =
  (mode: 'legacy' | { pin: string }): Connect =>
  async (url, token = 'alice') => {
    const client = new Client2({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
    const transport = new Transport2(new URL(url), { requestInit: { headers: { authorization: `Bearer ${token}` } } })
    await client.connect(transport)
    return {
      protocol: client.getNegotiatedProtocolVersion(),
      server: client.getServerVersion(),
      tools: async () => (await client.listTools()).tools,
      call: async (name, args, options) => await client.callTool({ name, arguments: args }, options),
      close: async () => await client.close(),
    }
  }

const first: Connect = async (url, token = 'alice') => {
  const client = new Client1({ name: 'test', version: '1' })
  const transport = new Transport1(new URL(url), { requestInit: { headers: { authorization: `Bearer ${token}` } } })
  await client.connect(transport)
  return {
    protocol: transport.protocolVersion,
    server: client.getServerVersion(),
    tools: async () => (await client.listTools()).tools,
    call: async (name, args, options) =>
      (await client.callTool({ name, arguments: args }, undefined, options)) as ToolAnswer,
    close: async () => await client.close(),
  }
}

/** The official clients of both eras: [what it is, how to connect it, the revision it then speaks]. */
export const CLIENTS: readonly (readonly [string, Connect, string])[] = [
  ['the v2 client on 2026-07-28', official({ pin: '2026-07-28' }), '2026-07-28'],
  ['the v2 client on 2025-11-25', official('legacy'), '2025-11-25'],
  ['the v1 client', first, '2025-11-25'],
]
