import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Refusal } from '#base/refusal.ts'
import type { Upstream } from '#login/upstream.ts'
import { createSeals } from '#login/seals.ts'
import {
  CHALLENGE,
  FORM,
  SECRET,
  formBrowser,
  signInServer,
  upstream,
  type SignInServer,
} from './support/sign-in-server.ts'

const REDIRECT = 'https://client.test/callback'

/** The page that answers a GET, and what the log calls the reason. */
async function page(server: SignInServer, url: URL, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { redirect: 'manual', headers })
  return { status: answer.status, headers: answer.headers, text: await answer.text(), code: server.codes.at(-1) }
}

test('D24: the approved form, and nothing before it, sends the browser to the provider with the whole flow in a cookie', async () => {
  const server = await signInServer()
  const browser = formBrowser(server)
  const client_id = await server.client(REDIRECT, 'Claude')
  const url = server.authorizeUrl({ client_id, redirect_uri: REDIRECT })
  const shown = await browser.visit(url)
  expect(shown.status).toBe(200)
  const text = await shown.text()
  expect([...browser.jar.keys()]).toEqual(['gh_csrf'])
  const form = /name="form" value="([^"]+)"/.exec(text)?.[1] ?? ''

  const gone = await browser.answer({ form, provider: 'google' })
  expect(gone.status).toBe(303)
  const to = new URL(gone.headers.get('location') ?? '')
  expect(to.origin + to.pathname).toBe('https://google.test/authorize')
  expect(to.searchParams.get('redirect_uri')).toBe(`${server.publicUrl}/oauth/callback/google`)
  const [name, value = ''] = [...browser.jar].find(([name]) => name.startsWith('gh_flow_')) ?? []
  expect(name).toBeDefined()
  const seals = createSeals({ secrets: [SECRET], issuer: server.publicUrl, clock: { now: () => Date.now() } })
  expect(seals.flow.open(value)).toEqual({
    request: {
      client_id,
      redirect_uri: REDIRECT,
      resource: `${server.publicUrl}/mcp`,
      code_challenge: CHALLENGE,
      state: 'the-client-state',
      scope: 'openid email',
    },
    provider: 'google',
    state: to.searchParams.get('state'),
    nonce: to.searchParams.get('nonce'),
    code_verifier: to.searchParams.get('code_verifier'),
  })
  expect(gone.headers.getSetCookie().find((cookie) => cookie.startsWith('gh_flow_'))).toMatch(
    /; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
  )
})

test('refusing sends the client its error, its state and our name', async () => {
  const server = await signInServer()
  const browser = formBrowser(server)
  const redirect_uri = 'http://127.0.0.1:5123/cb?keep=1'
  const client_id = await server.client('http://127.0.0.1/cb?keep=1')
  const form = await browser.form(server.authorizeUrl({ client_id, redirect_uri, state: 'a b&c' }))
  const gone = await browser.answer({ form, decision: 'deny' })
  expect([gone.status, gone.headers.get('location')]).toEqual([
    303,
    `${redirect_uri}&error=access_denied&state=a+b%26c&iss=${encodeURIComponent(server.publicUrl)}`,
  ])
  expect([...browser.jar.keys()]).toEqual(['gh_csrf'])
})

