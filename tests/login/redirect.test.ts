import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answerUrl, createRedirectRules, isOneOf, portless, redirectOf } from '#login/redirect.ts'
import { LOGIN } from './support/sign-in-server.ts'

const kindOf = (text: string): string | null => redirectOf(text, LOGIN)?.kind ?? null

test('D27: https, the three names of this computer, and a scheme of the list; shown as the place they lead to', () => {
  const shown: [string, string, string][] = [
    ['https://claude.ai/api/mcp/auth_callback', 'https', 'claude.ai'],
    ['https://client.test:8443/cb?tenant=a%20b', 'https', 'client.test:8443'],
    ['https://client.test', 'https', 'client.test'],
    ['https://xn--pple-43d.com/cb', 'https', 'xn--pple-43d.com'],
    ['http://127.0.0.1:33418/', 'loopback', '127.0.0.1:33418'],
    ['http://127.0.0.1', 'loopback', '127.0.0.1'],
    ['http://[::1]:9/cb', 'loopback', '[::1]:9'],
    ['http://localhost:7777/oauth/callback', 'loopback', 'localhost:7777'],
    ['https://localhost:3000/cb', 'loopback', 'localhost:3000'],
    ['cursor://anysphere.cursor-mcp/oauth/callback', 'scheme', 'cursor://anysphere.cursor-mcp'],
    ['cursor:/oauth/callback', 'scheme', 'cursor:/'],
  ]
  for (const [text, kind, host] of shown) expect(redirectOf(text, LOGIN), text).toMatchObject({ kind, host })
})

test('D27: what a browser could read in another way than we do, and what leads nowhere good, is no redirect', () => {
  const refused = [
    '',
    ' ',
    'https://',
    'https:///cb',
    '//client.test/cb',
    '/cb',
    'client.test/cb',
    'https:client.test',
    'https:/client.test/cb',
    'http://client.test/cb',
    'http://127.0.0.2/cb',
    'http://127.1/cb',
    'http://2130706433/cb',
    'http://0.0.0.0/cb',
    'http://localhost.evil.test/cb',
    'http://127.0.0.1.evil.test/cb',
    'http://localhost@evil.test/cb',
    'http://localhost%2eevil.test/',
    'https://client.test/cb#',
    'https://client.test/cb#x',
    'https://u@client.test/cb',
    'https://u:p@client.test/cb',
    'https://@client.test/',
    'https://client.test/../cb',
    'https://client.test/a/./cb',
    'https://client.test/%2e%2e/cb',
    'https://client.test/%2E%2e%2fcb',
    'https://client.test/..%5ccb',
    'https://client.test\\@evil.test/',
    'https://client.test/\\evil',
    'https://client.test:443/cb',
    'https://Client.test/cb',
    'HTTPS://client.test/cb',
    'https://client.test./cb',
    'https://cliént.test/cb',
    'https://client.test:99999/',
    'https://client.test/c b',
    'https://client.test/cb\n',
    '\thttps://client.test/cb',
    'https://client.test/%0d%0ax',
    'https://client.test/%7f',
    'https://client.test/%zz',
    'https://client.test/cb?code=1',
    'https://client.test/cb?a=1&state=2',
    'https://client.test/cb?%69ss=1',
    'javascript:alert(1)',
    'JaVaScRiPt://client.test/%0aalert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    'blob:https://a/b',
    'vscode://vscode.test/cb',
    'cursor:opaque',
    'cursor:',
    'CURSOR://a/cb',
    'cursor://a/../cb',
    'cursors://a/cb',
    'cursor://u@a/cb',
    `https://client.test/${'x'.repeat(2048)}`,
  ]
  expect(refused.filter((text) => kindOf(text) !== null)).toEqual([])
})

test('no text at all becomes a redirect to a host that its own beginning does not name', () => {
  const pieces = fc.constantFrom(
    'https://',
    'http://',
    '127.0.0.1',
    'localhost',
    '[::1]',
    'a.test',
    ':',
    '80',
    '/',
    '\\',
    '@',
    '?',
    '#',
    '.',
    '%2f',
    '%40',
    '\t',
    'cursor:',
    'x',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
      const text = parts.join('')
      const redirect = redirectOf(text, LOGIN)
      if (redirect === null) return
      expect(text).toMatch(/^(?:https:\/\/|cursor:\/|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?:[:/?]|$))/)
      if (redirect.kind !== 'scheme') expect(text.slice(text.indexOf('//') + 2).startsWith(redirect.host)).toBe(true)
    }),
    { numRuns: 5000 },
  )
})

