import type { ServerResponse } from 'node:http'
import { generateKeyPair, exportJWK } from 'jose'
import { expect, test } from 'vitest'
import { Refusal } from '#base/refusal.ts'
import { documentUrl } from '#login/client-document.ts'
import { createClients } from '#login/clients.ts'
import type { Client } from '#login/client.ts'
import { createLimit } from '#toolkit/limit.ts'
import { documentHost, type DocumentHost } from './support/document-host.ts'
import { LOGIN, SECRET, formBrowser, signInServer, upstream } from './support/sign-in-server.ts'

const ID = 'https://client.test/oauth/client.json'
const REDIRECT = 'https://client.test/callback'
const DOCUMENT = { client_id: ID, client_name: 'Claude', redirect_uris: [REDIRECT, 'http://localhost/cb'] }
const MINUTE = 60_000

function asker(host: DocumentHost, login: Partial<typeof LOGIN> = {}) {
  let now = 1_800_000_000_000
  const limit = createLimit({ on: true, name: 'test', perMinute: 10, detail: 'documents' })
  const clients = createClients({
    publicUrl: 'https://mcp.test',
    secrets: [SECRET],
    clock: { now: () => now },
    login: { ...LOGIN, ...login },
    fetch: host.fetch,
    limit: async (ip) => void (await limit.consume(ip ?? '')),
  })
  const ask = async (id = ID, ip = '198.51.100.7'): Promise<Client | string> =>
    await clients(id, { ip }).catch((error: unknown) => {
      if (error instanceof Refusal) return error.code
      throw error
    })
  return { ask, later: (ms: number) => void (now += ms) }
}

test('a document describes its client', async () => {
  const host = await documentHost()
  host.at.set('/oauth/client.json', DOCUMENT)
  expect(await asker(host).ask()).toEqual({
    client_id: ID,
    name: 'Claude',
    redirect_uris: DOCUMENT.redirect_uris,
    kind: 'document',
    token_endpoint_auth_method: 'none',
    jwks: null,
  })
})

test('B11: a client_id that may not be the URL of a document is never asked', async () => {
  const host = await documentHost()
  const { ask } = asker(host)
  for (const id of [
    'http://client.test/client',
    'https://client.test',
    'https://client.test/',
    'https://client.test/client#',
    'https://client.test/c#x',
    'https://u@client.test/c',
    'https://u:p@client.test/c',
    'https://@client.test/c',
    'https://client.test/../c',
    'https://client.test/a/./c',
    'https://client.test/%2e%2e/c',
    'https://client.test:8443/c',
    'https://client.test:443/c',
    'https://127.0.0.1/c',
    'https://[::1]/c',
    'https://2130706433/c',
    'https://localhost/c',
    'https://intranet/c',
    'https://client.test./c',
    'https://Client.test/c',
    'HTTPS://client.test/c',
    'https:client.test/c',
    'https://client.test\\c',
    'https://client.test/c d',
    ' https://client.test/c',
    'https://.test/c',
    `https://client.test/${'x'.repeat(2048)}`,
  ]) {
    expect(documentUrl(id), id).toBeNull()
    expect(await ask(id), id).toBe('client_invalid')
  }
  expect(host.asked).toEqual([])
  expect(documentUrl('https://client.test/c?version=1')?.href).toBe('https://client.test/c?version=1')
})

test('B11, D30: a document at a private address is not asked for, and the caller learns no more than of any other bad client', async () => {
  const host = await documentHost()
  host.at.set('/oauth/client.json', DOCUMENT)
  for (const address of ['10.0.0.1', '127.0.0.1', '169.254.169.254', '192.168.1.1']) {
    host.resolve(address)
    expect(await asker(host).ask(), address).toBe('client_invalid')
  }
  expect(host.asked).toEqual([])
})