test('D27: whatever is wrong with a request is a page of 400 that holds no form and leads nowhere', async () => {
  const server = await signInServer()
  const client_id = await server.client(REDIRECT)
  const good = { client_id, redirect_uri: REDIRECT }
  expect((await page(server, server.authorizeUrl(good))).status).toBe(200)
  const wrong: [Parameters<SignInServer['authorizeUrl']>[0], string][] = [
    [{ response_type: null }, 'authorization_malformed'],
    [{ response_type: 'token' }, 'authorization_malformed'],
    [{ response_type: 'code id_token' }, 'authorization_malformed'],
    [{ response_mode: 'form_post' }, 'authorization_malformed'],
    [{ client_id: null }, 'authorization_malformed'],
    [{ client_id: '' }, 'authorization_malformed'],
    [{ client_id: 'x'.repeat(2049) }, 'authorization_malformed'],
    [{ client_id: 'unknown' }, 'client_invalid'],
    [{ client_id: `${client_id}A` }, 'client_invalid'],
    [{ client_id: 'http://client.test/client.json' }, 'client_invalid'],
    [{ redirect_uri: null }, 'authorization_malformed'],
    [{ redirect_uri: `${REDIRECT}/` }, 'redirect_invalid'],
    [{ redirect_uri: `${REDIRECT}?x=1` }, 'redirect_invalid'],
    [{ redirect_uri: 'https://client.test:444/callback' }, 'redirect_invalid'],
    [{ redirect_uri: 'https://evil.test/callback' }, 'redirect_invalid'],
    [{ redirect_uri: `${REDIRECT}#x` }, 'redirect_invalid'],
    [{ redirect_uri: 'HTTPS://client.test/callback' }, 'redirect_invalid'],
    [{ code_challenge: null }, 'authorization_malformed'],
    [{ code_challenge: 'short' }, 'authorization_malformed'],
    [{ code_challenge: `${CHALLENGE}=` }, 'authorization_malformed'],
    [{ code_challenge_method: null }, 'authorization_malformed'],
    [{ code_challenge_method: 'plain' }, 'authorization_malformed'],
    [{ code_challenge_method: 's256' }, 'authorization_malformed'],
    [{ state: 'x'.repeat(1025) }, 'authorization_malformed'],
    [{ state: 'a\r\nset-cookie: x=1' }, 'authorization_malformed'],
    [{ state: 'ä' }, 'authorization_malformed'],
    [{ scope: 'a"b' }, 'scope_invalid'],
    [{ scope: 'a  b' }, 'scope_invalid'],
    [{ scope: 'x'.repeat(1025) }, 'scope_invalid'],
    [{ resource: null }, 'target_invalid'],
    [{ resource: 'https://elsewhere.test/mcp' }, 'target_invalid'],
    [{ resource: [`${server.publicUrl}/mcp`, `${server.publicUrl}/t/a/mcp`] }, 'authorization_malformed'],
    [{ request: 'eyJhbGciOiJub25lIn0.e30.' }, 'authorization_malformed'],
    [{ request_uri: 'https://client.test/request' }, 'authorization_malformed'],
  ]
  for (const [over, code] of wrong) {
    const { status, headers, text, code: logged } = await page(server, server.authorizeUrl({ ...good, ...over }))
    const which = JSON.stringify(over).slice(0, 100)
    expect([status, logged], which).toEqual([400, code])
    expect(headers.get('location'), which).toBeNull()
    expect(headers.getSetCookie(), which).toEqual([])
    expect(headers.get('content-type'), which).toBe('text/html; charset=utf-8')
    expect(text, which).not.toMatch(/<form|<a |<meta http-equiv/i)
  }
})

test('B7: nothing of a request stands on its error page', async () => {
  const server = await signInServer()
  const mark = '<script>alert("m4rk")</script>'
  for (const name of [
    'client_id',
    'redirect_uri',
    'state',
    'scope',
    'resource',
    'prompt',
    'error',
    'error_description',
  ]) {
    const { status, text } = await page(
      server,
      server.authorizeUrl({ client_id: 'x', redirect_uri: REDIRECT, [name]: mark }),
    )
    expect(status, name).toBe(400)
    expect(text, name).not.toContain('m4rk')
  }
})

test('B8: every parameter that comes twice is refused, even one that is not ours', async () => {
  const server = await signInServer()
  const good = { client_id: await server.client(REDIRECT), redirect_uri: REDIRECT }
  const url = server.authorizeUrl(good)
  for (const name of [...url.searchParams.keys(), 'nonsense']) {
    const twice = new URL(url)
    twice.searchParams.append(name, 'again')
    if (name === 'nonsense') twice.searchParams.append(name, 'again')
    expect([(await page(server, twice)).status, server.codes.at(-1)], name).toEqual([400, 'authorization_malformed'])
  }
  expect(
    (await page(server, server.authorizeUrl({ ...good, nonsense: 'once', nonce: 'n', claims: '{}' }))).status,
  ).toBe(200)
})

test('an optional parameter may be missing or empty, and prompt and nonce change nothing', async () => {
  const server = await signInServer()
  const browser = formBrowser(server)
  const good = { client_id: await server.client(REDIRECT), redirect_uri: REDIRECT }
  for (const over of [
    { state: null },
    { state: '' },
    { scope: null },
    { scope: '' },
    { prompt: 'none', nonce: 'x' },
    { response_mode: 'query' },
  ]) {
    expect((await page(server, server.authorizeUrl({ ...good, ...over }))).status, JSON.stringify(over)).toBe(200)
  }
  const form = await browser.form(server.authorizeUrl({ ...good, state: null }))
  expect((await browser.answer({ form, decision: 'deny' })).headers.get('location')).not.toContain('state=')
})

