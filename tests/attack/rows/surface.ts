import { expect } from 'vitest'
import type { Expected, Row } from '../answers.ts'
import { request } from '../wire.ts'
import type { World } from '../world.ts'

/** security.md 3g, as far as there is such a surface: browser sign-in is not there yet (README.md beside the tests). */
const hosted = (id: string, what: string, host: string, answer: Expected, more: readonly string[] = []): Row => ({
  id,
  what,
  answer,
  send: async (world) =>
    await world.raw(
      request('POST /mcp', [`Host: ${host}`, `Authorization: Bearer ${world.token()}`, ...MCP, ...more], WHOAMI),
    ),
})
const MCP = ['Content-Type: application/json', 'Accept: application/json, text/event-stream']
const WHOAMI = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'whoami', arguments: {} },
})

/** Without a token. */
const anonymous = (id: string, path: string, answer: Expected, method = 'POST', also?: Row['also']): Row => ({
  id,
  what: `${method} ${path} without a token`,
  answer,
  send: async (world) => await world.rawCall([], `${method} ${path}`),
  ...(also === undefined ? {} : { also }),
})

const page = async (
  world: World,
  path: string,
  headers: readonly string[],
): Promise<Awaited<ReturnType<Row['send']>>> =>
  await world.raw(request(`GET ${path}`, [`Host: ${new URL(world.server.url).host}`, ...headers]))

const METADATA = '/.well-known/oauth-protected-resource/mcp'
const resourceIsOurs: Row['also'] = ({ text }, world) => {
  expect(JSON.parse(text)).toMatchObject({ resource: world.server.mcp })
  expect(text).not.toContain('evil')
}

