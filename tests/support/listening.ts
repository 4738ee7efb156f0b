import type { RunningGatehouse } from './gatehouse.ts'
import { until } from './until.ts'

export interface Listening {
  /** Methods, and the address where there is one. */
  readonly heard: string[]
  readonly stop: () => void
}

/** Opens subscriptions/listen; answers once it is acknowledged. */
export async function listen(
  server: RunningGatehouse,
  email: string,
  resourceSubscriptions: readonly string[] = [],
): Promise<Listening> {
  const end = new AbortController()
  const params = {
    notifications: {
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      resourceSubscriptions,
    },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  }
  const response = await fetch(server.mcp, {
    method: 'POST',
    signal: end.signal,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${await server.token(email)}`,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params }),
  })
  const heard: string[] = []
  const read = async (): Promise<void> => {
    let rest = ''
    for await (const piece of response.body ?? []) {
      const lines = (rest + Buffer.from(piece).toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines.filter((each) => each.startsWith('data: '))) {
        const { method, params: said } = JSON.parse(line.slice('data: '.length)) as {
          method: string
          params?: { uri?: string }
        }
        heard.push([method.replace('notifications/', ''), said?.uri ?? ''].join(' ').trim())
      }
    }
  }
  void read().catch(() => {})
  await until(() => heard.includes('subscriptions/acknowledged'))
  heard.length = 0
  return { heard, stop: () => end.abort() }
}