test('D26: a resource must be named and ours; LOGIN_REQUIRE_RESOURCE=false takes the plain one for it and warns', async () => {
  const server = await signInServer({ login: { requireResource: false } })
  const good = { client_id: await server.client(REDIRECT), redirect_uri: REDIRECT }
  const without = await page(server, server.authorizeUrl({ ...good, resource: null }))
  expect([without.status, without.text.includes('It did not say which service')]).toEqual([200, true])
  expect(without.text).toContain(`<code>${server.publicUrl}/mcp</code>`)
  const named = await page(server, server.authorizeUrl({ ...good, resource: `${server.publicUrl}/t/acme_com/mcp/` }))
  expect([named.status, named.text.includes('It did not say which service')]).toEqual([200, false])
  expect(named.text).toContain('<strong>acme_com</strong>')
  expect((await page(server, server.authorizeUrl({ ...good, resource: 'https://x.test/mcp' }))).status).toBe(400)
})

test('what would not fit into a cookie is refused before anybody is asked', async () => {
  const server = await signInServer()
  const redirect_uri = `https://client.test/${'x'.repeat(950)}`
  const good = { client_id: await server.client(redirect_uri), redirect_uri }
  expect((await page(server, server.authorizeUrl({ ...good, state: 'x' }))).status).toBe(200)
  const { status, code } = await page(server, server.authorizeUrl({ ...good, state: 'x'.repeat(1024) }))
  expect([status, code]).toEqual([400, 'authorization_malformed'])
})

test('D31: a form counts from our own page in the browser it was made for, once it is whole', async () => {
  const server = await signInServer()
  const browser = formBrowser(server)
  const client_id = await server.client(REDIRECT)
  const form = await browser.form(server.authorizeUrl({ client_id, redirect_uri: REDIRECT }))
  const post = async (
    headers: Record<string, string>,
    fields: Record<string, string> = { form, provider: 'google' },
  ) => {
    const answer = await browser.visit(`${server.url}/oauth/authorize`, {
      method: 'POST',
      headers: { 'content-type': FORM, ...headers },
      body: new URLSearchParams(fields).toString(),
    })
    return [answer.status, server.codes.at(-1)]
  }
  expect(await post({})).toEqual([403, 'origin_refused'])
  expect(await post({ origin: 'null' })).toEqual([403, 'origin_refused'])
  expect(await post({ origin: 'http://127.0.0.1:1' })).toEqual([403, 'origin_refused'])
  expect(await post({ origin: 'http://localhost', 'sec-fetch-site': 'same-origin' })).toEqual([403, 'origin_refused'])
  for (const site of ['cross-site', 'same-site', 'none'])
    expect(await post({ origin: server.publicUrl, 'sec-fetch-site': site }), site).toEqual([403, 'origin_refused'])
  const own = { origin: server.publicUrl }
  expect(await post(own, { provider: 'google' })).toEqual([400, 'sign_in_lost'])
  expect(await post(own, { form: `${form}A`, provider: 'google' })).toEqual([400, 'sign_in_lost'])
  expect(await post(own, { form })).toEqual([400, 'authorization_malformed'])
  expect(await post(own, { form, provider: 'nobody' })).toEqual([400, 'authorization_malformed'])
  expect(await post(own, { form, provider: 'google', decision: 'allow' })).toEqual([400, 'authorization_malformed'])
  expect((await post({ 'sec-fetch-site': 'same-origin' }))[0]).toBe(303)
  expect((await post(own))[0]).toBe(303)

  const stranger = formBrowser(server)
  expect((await stranger.answer({ form, provider: 'google' })).status).toBe(400)
  await stranger.form(server.authorizeUrl({ client_id, redirect_uri: REDIRECT }))
  expect((await stranger.answer({ form, provider: 'google' })).status).toBe(400)
  expect(server.codes.at(-1)).toBe('sign_in_lost')

  server.later(601_000)
  expect(await post(own)).toEqual([400, 'sign_in_lost'])
})

