import { expect, test } from 'vitest'
import { clients } from '#base/clients.ts'
import { prefersHtml } from '#http/accept.ts'
import { startApp } from './support.ts'

const CHROME = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
const html = { headers: { accept: CHROME } }

test.each([
  [CHROME, true],
  ['text/html', true],
  ['TEXT/HTML;Q=0.9, */*;q=0.1', true],
  ['application/json;q=0.5, text/html', true],
  ['text/html;q=0.5, application/json', false],
  ['text/html;q=0.5, application/*', false],
  ['text/html, application/json', false],
  ['text/html;q=0', false],
  ['text/html;q=2', false],
  ['text/html;q=x', false],
  ['application/json', false],
  ['*/*', false],
  ['', false],
  [undefined, false],
])('of Accept %j HTML is preferred: %s', (accept, wanted) => {
  expect(prefersHtml(accept)).toBe(wanted)
})

test('a browser gets the page, everything else the JSON, and a cache is told what decides', async () => {
  const { url } = await startApp()
  for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json, text/html;q=0.5' }]) {
    const answer = await fetch(url, { headers })
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    expect(answer.headers.get('vary')).toBe('Origin, Accept')
    expect(await answer.json()).toEqual({
      name: 'Gatehouse',
      description: expect.any(String),
      mcp: `${url}/mcp`,
      resource_metadata: `${url}/.well-known/oauth-protected-resource/mcp`,
    })
  }
  const page = await fetch(url, html)
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(page.headers.get('vary')).toBe('Origin, Accept')
  expect(page.headers.get('cache-control')).toBe('no-store')
  expect(page.headers.get('x-frame-options')).toBe('DENY')
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/)
  expect(page.headers.get('content-security-policy')).not.toContain('unsafe')
})

test('the page shows every client what to paste, for the public address and never for the Host of the request', async () => {
  const publicUrl = 'https://mcp.example.com'
  const { port } = await startApp({ config: { publicUrl, corsOrigins: '*' } })
  const answer = await fetch(`http://127.0.0.1:${port}/`, html)
  expect(answer.headers.get('vary')).toBe('Accept')
  const text = (await answer.text()).replaceAll(/&#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code)))
  for (const client of clients) {
    expect(text).toContain(`<section id="${client.id}"`)
    for (const snippet of client.snippets(`${publicUrl}/mcp`)) expect(text).toContain(snippet.text)
  }
  expect(text).toContain('href="cursor://anysphere.cursor-deeplink/mcp/install?')
  expect(text).toContain('href="https://vscode.dev/redirect?url=')
  expect(text).toContain('<li>issuer.test</li>')
  expect(text).not.toContain('127.0.0.1')
  expect(text).toContain('https://mcp.example.com/console')
})

test('D13: the page of a tenant’s address is the same for a slug that exists and one that does not', async () => {
  const { url } = await startApp()
  // The install link of Cursor holds the address in base64.
  const page = async (slug: string): Promise<string> =>
    (await (await fetch(`${url}/t/${slug}`, html)).text())
      .replaceAll(/config=[A-Za-z0-9%]+/g, (config) =>
        Buffer.from(decodeURIComponent(config.slice(7)), 'base64').toString(),
      )
      .replaceAll(slug, 'x')
  const known = await page('acme_test')
  expect(known).toContain(`${url}/t/x/mcp`)
  expect(known).toBe(await page('no_such_tenant'))
  expect(await (await fetch(`${url}/t/nobody`)).json()).toMatchObject({
    mcp: `${url}/t/nobody/mcp`,
    resource_metadata: `${url}/.well-known/oauth-protected-resource/t/nobody/mcp`,
  })
  for (const bad of ['Acme', '1x', 'a-b', 'a%22b', 'x'.repeat(42)])
    expect((await fetch(`${url}/t/${bad}`, html)).status).toBe(404)
})

test('without an issuer the page says that only keys open, and offers no sign-in', async () => {
  const keys = { id: 'api-key', authorization_server: null, challenge_scopes: [], grants_scopes: false }
  const { url } = await startApp({ providers: [keys] })
  const text = await (await fetch(url, html)).text()
  expect(text).toContain('This server takes API keys only')
  expect(text).not.toContain('claude mcp login')
  expect(text).not.toContain('client-id ID')
  expect(text).toContain('GATEHOUSE_KEY')
})

test('a provider that registers nobody is said to need a client id, and Google is called Google', async () => {
  const google = {
    id: 'google',
    authorization_server: 'https://accounts.google.com',
    challenge_scopes: [],
    grants_scopes: false,
  }
  const { url } = await startApp({ providers: [google] })
  const text = await (await fetch(url, html)).text()
  expect(text).toContain('<li>Google</li>')
  expect(text).toContain('needs a client id')
  expect(text).not.toContain('Add to Cursor')
})

test('the front takes GET and HEAD only', async () => {
  const { url } = await startApp()
  for (const path of ['/', '/t/acme_test']) {
    const answer = await fetch(`${url}${path}`, { method: 'POST' })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('GET, HEAD')
  }
})
