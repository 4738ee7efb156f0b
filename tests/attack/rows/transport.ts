import { presented, type Expected, type Row } from '../answers.ts'
import { raw, request } from '../wire.ts'
import type { World } from '../world.ts'

/** security.md 3a: how a token is carried. */
const lines = (
  id: string,
  what: string,
  answer: Expected,
  headers: (world: World) => readonly string[],
  more: { readonly target?: (world: World) => string; readonly also?: Row['also'] } = {},
): Row => ({
  id,
  what,
  answer,
  send: async (world) => await world.rawCall(headers(world), more.target?.(world)),
  ...(more.also === undefined ? {} : { also: more.also }),
})

const bearer = (world: World): string => `Authorization: Bearer ${world.token()}`
const form = 'Content-Type: application/x-www-form-urlencoded'

/** A whole request with a body of its own. */
const posted = (world: World, headers: readonly string[], body: string, target = 'POST /mcp'): string =>
  request(target, [`Host: ${new URL(world.server.url).host}`, ...headers], body)

/** Rows in the order of the page. */
export const transport: readonly Row[] = [
  lines('T1', 'no Authorization', 'A0', () => []),
  lines('T1', 'no Authorization on GET', 'A0', () => [], { target: () => 'GET /mcp' }),
  lines('T1', 'no Authorization on DELETE', 'A0', () => [], { target: () => 'DELETE /mcp' }),
  lines('T1', 'an empty Authorization', 'A0', () => ['Authorization:']),
  ...[
    'Basic YWxpY2U6c2VjcmV0',
    'Negotiate YII=',
    'Digest username="alice"',
    'DPoP x.y.z',
    'Token abc',
    'Bearerx abc',
  ].map((value) => lines('T2', `scheme ${value.split(' ')[0]}`, 'A0', () => [`Authorization: ${value}`])),
  lines('T2', 'the token without a scheme', 'A0', (world) => [`Authorization: ${world.token()}`]),
  ...['bearer', 'BEARER', 'bEaReR'].map((scheme) =>
    lines('T3', `scheme ${scheme}`, 'served', (world) => [`Authorization: ${scheme} ${world.token()}`]),
  ),
  lines('T4', 'Bearer alone', 'A2', () => ['Authorization: Bearer']),
  lines('T4', 'Bearer and spaces', 'A2', () => ['Authorization: Bearer    ']),
  lines('T4', 'two spaces before the token', 'A2', (world) => [`Authorization: Bearer  ${world.token()}`]),
  lines('T4', 'a space in the token', 'A2', (world) => [`Authorization: Bearer ${world.token().replace('.', '. ')}`]),
  lines('T4', 'two tokens after a space', 'A2', (world) => [`Authorization: Bearer ${world.token()} ${world.token()}`]),
  lines('T4', 'two tokens after a comma', 'A2', (world) => [
    `Authorization: Bearer ${world.token()}, Bearer ${world.token()}`,
  ]),
  lines('T4', 'a token and a parameter', 'A2', (world) => [`Authorization: Bearer ${world.token()}, realm="x"`]),
  lines('T4', 'a token in quotes', 'A2', (world) => [`Authorization: Bearer "${world.token()}"`]),
  lines('T4', 'only padding', 'A2', () => ['Authorization: Bearer ==']),
  lines('T4', 'a tab after the scheme', 'A0', (world) => [`Authorization: Bearer\t${world.token()}`]),
  lines('T5', 'the same Authorization twice', 'A2', (world) => [bearer(world), bearer(world)]),
  lines('T5', 'a good one, then a bad one', 'A2', (world) => [bearer(world), 'Authorization: Bearer x.y.z']),
  lines('T5', 'a bad one, then a good one', 'A2', (world) => ['Authorization: Bearer x.y.z', bearer(world)]),
  lines('T5', 'Bearer and Basic', 'A2', (world) => [bearer(world), 'AUTHORIZATION: Basic YTpi']),
  lines('T5', 'Basic and Bearer', 'A2', (world) => ['authorization: Basic YTpi', bearer(world)]),
  {
    id: 'T6',
    what: 'two Host headers, both ours',
    answer: 400,
    send: async (world) => await world.rawCall([`Host: ${new URL(world.server.url).host}`, bearer(world)]),
  },
  {
    id: 'T6',
    what: 'no Host',
    answer: 400,
    send: async (world) => await world.raw(request('GET /mcp', [bearer(world)])),
  },
  {
    id: 'T6',
    what: 'a request target with another host',
    answer: 400,
    send: async (world) => await world.rawCall([bearer(world)], 'POST http://evil.example/mcp'),
  },
  lines('T7', 'the token in the query alone', 'A0', () => [], {
    target: (world) => `POST /mcp?access_token=${world.token()}`,
  }),
  lines('T7', 'the token in the query of a GET', 'A0', () => [], {
    target: (world) => `GET /mcp?access_token=${world.token()}`,
  }),
  lines('T8', 'the token in header and query', 'A2', (world) => [bearer(world)], {
    target: (world) => `POST /mcp?x=1&access_token=${world.token()}`,
  }),
  lines('T8', 'the token in header and, spelt otherwise, in the query', 'A2', (world) => [bearer(world)], {
    target: (world) => `POST /mcp?access%5Ftoken=${world.token()}`,
  }),
  {
    id: 'T8',
    what: 'the token in header and form',
    answer: 'A2',
    send: async (world) => await world.raw(posted(world, [bearer(world), form], `access_token=${world.token()}`)),
  },
  {
    id: 'T9',
    what: 'the token in a form alone',
    answer: 'A0',
    send: async (world) => await world.raw(posted(world, [form], `access_token=${world.token()}`)),
  },
  ...[
    'Cookie: access_token=',
    'Mcp-Session-Id: ',
    'X-Forwarded-Access-Token: ',
    'X-Auth-Request-Access-Token: ',
    'Proxy-Authorization: Bearer ',
    'X-Authorization: Bearer ',
    'X-Access-Token: ',
  ].map((place) => lines('T9', `the token in ${place.split(':')[0]}`, 'A0', (world) => [`${place}${world.token()}`])),
  lines('T10', 'headers of 17 KiB', 431, (world) => [bearer(world), `X-Long: ${'x'.repeat(17 * 1024)}`]),
  presented('T11', 'a JWT of more than 8,192 characters', 'A1', (world) => padded(world, 8_192, true)),
  presented('T11', 'a JWT of at most 8,192 characters', 'served', (world) => padded(world, 8_192, false)),
  presented('T11', 'an opaque token of 4,097 characters', 'A1', () => `gho_${'a'.repeat(4_093)}`),
  presented('T11', 'an unprefixed opaque token of 4,097 characters', 'A1', () => 'a'.repeat(4_097)),
  presented('T11', 'an API key of 9,000 characters', 'A1', () => `gh_key_${'a'.repeat(9_000)}`),
  lines('T12', 'a folded header', 400, (world) => [`Authorization: Bearer\r\n ${world.token()}`]),
  lines('T12', 'a NUL in the token', 400, () => ['Authorization: Bearer a\0b']),
  lines('T12', 'a bare CR in the token', 400, () => ['Authorization: Bearer a\rb']),
  lines('T12', 'a space before the colon', 400, (world) => [`Authorization : Bearer ${world.token()}`]),
  lines('T13', 'bytes over 127 in the token', 'A2', () => ['Authorization: Bearer \u00e9\u00ff.x.y']),
  lines('T13', 'a byte over 127 behind a good token', 'A2', (world) => [`${bearer(world)}\u00a0`]),
  {
    id: 'T14',
    what: 'a good Bearer and a bad X-API-Key',
    answer: 'served',
    send: async (world) => await world.call(world.token(), { 'x-api-key': 'gh_key_bad' }),
  },
  {
    id: 'T14',
    what: 'a bad Bearer and a good X-API-Key',
    answer: 'A1',
    send: async (world) =>
      await world.call(world.token({ key: world.keys.evil }), { 'x-api-key': (await world.key()).key }),
  },
  {
    id: 'T15',
    what: 'HTTP/1.0 without a token',
    answer: 'A0',
    send: async (world) =>
      await raw(world.server.url, `GET /mcp HTTP/1.0\r\nHost: ${new URL(world.server.url).host}\r\n\r\n`),
  },
  ...[
    ['Content-Length and Transfer-Encoding', ['Transfer-Encoding: chunked']],
    ['two lengths', ['Content-Length: 5']],
    ['chunked twice', ['Transfer-Encoding: chunked, chunked']],
    ['a Transfer-Encoding that is not quite chunked', ['Transfer-Encoding: xchunked']],
    ['a Transfer-Encoding with a space before the colon', ['Transfer-Encoding : chunked']],
  ].map(([what, more]): Row => ({
    id: 'T15',
    what: `smuggling: ${String(what)}`,
    answer: 400,
    send: async (world) => await world.rawCall([bearer(world), ...(more as readonly string[])]),
  })),
  {
    id: 'T16',
    what: 'a preflight',
    answer: 204,
    send: async (world) =>
      await world.raw(
        posted(
          world,
          [
            'Origin: http://localhost:6274',
            'Access-Control-Request-Method: POST',
            'Access-Control-Request-Headers: authorization',
          ],
          '',
          'OPTIONS /mcp',
        ),
      ),
  },
]

/** A good token, made as long as this by a claim that nobody reads: the longest up to it, or the shortest over it. */
function padded(world: World, length: number, over: boolean): string {
  const bare = world.token({ claims: { padding: '' } }).length
  let best = ''
  for (let extra = Math.floor(((length - bare) * 3) / 4) - 4; ; extra += 1) {
    const token = world.token({ claims: { padding: 'x'.repeat(extra) } })
    if (token.length > length) return over ? token : best
    best = token
  }
}
