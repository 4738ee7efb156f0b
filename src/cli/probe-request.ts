import { failed, type Finding } from './finding.ts'

/** Says who asks, in the other side's log. */
export const PROBE = { 'user-agent': 'gatehouse-doctor' } as const

/** A message that any MCP server understands, without a token; `headers` beside the usual ones. */
export const question = (headers: Readonly<Record<string, string>> = {}): RequestInit => ({
  method: 'POST',
  headers: {
    ...PROBE,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...headers,
  },
  body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
})

/** What a request that got no answer leaves to say. */
export const noAnswer = (check: string, error: unknown): Finding =>
  failed(check, `no answer: ${error instanceof Error ? error.message : String(error)}`)