test('B11: what is no document of this client is refused', async () => {
  const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }
  const wrong: [string, unknown][] = [
    ['another client_id', { ...DOCUMENT, client_id: `${ID}/` }],
    ['another spelling of the client_id', { ...DOCUMENT, client_id: 'https://client.test:443/oauth/client.json' }],
    ['no client_id', { ...DOCUMENT, client_id: undefined }],
    ['no redirects', { ...DOCUMENT, redirect_uris: undefined }],
    ['an empty list of redirects', { ...DOCUMENT, redirect_uris: [] }],
    ['no redirect that is allowed', { ...DOCUMENT, redirect_uris: ['http://client.test/cb'] }],
    ['a secret', { ...DOCUMENT, client_secret: 'x' }],
    ['the end of a secret', { ...DOCUMENT, client_secret_expires_at: 0 }],
    ['client_secret_basic', { ...DOCUMENT, token_endpoint_auth_method: 'client_secret_basic' }],
    ['client_secret_post', { ...DOCUMENT, token_endpoint_auth_method: 'client_secret_post' }],
    ['client_secret_jwt', { ...DOCUMENT, token_endpoint_auth_method: 'client_secret_jwt' }],
    ['another grant', { ...DOCUMENT, grant_types: ['implicit'] }],
    ['another response', { ...DOCUMENT, response_types: ['token'] }],
    ['private_key_jwt without keys', { ...DOCUMENT, token_endpoint_auth_method: 'private_key_jwt' }],
    [
      'keys twice',
      {
        ...DOCUMENT,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [key] },
        jwks_uri: 'https://client.test/jwks',
      },
    ],
    [
      'a private key',
      { ...DOCUMENT, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ ...key, d: 'd' }] } },
    ],
    [
      'a symmetric key',
      { ...DOCUMENT, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'oct', k: 'k' }] } },
    ],
    ['no object', '[]'],
    ['no JSON', '<html>'],
    ['too much', JSON.stringify({ ...DOCUMENT, padding: 'x'.repeat(10_240) })],
  ]
  for (const [what, document] of wrong) {
    const host = await documentHost()
    host.at.set('/oauth/client.json', document)
    host.at.set('/jwks', { keys: [key] })
    expect(await asker(host).ask(), what).toBe('client_invalid')
  }
})

test('B11: a redirect, a missing document, and one that is not served as JSON are refused; nothing is followed', async () => {
  const host = await documentHost()
  const { ask } = asker(host)
  host.at.set('/moved', (response: ServerResponse) => response.writeHead(302, { location: ID }).end())
  host.at.set('/text', DOCUMENT)
  host.headers.set('/text', { 'content-type': 'text/plain' })
  host.at.set('/oauth/client.json', DOCUMENT)
  for (const path of ['/moved', '/missing', '/text'])
    expect(await ask(`https://client.test${path}`), path).toBe('client_invalid')
  expect(host.asked).toEqual(['/moved', '/missing', '/text'])
})

test('a host that cannot answer now is no judgement', async () => {
  const host = await documentHost()
  const { ask, later } = asker(host)
  host.at.set('/oauth/client.json', (response: ServerResponse) => response.writeHead(500).end())
  expect(await ask()).toBe('provider_unavailable')
  host.at.set('/oauth/client.json', DOCUMENT)
  expect(await ask()).toBe('provider_unavailable')
  later(MINUTE)
  expect(await ask()).toMatchObject({ name: 'Claude' })
})

test('while a host is down what it said last counts, for 24 hours in all; what it says itself counts at once', async () => {
  const host = await documentHost()
  const { ask, later } = asker(host)
  host.at.set('/oauth/client.json', DOCUMENT)
  await ask()
  const away = (response: ServerResponse) => response.writeHead(503).end()
  host.at.set('/oauth/client.json', away)
  later(5 * MINUTE)
  expect(await ask()).toMatchObject({ name: 'Claude' })
  expect(await ask()).toMatchObject({ name: 'Claude' })
  expect(host.asked).toHaveLength(2)
  later(MINUTE)
  expect(await ask()).toMatchObject({ name: 'Claude' })
  expect(host.asked).toHaveLength(3)
  later(24 * 60 * MINUTE)
  expect(await ask()).toBe('provider_unavailable')

  host.at.set('/oauth/client.json', DOCUMENT)
  later(MINUTE)
  expect(await ask()).toMatchObject({ name: 'Claude' })
  host.at.delete('/oauth/client.json')
  later(5 * MINUTE)
  expect(await ask()).toBe('client_invalid')
  host.at.set('/oauth/client.json', away)
  later(MINUTE)
  expect(await ask()).toBe('provider_unavailable')
})