test('RFC 8252 section 7.3: on loopback the port is free and nothing else is; elsewhere every letter counts', () => {
  const given = ['http://127.0.0.1:33418/cb', 'http://localhost/', 'https://a.test/cb', 'cursor://x/cb']
  for (const asked of [
    'http://127.0.0.1/cb',
    'http://127.0.0.1:1/cb',
    'http://localhost:9',
    'http://localhost:9/',
    'https://a.test/cb',
    'cursor://x/cb',
  ])
    expect(isOneOf(asked, given), asked).toBe(true)
  for (const asked of [
    'http://localhost:9/cb',
    'http://[::1]:33418/cb',
    'https://127.0.0.1:33418/cb',
    'http://127.0.0.1:1/cb/',
    'http://127.0.0.1:1/cb?x',
    'http://127.0.0.1:1/CB',
    'https://a.test:444/cb',
    'https://a.test/cb?',
    'https://a.test/cb/',
    'cursor://x:1/cb',
  ])
    expect(isOneOf(asked, given), asked).toBe(false)
  expect(portless('https://127.0.0.1.evil.test:1/cb')).toBe('https://127.0.0.1.evil.test:1/cb')
})

test('an answer is added to the redirect, which stays as the client wrote it', () => {
  expect(answerUrl('https://a.test/cb', { code: 'a+b', iss: 'https://m.test' })).toBe(
    'https://a.test/cb?code=a%2Bb&iss=https%3A%2F%2Fm.test',
  )
  expect(answerUrl('https://a.test/cb?x=%20', { error: 'access_denied' })).toBe(
    'https://a.test/cb?x=%20&error=access_denied',
  )
  expect(answerUrl('cursor://x/cb', { state: 'a\r\nb' })).toBe('cursor://x/cb?state=a%0D%0Ab')
})

test('D27: LOGIN_ALLOWED_CLIENTS lets through what it names, LOGIN_BLOCKED_HOSTS stops a host with all beneath it', () => {
  const all = [
    'https://claude.ai/cb',
    'https://evil.test/cb',
    'https://a.evil.test:1/cb',
    'http://localhost:1/cb',
    'http://127.0.0.1/cb',
    'cursor://x/cb',
  ]
  const rules = (over: Partial<typeof LOGIN>) => createRedirectRules({ ...LOGIN, ...over })
  expect(rules({}).allowed(all, null)).toEqual(all)
  expect(rules({ blockedHosts: ['evil.test'] }).allowed(all, null)).toEqual(all.filter((uri) => !uri.includes('evil')))
  expect(rules({ blockedHosts: ['vil.test'] }).allowed(all, null)).toEqual(all)
  expect(rules({ blockedHosts: ['localhost'] }).allowed(all, null)).toHaveLength(4)
  expect(rules({ allowedClients: ['claude.ai'] }).allowed(all, null)).toEqual(['https://claude.ai/cb'])
  expect(rules({ allowedClients: ['localhost', 'cursor:'] }).allowed(all, null)).toEqual(all.slice(3))
  const client_id = 'https://claude.ai/client'
  expect(rules({ allowedClients: [client_id] }).allowed(all, client_id)).toEqual(all)
  expect(rules({ allowedClients: [client_id] }).allowed(all, null)).toEqual([])
  expect(rules({ allowedClients: [client_id], blockedHosts: ['evil.test'] }).allowed(all, client_id)).toHaveLength(4)
  const blocked = rules({ blockedHosts: ['evil.test', '2001:db8::1'] })
  expect(
    ['https://evil.test/c', 'https://x.evil.test/c', 'https://notevil.test/c'].map((url) =>
      blocked.mayAsk(new URL(url)),
    ),
  ).toEqual([false, false, true])
  expect(blocked.allowed(['https://[2001:db8::1]/cb'], null)).toEqual([])
})