test('a form is a form: JSON, a field twice, and too much of it are pages of 400', async () => {
  const server = await signInServer()
  const browser = formBrowser(server)
  const client_id = await server.client(REDIRECT)
  const form = await browser.form(server.authorizeUrl({ client_id, redirect_uri: REDIRECT }))
  const send = async (body: string, type = FORM) =>
    await browser.visit(`${server.url}/oauth/authorize`, {
      method: 'POST',
      headers: { origin: server.publicUrl, 'content-type': type },
      body,
    })
  const bad = [
    await send(JSON.stringify({ form, provider: 'google' }), 'application/json'),
    await send(`form=${form}&form=${form}&provider=google`),
    await send(`form=${form}&provider=google&provider=github`),
    await send(`form=${form}&provider=google&padding=${'x'.repeat(20_000)}`),
  ]
  for (const answer of bad) {
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
    expect(answer.headers.get('content-type')).toContain('text/html')
  }
})

test('D24: with a https PUBLIC_URL every cookie has the __Host- prefix, Secure, HttpOnly and SameSite=Lax', async () => {
  const server = await signInServer({ publicUrl: 'https://mcp.test', config: { allowedHosts: ['127.0.0.1'] } })
  const browser = formBrowser(server)
  const client_id = await server.client(REDIRECT)
  const shown = await browser.visit(server.authorizeUrl({ client_id, redirect_uri: REDIRECT }))
  const form = /name="form" value="([^"]+)"/.exec(await shown.text())?.[1] ?? ''
  const gone = await browser.answer({ form, provider: 'google' })
  const set = [...shown.headers.getSetCookie(), ...gone.headers.getSetCookie()]
  expect(set.map((cookie) => cookie.replace(/=.*/, '').replace(/(?<=flow_).*/, ''))).toEqual([
    '__Host-gh_csrf',
    '__Host-gh_flow_',
  ])
  for (const cookie of set) expect(cookie).toMatch(/; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
})

test('sign-ins that were not finished never fill the headers of a browser: the oldest end first', async () => {
  const server = await signInServer()
  const browser = formBrowser(server)
  const client_id = await server.client(REDIRECT)
  const form = await browser.form(server.authorizeUrl({ client_id, redirect_uri: REDIRECT, state: 'x'.repeat(900) }))
  const seen: string[] = []
  const flows = (): string[] => [...browser.jar.keys()].filter((name) => name.startsWith('gh_flow_'))
  for (let time = 0; time < 12; time++) {
    expect((await browser.answer({ form, provider: 'google' })).status).toBe(303)
    seen.push(...flows().filter((name) => !seen.includes(name)))
    expect(flows()).toEqual(seen.slice(-flows().length))
    expect([...browser.jar].map(([name, value]) => `${name}=${value}; `).join('').length).toBeLessThan(9 * 1024)
  }
  expect(seen).toHaveLength(12)
  expect(flows().length).toBeGreaterThanOrEqual(3)
})