test('a guard in front of the host that lets nobody in for a while says nothing about the client', async () => {
  for (const status of [401, 403, 408, 425, 429]) {
    const host = await documentHost()
    const { ask, later } = asker(host)
    host.at.set('/oauth/client.json', DOCUMENT)
    await ask()
    host.at.set('/oauth/client.json', (response: ServerResponse) => response.writeHead(status).end())
    later(5 * MINUTE)
    expect(await ask(), String(status)).toMatchObject({ name: 'Claude' })
  }
})

test('D30: a document is held for 5 minutes to 24 hours as its headers say, a failure for a minute', async () => {
  const held = async (control: string | null): Promise<number> => {
    const host = await documentHost()
    const { ask, later } = asker(host)
    host.at.set('/oauth/client.json', DOCUMENT)
    if (control !== null) host.headers.set('/oauth/client.json', { 'cache-control': control })
    await ask()
    for (let minutes = 1; ; minutes++) {
      later(MINUTE)
      await ask()
      if (host.asked.length > 1) return minutes
    }
  }
  expect(await held(null)).toBe(5)
  expect(await held('no-store')).toBe(5)
  expect(await held('max-age=60')).toBe(5)
  expect(await held('public, max-age=1200')).toBe(20)
  expect(await held('max-age=999999999')).toBe(24 * 60)

  const host = await documentHost()
  const { ask, later } = asker(host)
  await ask()
  later(MINUTE - 1)
  await ask()
  expect(host.asked).toHaveLength(1)
  later(1)
  await ask()
  expect(host.asked).toHaveLength(2)
})

test('D30: many who ask at once cause one fetch; one address causes ten a minute, and what is held costs nobody anything', async () => {
  const host = await documentHost()
  const { ask } = asker(host)
  host.at.set('/oauth/client.json', DOCUMENT)
  const all = await Promise.all(Array.from({ length: 8 }, async (_, index) => await ask(ID, `198.51.100.${index}`)))
  expect(all.every((client) => typeof client === 'object')).toBe(true)
  expect(host.asked).toHaveLength(1)
  for (let number = 0; number < 10; number++)
    expect(await ask(`https://client.test/${number}`, '203.0.113.1')).toBe('client_invalid')
  expect(await ask('https://client.test/11', '203.0.113.1')).toBe('rate_limited')
  expect(await ask(ID, '203.0.113.1')).toMatchObject({ name: 'Claude' })
  expect(await ask('https://client.test/12', '203.0.113.2')).toBe('client_invalid')
})

test('private_key_jwt: its keys come from the document or from the address it names, held for an hour at most', async () => {
  const host = await documentHost()
  const { ask, later } = asker(host)
  const key = await exportJWK((await generateKeyPair('ES256')).publicKey)
  const stated = { ...DOCUMENT, token_endpoint_auth_method: 'private_key_jwt' }
  host.at.set('/oauth/client.json', { ...stated, jwks: { keys: [key] } })
  expect(await ask()).toMatchObject({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key] } })

  const other = 'https://client.test/second'
  host.at.set('/second', { ...stated, client_id: other, jwks_uri: 'https://keys.test/jwks' })
  host.headers.set('/second', { 'cache-control': 'max-age=86400' })
  host.at.set('/jwks', { keys: [key] })
  host.headers.set('/jwks', { 'cache-control': 'max-age=86400' })
  expect(await ask(other)).toMatchObject({ jwks: { keys: [key] } })
  later(59 * MINUTE)
  await ask(other)
  expect(host.asked.filter((path) => path === '/jwks')).toHaveLength(1)
  later(MINUTE)
  await ask(other)
  expect(host.asked.filter((path) => path === '/jwks')).toHaveLength(2)

  const third = 'https://client.test/third'
  host.at.set('/third', { ...stated, client_id: third, jwks_uri: 'http://169.254.169.254/jwks' })
  expect(await ask(third)).toBe('client_invalid')
})

