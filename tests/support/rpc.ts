export interface RpcAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The JSON-RPC message, out of an SSE stream too; null when there is none. */
  readonly json: unknown
}

/** One 2025-era JSON-RPC request, as curl would send it. */
export async function rpc(
  url: string,
  token: string | null,
  method: string,
  params: unknown = {},
  headers: Record<string, string> = {},
): Promise<RpcAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: read(text) }
}

function read(text: string): unknown {
  const data =
    text
      .split('\n')
      .findLast((line) => line.startsWith('data: '))
      ?.slice('data: '.length) ?? text
  try {
    return JSON.parse(data)
  } catch {
    return null
  }
}