test('B9: what the page and its redirects say is made of PUBLIC_URL, never of a Host header', async () => {
  const server = await signInServer({
    publicUrl: 'https://mcp.test',
    config: { allowedHosts: ['127.0.0.1', 'evil.test'] },
  })
  const client_id = await server.client(REDIRECT)
  const target = server.authorizeUrl({ client_id, redirect_uri: REDIRECT })
  const { text } = await page(server, target, { 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' })
  expect(text).toContain('https://mcp.test/mcp')
  expect(text).not.toContain('evil.test')
})

test('D31: no page of another origin may read the authorize page or ask for leave to; registration answers any that CORS_ORIGINS lets in', async () => {
  const server = await signInServer({ config: { corsOrigins: '*' } })
  const origin = 'https://app.example.com'
  const client_id = await server.client(REDIRECT)
  const target = server.authorizeUrl({ client_id, redirect_uri: REDIRECT })
  for (const url of [target, new URL(target.href.replace('authorize', '%61uthorize'))]) {
    const shown = await page(server, url, { origin })
    expect(shown.headers.get('access-control-allow-origin'), url.href).toBeNull()
    expect(shown.headers.get('cross-origin-opener-policy'), url.href).toBe('unsafe-none')
  }
  const preflight = async (path: string): Promise<Response> =>
    await fetch(`${server.url}${path}`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    })
  for (const path of ['/oauth/authorize', '/oauth/%61uthorize', '/%63onsole/logout', '/%6fauth/callback/google']) {
    const closed = await preflight(path)
    expect([closed.status, closed.headers.get('access-control-allow-methods')], path).toEqual([404, null])
  }
  const open = await preflight('/oauth/register')
  expect([open.status, open.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
  const registered = await server.register({ redirect_uris: [REDIRECT] }, { origin })
  expect([registered.status, registered.headers.get('access-control-allow-origin')]).toEqual([201, '*'])
  expect((await server.register({}, { origin })).headers.get('access-control-allow-origin')).toBe('*')
})

test('a form of our own passes the door although CORS_ORIGINS does not name us', async () => {
  const server = await signInServer({ config: { corsOrigins: ['https://app.example.com'] } })
  const browser = formBrowser(server)
  const form = await browser.form(
    server.authorizeUrl({ client_id: await server.client(REDIRECT), redirect_uri: REDIRECT }),
  )
  expect((await browser.answer({ form, provider: 'github' })).status).toBe(303)
})

test('the page may not be framed, posts with its Origin, and is stored nowhere', async () => {
  const server = await signInServer()
  const { headers } = await page(
    server,
    server.authorizeUrl({ client_id: await server.client(REDIRECT), redirect_uri: REDIRECT }),
  )
  expect(headers.get('content-security-policy')).toMatch(/default-src 'none';.*frame-ancestors 'none'/)
  expect(headers.get('content-security-policy')).not.toContain('form-action')
  expect(headers.get('referrer-policy')).toBe('same-origin')
  expect(headers.get('x-frame-options')).toBe('DENY')
})

test('a provider that cannot answer is a page of 503 to try again; a fault of ours tells nothing of itself', async () => {
  const fails = (thrown: Error): Upstream => ({
    ...upstream('google', 'Google'),
    authorizationUrl: async () => {
      throw thrown
    },
  })
  for (const [error, status] of [
    [new Refusal('provider_unavailable', { detail: 'discovery' }), 503],
    [new Error('s3cret of the inside'), 500],
  ] as const) {
    const server = await signInServer({ upstreams: [fails(error)] })
    const browser = formBrowser(server)
    const form = await browser.form(
      server.authorizeUrl({ client_id: await server.client(REDIRECT), redirect_uri: REDIRECT }),
    )
    const answer = await browser.answer({ form, provider: 'google' })
    expect([answer.status, answer.headers.getSetCookie(), answer.headers.get('location')]).toEqual([status, [], null])
    expect(await answer.text()).not.toContain('s3cret')
  }
})

test('other methods than GET and POST are 405', async () => {
  const server = await signInServer()
  for (const method of ['PUT', 'DELETE', 'PATCH'])
    expect((await fetch(`${server.url}/oauth/authorize`, { method })).status).toBe(405)
  expect((await fetch(`${server.url}/oauth/register`)).status).toBe(405)
})

test('B1: none of 559 open redirects is followed, registered or shown as ours, whether as redirect_uri or as resource', async () => {
  const payloads = readFileSync(new URL('../vectors/oauth2-proxy/openredirects.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  expect(payloads.length).toBeGreaterThan(550)
  const server = await signInServer()
  const client_id = await server.client(REDIRECT)
  const ask = async (over: Parameters<SignInServer['authorizeUrl']>[0]): Promise<[number, string | null]> => {
    const answer = await fetch(server.authorizeUrl({ client_id, redirect_uri: REDIRECT, ...over }), {
      redirect: 'manual',
    })
    await answer.arrayBuffer()
    return [answer.status, answer.headers.get('location')]
  }
  const registered: string[] = []
  const attack = async (payload: string): Promise<void> => {
    for (const over of [{ redirect_uri: payload }, { redirect_uri: REDIRECT + payload }, { resource: payload }])
      expect(await ask(over), payload).toEqual([400, null])
    const answer = await server.register({ redirect_uris: [payload] })
    const body = (await answer.json()) as { client_id: string }
    if (answer.status !== 201) {
      expect([answer.status, body], payload).toMatchObject([400, { error: 'invalid_redirect_uri' }])
      return
    }
    registered.push(payload)
    const theirs = await page(server, server.authorizeUrl({ client_id: body.client_id, redirect_uri: payload }))
    expect(theirs.text, payload).toContain(`<h1>Sign in for ${new URL(payload).host}?</h1>`)
  }
  for (let at = 0; at < payloads.length; at += 16) await Promise.all(payloads.slice(at, at + 16).map(attack))
  // Plain https URLs: anybody may register theirs, and the page leads with the host to which a browser goes.
  expect(registered.toSorted()).toEqual([
    'https://example.com/https://google.com/',
    'https://google.com',
    'https://google.com/',
    'https://google.com//',
    'https://localdomain.pw',
    'https://localdomain.pw/',
    'https://localdomain.pw//',
  ])
}, 60_000)
