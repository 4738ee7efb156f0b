import fc from 'fast-check'

/** One request as bytes, and what of it the judgement needs to know. */
export interface Hostile {
  readonly bytes: string
  /** It carries the good token, so that it may be served. */
  readonly known: boolean
  /** Path and query of the request line. */
  readonly target: string
}

const TOKEN = 'GOOD-TOKEN'
const separator = fc.constantFrom(
  '',
  '/',
  '//',
  '/./',
  '/../',
  '%2f',
  '%2e%2e/',
  ';',
  '?',
  '#',
  '%00',
  '%',
  '\\',
  ' ',
  '.',
)
const known = fc.constantFrom(
  '/mcp',
  '/t/acme_test/mcp',
  '/t/globex_test/mcp',
  '/api/v1/whoami',
  '/.well-known/oauth-protected-resource',
  '/.well-known/oauth-protected-resource/t/acme_test/mcp',
  '/livez',
  '/readyz',
  '/metrics',
  '/sse',
  '/messages',
  '/dev/authorize',
  '/dev/token',
  '/dev/jwks',
  '/dev/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server/dev',
  '/',
  '*',
  'http://127.0.0.1/mcp',
)
const query = fc.oneof(
  fc.constant(''),
  fc.constantFrom('?access_token=x', '?client_id=x&response_type=code', '?%', '?a[]=1&a[__proto__]=2', '?state=%00'),
  fc.webQueryParameters().map((text) => `?${text}`),
)
const target = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(known, query).map((parts) => parts.join('')) },
  { weight: 3, arbitrary: fc.tuple(separator, known, separator, known, query).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.string({ maxLength: 200 }).map((text) => `/${text.replaceAll(/[\s\0]/g, '')}`) },
)
const method = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('POST', 'GET', 'DELETE', 'OPTIONS', 'HEAD', 'PUT', 'PATCH') },
  { weight: 1, arbitrary: fc.constantFrom('TRACE', 'CONNECT', 'PROPFIND', 'QUERY', 'get', 'M-SEARCH', 'X') },
)
const version = fc.oneof(
  { weight: 20, arbitrary: fc.constant('HTTP/1.1') },
  { weight: 1, arbitrary: fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 ', 'HTTP/9', '') },
)

const text = fc
  .oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 30 }))
  .map((raw) => Buffer.from(raw).toString('latin1'))