test('D27: a blocked host is not even asked for its document', async () => {
  const host = await documentHost()
  host.at.set('/oauth/client.json', DOCUMENT)
  expect(await asker(host, { blockedHosts: ['client.test'] }).ask()).toBe('client_invalid')
  expect(host.asked).toEqual([])
  expect(await asker(host, { allowedClients: [ID] }).ask()).toMatchObject({ redirect_uris: DOCUMENT.redirect_uris })
  expect(await asker(host, { allowedClients: ['localhost'] }).ask()).toMatchObject({
    redirect_uris: ['http://localhost/cb'],
  })
  expect(await asker(host, { allowedClients: ['https://client.test/other'] }).ask()).toBe('client_invalid')
})

test('the page says which host describes the client, and one that cannot be asked is a page of 503', async () => {
  const host = await documentHost()
  host.at.set('/oauth/client.json', DOCUMENT)
  const server = await signInServer({ fetch: host.fetch })
  const url = server.authorizeUrl({ client_id: ID, redirect_uri: REDIRECT })
  const text = await (await fetch(url)).text()
  expect(text).toContain('<strong>Claude</strong>, as <strong>client.test</strong> describes it')
  expect(text).not.toContain('not verified')
  host.down()
  const away = await fetch(server.authorizeUrl({ client_id: 'https://away.test/c', redirect_uri: REDIRECT }))
  expect([away.status, away.headers.get('retry-after'), server.codes]).toEqual([503, '10', ['provider_unavailable']])
})

test('D27: a document vouches for redirects to its own host; sent elsewhere, people are warned as of any registration', async () => {
  const host = await documentHost()
  const trusted = 'https://www.trusted.test/leave?to=https%3A%2F%2Fevil.test'
  const beneath = 'https://app.client.test/cb'
  host.at.set('/oauth/client.json', {
    ...DOCUMENT,
    redirect_uris: [REDIRECT, trusted, beneath, 'https://lient.test/cb'],
  })
  const server = await signInServer({ fetch: host.fetch })
  const page = async (redirect_uri: string): Promise<string> =>
    await (await fetch(server.authorizeUrl({ client_id: ID, redirect_uri }))).text()
  for (const own of [REDIRECT, beneath]) expect(await page(own), own).not.toContain('class="note')
  for (const [to, name] of [
    [trusted, 'www.trusted.test'],
    ['https://lient.test/cb', 'lient.test'],
  ] as const) {
    const text = await page(to)
    expect(text).toContain('class="note warn"')
    expect(text).toContain(`Do you use ${name}?`)
    expect(text).toContain('client.test says so, and nothing shows that')
  }
})

const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' }

/** A browser that approved this client once, with Google. */
async function approved() {
  const host = await documentHost()
  host.at.set('/oauth/client.json', DOCUMENT)
  const server = await signInServer({ fetch: host.fetch })
  const browser = formBrowser(server)
  const asked = { client_id: ID, redirect_uri: REDIRECT }
  const form = await browser.form(server.authorizeUrl(asked))
  expect((await browser.answer({ form, provider: 'google' })).status).toBe(303)
  const go = async (over: Parameters<typeof server.authorizeUrl>[0] = {}, headers: Record<string, string> = {}) =>
    await browser.visit(server.authorizeUrl({ ...asked, ...over }), { headers: { ...NAVIGATION, ...headers } })
  return { host, server, browser, go, asked }
}