export const surface: readonly Row[] = [
  ...[
    'evil.example.com',
    'evil.example.com:80',
    '127.0.0.1.evil.com',
    'localhost.evil.com',
    'a@127.0.0.1',
    '169.254.169.254',
    '0.0.0.0',
    '[::ffff:127.0.0.1]',
    '\u00e2\u00a7\u0080',
  ].map((host) => hosted('B12', `Host ${host} with a good token`, host, 'foreign')),
  ...['localhost', '127.0.0.1:1', '[::1]'].map((host) => hosted('B12', `Host ${host}`, host, 'served')),
  ...[
    'http://evil.example.com',
    'null',
    'https://localhost.evil.com',
    'file://',
    'http://127.0.0.1@evil.com',
    'http://localhost,http://evil.example.com',
  ].map((origin) => hosted('B12', `Origin ${origin} with a good token`, 'localhost', 'foreign', [`Origin: ${origin}`])),
  {
    ...hosted('B13', 'a page of this machine', 'localhost', 'served', ['Origin: http://localhost:6274']),
    also: ({ headers }) => {
      expect(headers.get('access-control-allow-origin')).toBe('http://localhost:6274')
      expect(headers.get('access-control-allow-credentials')).toBeNull()
      expect(headers.get('access-control-expose-headers')).toContain('WWW-Authenticate')
    },
  },
  {
    id: 'B13',
    what: 'a page of elsewhere, with a cookie',
    answer: 'foreign',
    send: async (world) =>
      await world.rawCall(['Origin: https://evil.example.com', `Cookie: session=${world.token()}`]),
    also: ({ headers }) => {
      expect(headers.get('access-control-allow-origin')).toBeNull()
      expect(headers.get('access-control-allow-credentials')).toBeNull()
    },
  },
  {
    id: 'B14',
    what: 'a line break in the header that is echoed',
    answer: 'served',
    send: async (world) =>
      await world.rawCall([`Authorization: Bearer ${world.token()}`, 'X-Request-Id: abcdefgh%0d%0aSet-Cookie: x=1']),
    also: ({ headers }) => {
      expect(headers.get('set-cookie')).toBeNull()
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    },
  },
  ...['/mcp/', '/mcp?x=1', '/%6dcp', '/mcp?', '/mcp#x', '/mcp/?a=/nowhere'].map((path) => anonymous('B15', path, 'A0')),
  ...[
    '//mcp',
    '/mcp//',
    '/MCP',
    '/mcp%2f',
    '/mcp/..;/',
    '/mcp/../mcp',
    '/./mcp',
    '/nowhere/../mcp',
    '/mcp;x=1',
    '/mcp.json',
    '/mcp%00',
    '/mcp%20',
    '/api/../mcp',
    '/t/ACME/mcp',
    '/t/acme/../globex/mcp',
    '/t//mcp',
    '/t/a.b/mcp',
  ].map((path) => anonymous('B15', path, 404)),
  ...['/%', '/mcp%', '/%c0%ae%c0%ae/mcp', '/t/%ff/mcp'].map((path) => anonymous('B15', path, 400)),
  ...['GET', 'DELETE'].map((method) => anonymous('B15', '/mcp', 'A0', method)),
  ...['PUT', 'PATCH', 'HEAD'].map((method) => anonymous('B15', '/mcp', 405, method)),
  anonymous('B15', '/api/v1/whoami', 'A0', 'GET'),
  ...['/%61pi/v1/whoami', '/api/v1/keys?access_token=x', '/api/v1/operator/tenants'].map((path) =>
    anonymous('B15', path, 'A0', 'GET'),
  ),
  ...['/api/v1//whoami', '/API/v1/whoami', '/api/v1/members/..%2fwhoami/x', '/t/ACME/api/v1/whoami'].map((path) =>
    anonymous('B15', path, 404, 'GET'),
  ),
  ...['POST', 'PUT', 'PATCH', 'DELETE'].map((method) => anonymous('B15', '/api/v1/whoami', 405, method)),
  anonymous('B15', '/api/v1/whoami/', 404, 'GET'),
  anonymous('B15', '/api/v1', 404, 'GET'),
  // The rows of browser sign-in are in tests/login, tests/console and tests/sign-in; here only that a token has no part in it.
  ...['/oauth/authorize', '/oauth/callback/google?code=x&state=y'].map((path) => anonymous('B2', path, 400, 'GET')),
  anonymous('B2', '/.well-known/oauth-authorization-server', 'page', 'GET'),
  anonymous('B2', '/oauth/jwks.json', 'page', 'GET'),
  anonymous('B2', '/console/login', 'page', 'GET'),
  ...[
    '/dev/authorize',
    '/dev/.well-known/openid-configuration',
    '/admin',
    '/.env',
    '/.git/config',
    '/.well-known/openid-configuration',
  ].map((path) => anonymous('B2', path, 404, 'GET')),
  anonymous('B2', '/dev/token', 404),
  ...['/oauth/token', '/oauth/register', '/oauth/revoke', '/auth/token'].map((path) => anonymous('B2', path, 400)),
  anonymous('B15', '/sse', 410, 'GET'),
  anonymous('B15', '/messages', 410),
  ...[
    ['X-Forwarded-Host: evil.example.com', 'X-Forwarded-Proto: https'],
    ['Forwarded: host=evil.example.com;proto=https'],
    ['X-Original-Host: evil.example.com'],
    ['X-Host: evil.example.com'],
  ].map((headers): Row => ({
    id: 'B16',
    what: `metadata under ${headers[0]}`,
    answer: 'page',
    send: async (world) => await page(world, METADATA, headers),
    also: resourceIsOurs,
  })),
  {
    id: 'B9',
    what: 'metadata under the name of another host',
    answer: 'foreign',
    send: async (world) => await world.raw(request(`GET ${METADATA}`, ['Host: evil.example.com'])),
  },
  {
    id: 'B9',
    what: 'the challenge under X-Forwarded-Host',
    answer: 'A0',
    send: async (world) => await world.rawCall(['X-Forwarded-Host: evil.example.com', 'X-Forwarded-Proto: https']),
  },
  {
    id: 'B18',
    what: 'a path that would name a file',
    answer: 404,
    send: async (world) => await page(world, '/..%2f..%2fetc%2fpasswd', []),
    also: ({ text }) =>
      expect(text).toBe('{"error":"not_found","error_description":"There is nothing at this address."}'),
  },
  {
    id: 'B18',
    what: 'metrics through a proxy',
    answer: 404,
    send: async (world) => await page(world, '/metrics', ['X-Forwarded-For: 203.0.113.9']),
  },
  {
    id: 'B18',
    what: 'readiness through a proxy',
    answer: 'page',
    send: async (world) => await page(world, '/livez', ['X-Forwarded-For: 203.0.113.9']),
    also: ({ text }) => expect(text).toBe('{"status":"ok"}'),
  },
  {
    id: 'T11',
    what: 'a body over 1 MiB of somebody known',
    answer: 413,
    send: async (world) =>
      await world.raw(
        request(
          'POST /mcp',
          [`Host: ${new URL(world.server.url).host}`, `Authorization: Bearer ${world.token()}`, ...MCP],
          'x'.repeat(1024 * 1024 + 1),
        ),
      ),
  },
  {
    id: 'T11',
    what: 'a body announced with 1 TB by nobody: answered before it comes',
    answer: 'A0',
    send: async (world) =>
      await world.raw(
        `POST /mcp HTTP/1.1\r\nHost: ${new URL(world.server.url).host}\r\nContent-Length: 1099511627776\r\n\r\n{`,
      ),
  },
]