const host = fc.oneof(
  { weight: 20, arbitrary: fc.constant('127.0.0.1') },
  { weight: 1, arbitrary: fc.oneof(fc.domain(), text) },
)
const authorization = fc.oneof(
  { weight: 6, arbitrary: fc.constant(`Bearer ${TOKEN}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      `bearer ${TOKEN}`,
      `Bearer ${TOKEN}x`,
      `Bearer .${TOKEN}`,
      'Bearer',
      `Basic ${TOKEN}`,
      'Bearer a.b.c',
      'Bearer gh_key_x',
      'Bearer gho_x',
    ),
  },
  { weight: 1, arbitrary: text.map((value) => `Bearer ${value}`) },
)
const usual = fc.constantFrom(
  'Expect: 100-continue',
  'Expect: 200-ok',
  'Transfer-Encoding: chunked',
  'Content-Encoding: gzip',
  'Upgrade: websocket\r\nConnection: Upgrade',
  'Upgrade: h2c',
  'Content-Length: -1',
  'X-HTTP-Method-Override: DELETE',
  'X-Forwarded-For: 127.0.0.1',
  'Forwarded: for=127.0.0.1',
  'Mcp-Session-Id: x',
  'MCP-Protocol-Version: 2026-07-28',
  'MCP-Protocol-Version: 1999-01-01',
  'Mcp-Method: tools/call',
  'Mcp-Name: whoami',
  'Last-Event-ID: 1',
  'Origin: http://localhost',
  'Origin: null',
  'Access-Control-Request-Headers: x',
  'Range: bytes=0-1',
  'Accept-Version: 9',
  'Cookie: a=1; __Host-gh=2',
)
const other = fc.oneof(
  { weight: 12, arbitrary: usual },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.stringMatching(/^[A-Za-z0-9-]{1,20}$/), fc.stringMatching(/^[!-~]{0,40}$/))
      .map((parts) => parts.join(': ')),
  },
  { weight: 1, arbitrary: fc.tuple(text, text).map((parts) => parts.join(':')) },
)
const type = fc.constantFrom(
  'application/json',
  'application/json; charset=x',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'x',
  '',
)
const accept = fc.constantFrom(
  'application/json, text/event-stream',
  'application/json',
  'text/event-stream',
  '*/*',
  'x;;q=',
  '',
)

const rpcMethod = fc.oneof(
  fc.constantFrom(
    'tools/call',
    'tools/list',
    'initialize',
    'ping',
    'server/discover',
    'resources/read',
    'prompts/get',
    'completion/complete',
    'subscriptions/listen',
    'notifications/cancelled',
    'logging/setLevel',
    '__proto__',
  ),
  fc.string(),
)
const tool = fc.constantFrom(
  'whoami',
  'create_project',
  'list_projects',
  'get_project',
  'search_documents',
  'create_document',
  'read_audit_log',
  'constructor',
  '',
)
const meta = fc.option(
  fc.record(
    {
      progressToken: fc.jsonValue(),
      'io.modelcontextprotocol/protocolVersion': fc.constantFrom('2026-07-28', '2025-11-25', 'x'),
      traceparent: fc.string(),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
)
const argument = fc.dictionary(
  fc.constantFrom('name', 'id', 'cursor', 'limit', 'title', 'body', 'query', 'project_id', '__proto__'),
  fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.uuid(), fc.integer()),
)
const message = fc.record(
  {
    jsonrpc: fc.constantFrom<unknown>('2.0', '1.0', 2),
    id: fc.oneof(fc.integer(), fc.string(), fc.jsonValue()),
    method: rpcMethod,
    params: fc.oneof(
      fc.record({ name: tool, arguments: fc.oneof(argument, fc.jsonValue()), _meta: meta }),
      fc.jsonValue(),
    ),
  },
  { requiredKeys: ['method'] },
)
const body = fc.oneof(
  { weight: 6, arbitrary: message.map((said) => JSON.stringify({ jsonrpc: '2.0', id: 1, ...said })) },
  { weight: 1, arbitrary: fc.array(message, { maxLength: 3 }).map((said) => JSON.stringify(said)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.nat(3_000).map((deep) => '['.repeat(deep) + ']'.repeat(deep)) },
  { weight: 1, arbitrary: text },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '{', '0\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n', 'GET /mcp HTTP/1.1\r\nHost: x\r\n\r\n'),
  },
)

/** Requests from nearly right to nonsense. @param token the good one. */
export const hostile = (token: string): fc.Arbitrary<Hostile> =>
  fc
    .record({
      method,
      target,
      version,
      host,
      authorization: fc.option(authorization),
      type,
      accept,
      others: fc.oneof(fc.constant([]), fc.array(other, { maxLength: 3 })),
      body,
      length: fc.oneof(
        { weight: 9, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: -20, max: 20 }) },
      ),
    })
    .map((said) => {
      const lines = [
        `${said.method} ${said.target} ${said.version}`,
        `Host: ${said.host}`,
        ...(said.authorization === null ? [] : [`Authorization: ${said.authorization.replaceAll(TOKEN, token)}`]),
        `Content-Type: ${said.type}`,
        `Accept: ${said.accept}`,
        ...said.others,
        ...(said.body === '' ? [] : [`Content-Length: ${Math.max(0, Buffer.byteLength(said.body) + said.length)}`]),
        'Connection: close',
      ]
      const bytes = [...lines, '', Buffer.from(said.body).toString('latin1')].join('\r\n')
      return { bytes, known: bytes.includes(token), target: said.target }
    })
