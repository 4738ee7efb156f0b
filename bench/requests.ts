/** One call, as every server of a case gets it. */
export interface Call {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What `describe_order` is asked: six fields, 200 characters of them one text. */
export const ORDER = {
  customer: 'Archer & Sons',
  item: 'Bench vice, cast iron, 125 mm jaws, '.padEnd(200, 'swivel base, '),
  quantity: 3,
  unit_price: 149.5,
  express: true,
  note: 'Ring twice',
} as const

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}
const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

/** A request of 2026-07-28, as the official client sends it. */
function modern(method: string, params: object, name?: string): Call {
  return {
    headers: {
      ...JSON_HEADERS,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(name === undefined ? {} : { 'mcp-name': name }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params: { ...params, _meta: META } }),
  }
}

export const callTool = (name: string, args: object): Call => modern('tools/call', { name, arguments: args }, name)
export const listTools = (): Call => modern('tools/list', {})

/** The same of 2025-11-25: what clients send today, and all that some of the peers understand. */
export const callToolLegacy = (name: string, args: object): Call => ({
  headers: { ...JSON_HEADERS, 'mcp-protocol-version': '2025-11-25' },
  body: JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name, arguments: args } }),
})

/** The bytes of one request to a server on this machine. */
export function requestBytes({ headers, body }: Call, port: number, path: string, token: string): Buffer {
  const lines = Object.entries({
    host: `127.0.0.1:${port}`,
    connection: 'keep-alive',
    ...headers,
    authorization: `Bearer ${token}`,
    'content-length': String(Buffer.byteLength(body)),
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}