test('D27: an approval of a client with a document is remembered for exactly that client, redirect, resource and provider, for 30 days', async () => {
  const { server, browser, go } = await approved()
  const again = await go({ state: 'another' })
  expect(again.status).toBe(303)
  expect(again.headers.get('location')).toMatch(/^https:\/\/google\.test\/authorize\?/)
  expect([...browser.jar.keys()].filter((name) => name.startsWith('gh_flow_'))).toHaveLength(2)
  expect((await go({ resource: `${server.publicUrl}/t/acme/mcp` })).status).toBe(200)
  expect((await go({ prompt: 'consent' })).status).toBe(200)
  expect((await go({ prompt: 'select_account' })).status).toBe(200)

  const form = await browser.form(server.authorizeUrl({ client_id: ID, redirect_uri: REDIRECT, prompt: 'consent' }))
  await browser.answer({ form, provider: 'github' })
  expect((await go()).headers.get('location')).toMatch(/^https:\/\/github\.test\//)

  server.later(30 * 86_400_000 + 1000)
  expect((await go()).status).toBe(200)
})

test('an approval with a provider that is gone shows the page again', async () => {
  const { server, browser, host, asked } = await approved()
  const upstreams = [upstream('github', 'GitHub')]
  const other = await signInServer({ fetch: host.fetch, publicUrl: server.publicUrl, upstreams })
  expect((await browser.visit(other.authorizeUrl(asked), { headers: NAVIGATION })).status).toBe(200)
})

test('D27: nothing is remembered of a refusal, of a redirect to this computer, or of a registered client', async () => {
  const { server, browser } = await approved()
  browser.jar.clear()
  const registered = await server.client(REDIRECT)
  const cases = [
    { client_id: ID, redirect_uri: 'http://localhost:5000/cb', answer: { provider: 'google' } },
    { client_id: registered, redirect_uri: REDIRECT, answer: { provider: 'google' } },
    { client_id: ID, redirect_uri: REDIRECT, answer: { decision: 'deny' } },
  ] as { client_id: string; redirect_uri: string; answer: Record<string, string> }[]
  for (const { answer, ...asked } of cases) {
    const url = server.authorizeUrl(asked)
    expect((await browser.answer({ form: await browser.form(url), ...answer })).status).toBe(303)
    expect((await browser.visit(url, { headers: NAVIGATION })).status).toBe(200)
    expect(browser.jar.has('gh_approvals')).toBe(false)
  }
})

test('a remembered approval counts only where the person, or the client itself, opened the page', async () => {
  const { server, browser, go, asked } = await approved()
  expect((await go({}, { 'sec-fetch-site': 'cross-site', referer: 'https://client.test/' })).status).toBe(303)
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'cross-site', referer: 'https://evil.test/' },
    { 'sec-fetch-site': 'cross-site', referer: 'https://client.test.evil.test/' },
    { 'sec-fetch-site': 'same-site', referer: 'https://evil.test/' },
    { 'sec-fetch-dest': 'iframe' },
    { 'sec-fetch-dest': 'image' },
    { 'sec-fetch-mode': 'no-cors' },
    { 'sec-purpose': 'prefetch;prerender' },
    { 'sec-fetch-site': '' },
  ] as Record<string, string>[])
    expect((await go({}, headers)).status, JSON.stringify(headers)).toBe(200)
  expect((await browser.visit(server.authorizeUrl(asked))).status).toBe(200)
})

test('D25: what is remembered cannot be made up, nor carried to another cookie', async () => {
  const { server, browser, go } = await approved()
  const kept = browser.jar.get('gh_approvals') ?? ''
  for (const value of [
    `${kept}A`,
    kept.slice(0, -4),
    '',
    'v1.AAAA',
    browser.jar.get('gh_csrf') ?? '',
    await server.client(REDIRECT),
  ]) {
    browser.jar.set('gh_approvals', value)
    expect((await go()).status, value).toBe(200)
  }
  browser.jar.set('gh_approvals', kept)
  expect((await go()).status).toBe(303)
})
