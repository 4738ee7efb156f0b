import fc from 'fast-check'

/** One request, as it goes to both lanes. */
export interface Case {
  readonly name: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Json = Readonly<Record<string, unknown>>

const ENVELOPE: Json = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'lane', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}
const ACCEPT = 'application/json, text/event-stream'

/** What differs from a regular request. */
interface Odd {
  readonly message?: Json
  readonly params?: Json
  readonly meta?: Json | null
  readonly headers?: Readonly<Record<string, string>>
  /** Names of headers that are left out. */
  readonly without?: readonly string[]
}

function caseOf(era: 'modern' | 'legacy', name: string, method: string, params: Json, odd: Odd = {}): Case {
  const modern = era === 'modern'
  const meta = odd.meta === undefined ? (modern ? ENVELOPE : undefined) : (odd.meta ?? undefined)
  const whole = { ...params, ...odd.params, ...(meta === undefined ? {} : { _meta: meta }) }
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: ACCEPT,
    ...(modern ? { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method } : {}),
    ...(modern && typeof params['name'] === 'string' ? { 'mcp-name': params['name'] } : {}),
    ...odd.headers,
  }
  for (const gone of odd.without ?? []) Reflect.deleteProperty(headers, gone)
  return {
    name: `${era} ${name}`,
    headers,
    body: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params: whole, ...odd.message }),
  }
}

/** Arguments of tools whose answer hangs on nothing but them. */
const CALLS: readonly (readonly [string, Json])[] = [
  ['whoami', {}],
  ['list_projects', { limit: 3 }],
  ['list_projects', {}],
  ['list_projects', { limit: 0 }],
  ['list_projects', { limit: 'many', more: true }],
  ['list_projects', { cursor: 'not a cursor' }],
  ['get_project', { id: 'none' }],
  ['get_project', { id: '01920000-0000-7000-8000-000000000000' }],
  ['test_simple_text', {}],
  ['test_image_content', {}],
  ['test_audio_content', {}],
  ['test_embedded_resource', {}],
  ['test_multiple_content_types', {}],
  ['test_error_handling', {}],
  ['test_tool_with_logging', {}],
  ['test_tool_with_progress', {}],
  ['json_schema_2020_12_tool', { name: 'Ann', address: { street: 'x', city: 'y' } }],
  ['nobody_made_this', {}],
  ['constructor', {}],
  ['', {}],
]

/** What differs, by name. Each goes with a call and with the list. */
const ODD: Readonly<Record<string, Odd>> = {
  'an id that is a text': { message: { id: 'seven' } },
  'an id of quotes and signs': { message: { id: '"\\\u2028\u0000é' } },
  'an empty id': { message: { id: '' } },
  'a long id': { message: { id: 'x'.repeat(300) } },
  'id 0': { message: { id: 0 } },
  'id -1': { message: { id: -1 } },
  'an id with a fraction': { message: { id: 1.5 } },
  'an id beyond what is safe': { message: { id: 2 ** 60 } },
  'id null': { message: { id: null } },
  'an id that is an object': { message: { id: {} } },
  'no id': { message: { id: undefined } },
  'another jsonrpc': { message: { jsonrpc: '1.0' } },
  'no jsonrpc': { message: { jsonrpc: undefined } },
  'one member more': { message: { more: 1 } },
  'a result beside it': { message: { result: {} } },
  'an unknown parameter': { params: { more: 1 } },
  'a cursor': { params: { cursor: 'abc' } },
  'an empty cursor': { params: { cursor: '' } },
  'parameters null': { message: { params: null } },
  'parameters that are a list': { message: { params: [] } },
  'no parameters': { message: { params: undefined } },
  'arguments null': { params: { arguments: null } },
  'arguments that are a list': { params: { arguments: [1] } },
  'arguments that are a text': { params: { arguments: 'x' } },
  'no arguments': { params: { arguments: undefined } },
  'a member of the prototype': { params: { arguments: JSON.parse('{"__proto__":{"limit":1}}') as Json } },
  'a name that is a number': { params: { name: 5 } },
  'progress asked for': { meta: { ...ENVELOPE, progressToken: 1 } },
  'progress asked for, and nothing else': { meta: { progressToken: 'p' } },
  'a log level': { meta: { ...ENVELOPE, 'io.modelcontextprotocol/logLevel': 'debug' } },
  'a trace': {
    meta: { ...ENVELOPE, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' },
  },
  'a trace that is a number': { meta: { ...ENVELOPE, traceparent: 5 } },
  'something of its own in _meta': { meta: { ...ENVELOPE, 'example.com/own': 1 } },
  'an empty _meta': { meta: {} },
  '_meta without a client': { meta: { ...ENVELOPE, 'io.modelcontextprotocol/clientInfo': undefined } },
  '_meta with a client without a name': {
    meta: { ...ENVELOPE, 'io.modelcontextprotocol/clientInfo': { version: '1' } },
  },
  '_meta with capabilities that are a list': {
    meta: { ...ENVELOPE, 'io.modelcontextprotocol/clientCapabilities': [] },
  },
  '_meta with elicitation': {
    meta: { ...ENVELOPE, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } },
  },
  '_meta of another revision': { meta: { ...ENVELOPE, 'io.modelcontextprotocol/protocolVersion': '2027-01-01' } },
  'no _meta': { meta: null },
  'another revision in the header': { headers: { 'mcp-protocol-version': '2025-11-25' } },
  'the oldest revision in the header': { headers: { 'mcp-protocol-version': '2025-03-26' } },
  'an unknown revision in the header': { headers: { 'mcp-protocol-version': 'tomorrow' } },
  'no revision in the header': { without: ['mcp-protocol-version'] },
  'another method in the header': { headers: { 'mcp-method': 'resources/read' } },
  'no method in the header': { without: ['mcp-method'] },
  'another name in the header': { headers: { 'mcp-name': 'other' } },
  'no name in the header': { without: ['mcp-name'] },
  'JSON alone accepted': { headers: { accept: 'application/json' } },
  'a stream alone accepted': { headers: { accept: 'text/event-stream' } },
  'anything accepted': { headers: { accept: '*/*' } },
  'nothing accepted': { without: ['accept'] },
  'accepted in another order': { headers: { accept: 'text/event-stream;q=0.9, application/json' } },
  'a charset': { headers: { 'content-type': 'application/json; charset=utf-8' } },
  'another charset': { headers: { 'content-type': 'application/json; charset=latin1' } },
  'a content type in capitals': { headers: { 'content-type': 'Application/JSON' } },
  'text as content type': { headers: { 'content-type': 'text/plain' } },
  'a session': { headers: { 'mcp-session-id': 'abc' } },
  'a last event': { headers: { 'last-event-id': 'abc' } },
  'a parameter header': { headers: { 'mcp-param-limit': '3' } },
}

