import { expect, test } from 'vitest'
import { bearerToken } from '#identity/bearer.ts'
import { refused } from './support/refused.ts'

const read = (authorization: string | null, url = '/mcp', more: string[] = []): string =>
  bearerToken({
    rawHeaders: ['Host', 'x', ...(authorization === null ? [] : ['Authorization', authorization]), ...more],
    url,
  })

test.each(['Bearer abc', 'bearer abc', 'BEARER abc', 'BeArEr abc'])(
  'T3: the scheme of %s is known in any case',
  (value) => {
    expect(read(value)).toBe('abc')
  },
)

test('every character of a bearer token is let through', () => {
  expect(read('Bearer aZ09-._~+/==')).toBe('aZ09-._~+/==')
})

test.each([
  ['T1: no header', null],
  ['an empty header', ''],
  ['T2: another scheme', 'Basic YTpi'],
  ['T2: a scheme that only begins alike', 'Bearerx abc'],
  ['T2: an unknown scheme', 'Negotiate abc'],
  ['a scheme that a tab runs into the token', 'Bearer\tabc x'],
])('%s is no credential', async (_, value) => {
  expect(await refused(() => read(value))).toBe('token_missing')
})

test.each([
  ['T4: the scheme alone', 'Bearer'],
  ['T4: an empty token', 'Bearer '],
  ['T4: two spaces', 'Bearer  abc'],
  ['T4: a space inside', 'Bearer a b'],
  ['T4: a comma', 'Bearer a,Bearer b'],
  ['T4: a quote', 'Bearer "abc"'],
  ['T4: padding alone', 'Bearer =='],
  ['T4: padding in the middle', 'Bearer a=b'],
  ['T13: a byte of eight bits', 'Bearer abc\u00e9'],
  ['T12: a line break', 'Bearer abc\n'],
])('%s is malformed', async (_, value) => {
  expect(await refused(() => read(value))).toBe('header_malformed')
})

test.each([
  ['the same', 'Bearer abc'],
  ['another', 'Bearer def'],
  ['another scheme', 'Basic YTpi'],
])('T5: a second Authorization header with %s is malformed', async (_, second) => {
  expect(await refused(() => read('Bearer abc', '/mcp', ['authorization', second]))).toBe('header_malformed')
})

test('T7: a token in the query alone is not read', async () => {
  expect(await refused(() => read(null, '/mcp?access_token=abc'))).toBe('token_missing')
})

test.each(['/mcp?access_token=def', '/mcp?a=b&access_token=', '/mcp?access%5Ftoken=def', '/mcp?access_token'])(
  'T8: a header and %s are two ways at once',
  async (url) => {
    expect(await refused(() => read('Bearer abc', url))).toBe('header_malformed')
  },
)

test.each(['/mcp?a=b', '/mcp?', '/mcp&access_token=def', '/mcp?xaccess_token=def'])('%s holds no token', (url) => {
  expect(read('Bearer abc', url)).toBe('abc')
})

test.each(['Cookie', 'Mcp-Session-Id', 'X-Forwarded-Access-Token', 'Proxy-Authorization', 'X-API-Key'])(
  'T9, T14: %s is never read for a token',
  async (name) => {
    expect(await refused(() => read(null, '/mcp', [name, 'Bearer abc']))).toBe('token_missing')
    expect(read('Bearer abc', '/mcp', [name, 'Bearer def'])).toBe('abc')
  },
)

test('a header value that says authorization is not taken for a header', () => {
  expect(read('Bearer abc', '/mcp', ['X-Note', 'authorization', 'X-Other', 'Bearer def'])).toBe('abc')
})
