import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

/** What the tests ask of a client, of whichever era. */
export interface McpClient {
  readonly era: string
  listTools(): Promise<{ tools: { name: string }[] }>
  callTool(name: string, args: Record<string, unknown>): Promise<CallAnswer>
  close(): Promise<void>
}

interface CallAnswer {
  readonly isError?: boolean
  readonly structuredContent?: Record<string, unknown>
  readonly content: readonly { readonly type: string; readonly text?: string }[]
}

const bearer = (token: string): { requestInit: RequestInit } => ({
  requestInit: { headers: { authorization: `Bearer ${token}` } },
})

/** The official clients: v2 (2026-07-28 and, pinned, 2025-11-25) and v1 (2025-11-25). */
export const clientKinds = ['v2 client, 2026-07-28', 'v2 client, 2025-11-25', 'v1 client'] as const
export type ClientKind = (typeof clientKinds)[number]

export async function connectClient(kind: ClientKind, url: string, token: string): Promise<McpClient> {
  if (kind === 'v1 client') {
    const client = new LegacyClient({ name: 'test', version: '1' })
    await client.connect(new LegacyTransport(new URL(url), bearer(token)))
    return {
      era: kind,
      listTools: async () => await client.listTools(),
      callTool: async (name, args) => (await client.callTool({ name, arguments: args })) as CallAnswer,
      close: async () => await client.close(),
    }
  }
  const mode = kind === 'v2 client, 2026-07-28' ? { pin: '2026-07-28' } : 'legacy'
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
  await client.connect(new StreamableHTTPClientTransport(new URL(url), bearer(token)))
  return {
    era: kind,
    listTools: async () => await client.listTools(),
    callTool: async (name, args) => (await client.callTool({ name, arguments: args })) as CallAnswer,
    close: async () => await client.close(),
  }
}