/** With the member `_proto` named `__proto__`, spelled as no search of the text finds it. */
const escaped = (one: Case): Case => ({ ...one, body: one.body.replace('"_proto"', String.raw`"\u005f_proto__"`) })

const ERAS = ['modern', 'legacy'] as const
const LIST_CALL = 'list_projects'

/** Hand-made: regular, odd and hostile, of both eras. */
export const CORPUS: readonly Case[] = ERAS.flatMap((era) => [
  ...CALLS.map(([tool, args]) =>
    caseOf(era, `${tool} ${JSON.stringify(args)}`, 'tools/call', { name: tool, arguments: args }),
  ),
  caseOf(era, 'the list', 'tools/list', {}),
  caseOf(era, 'discover', 'server/discover', {}),
  caseOf(era, 'ping', 'ping', {}),
  ...Object.entries(ODD).flatMap(([what, odd]) => [
    caseOf(era, `a call with ${what}`, 'tools/call', { name: LIST_CALL, arguments: { limit: 2 } }, odd),
    caseOf(era, `a list with ${what}`, 'tools/list', {}, odd),
  ]),
  escaped(
    caseOf(era, 'a call with a member of the prototype, escaped', 'tools/call', {
      name: LIST_CALL,
      arguments: { limit: 2, _proto: { limit: 1 } },
    }),
  ),
  { ...caseOf(era, 'half a message', 'tools/list', {}), body: '{"jsonrpc":"2.0","id":1,' },
  { ...caseOf(era, 'a batch', 'tools/list', {}), body: '[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]' },
  { ...caseOf(era, 'a number', 'tools/list', {}), body: '5' },
  { ...caseOf(era, 'nothing', 'tools/list', {}), body: '' },
])

const SCALAR = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
)
const ANY = fc.oneof(
  SCALAR,
  fc.array(SCALAR, { maxLength: 2 }),
  fc.dictionary(fc.string({ maxLength: 6 }), SCALAR, { maxKeys: 3 }),
)

/** Regular requests of which a member or a header is another. */
export const made: fc.Arbitrary<Case> = fc
  .record({
    era: fc.constantFrom(...ERAS),
    call: fc.constantFrom(...CALLS),
    lists: fc.boolean(),
    message: fc.option(fc.dictionary(fc.constantFrom('id', 'jsonrpc', 'more'), ANY, { maxKeys: 1 }), { nil: {} }),
    params: fc.option(fc.dictionary(fc.constantFrom('arguments', 'cursor', 'name', 'more'), ANY, { maxKeys: 1 }), {
      nil: {},
    }),
    meta: fc.option(
      fc.dictionary(fc.constantFrom(...Object.keys(ENVELOPE), 'progressToken', 'traceparent', 'x'), ANY, {
        maxKeys: 1,
      }),
      { nil: {} },
    ),
    odd: fc.constantFrom<Odd>({}, {}, {}, ...Object.values(ODD)),
  })
  .map(({ era, call: [tool, args], lists, message, params, meta, odd }) =>
    caseOf(era, 'made up', lists ? 'tools/list' : 'tools/call', lists ? {} : { name: tool, arguments: args }, {
      ...odd,
      message: { ...message, ...odd.message },
      params: { ...params, ...odd.params },
      ...(odd.meta === undefined && era === 'modern' && Object.keys(meta).length > 0
        ? { meta: { ...ENVELOPE, ...meta } }
        : {}),
    }),
  )
