import { expect, test } from 'vitest'
import { REFUSALS, Refusal, type RefusalCode } from '#base/refusal.ts'
import { createChallenge } from '#http/challenge.ts'
import { identity, principal, raw, rpc, startApp, statusOf, until } from './support.ts'

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }
const codes = Object.keys(REFUSALS) as RefusalCode[]
/** What only the operator may know of an answer differs per request anyway. */
const same = (headers: Headers): object =>
  Object.fromEntries([...headers].filter(([name]) => !['x-request-id', 'date'].includes(name)))

test('every cause of a refused token gets one and the same answer', async () => {
  const { url, lines, audited } = await startApp()
  const causes = codes.filter((code) => REFUSALS[code].error === 'invalid_token')
  expect(causes.length).toBeGreaterThan(15)
  const seen: object[] = []
  for (const code of causes) {
    const answer = await rpc(`${url}/mcp`, PING, { authorization: `Bearer ${code}` })
    seen.push({ status: answer.status, headers: same(answer.headers), body: await answer.text() })
  }
  for (const answer of seen) expect(answer).toEqual(seen[0])
  expect(seen[0]).toMatchObject({
    status: 401,
    headers: {
      'www-authenticate': `Bearer error="invalid_token", error_description="${REFUSALS.token_expired.description}", resource_metadata="${url}/.well-known/oauth-protected-resource/mcp"`,
      'content-type': 'application/json; charset=utf-8',
    },
  })
  await until(() => audited.length === causes.length)
  expect(audited.map(({ refusal }) => refusal.code)).toEqual(causes)
  // The operator reads which it was, in one security line each; nobody reads the token.
  expect(
    lines()
      .filter(({ level, msg }) => level === 'warn' && msg === 'refused')
      .map(({ code }) => code),
  ).toEqual(causes)
})

test('authenticated without access is 403 access_denied without a challenge, the same for every cause', async () => {
  // What a sign-in says to its own browser is no answer to a token.
  const causes = codes.filter((code) => REFUSALS[code].error === 'access_denied' && code !== 'sign_in_denied')
  const seen: object[] = []
  for (const code of causes) {
    const { url } = await startApp({
      principal: async () => {
        throw new Refusal(code)
      },
    })
    const answer = await rpc(`${url}/mcp`, PING)
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([403, null])
    seen.push((await answer.json()) as object)
  }
  expect(new Set(seen.map((body) => JSON.stringify(body))).size).toBe(1)
  expect(seen[0]).toMatchObject({ error: 'access_denied' })
})

test('what cannot be judged is 503 with Retry-After and no challenge, and a limit is 429', async () => {
  const { url } = await startApp({
    authenticate: async (token) => {
      throw new Refusal(token as RefusalCode, token === 'provider_unavailable' ? { retryAfter: 7.2 } : {})
    },
  })
  for (const [code, retry] of [
    ['provider_unavailable', '8'],
    ['database_unavailable', '10'],
    ['tenant_moving', '10'],
  ] as const) {
    const answer = await rpc(`${url}/mcp`, PING, { authorization: `Bearer ${code}` })
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('www-authenticate')], code).toEqual([
      503,
      retry,
      null,
    ])
    expect(await answer.json()).toMatchObject({ error: 'temporarily_unavailable' })
  }
})

test('a limit reached by somebody known is 429 with Retry-After; before that the headers say how much is left', async () => {
  const { url } = await startApp({ config: { rateLimit: { on: true, perIp: 300, perTenant: 6000, perPrincipal: 2 } } })
  const first = await rpc(`${url}/mcp`, PING)
  expect(first.headers.get('ratelimit-policy')).toBe('"principal";q=2;w=60')
  expect(first.headers.get('ratelimit')).toMatch(/^"principal";r=1;t=\d+$/)
  await rpc(`${url}/mcp`, PING)
  const limited = await rpc(`${url}/mcp`, PING)
  expect([limited.status, limited.headers.get('www-authenticate')]).toEqual([429, null])
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(limited.headers.get('ratelimit-policy')).toBe('"principal";q=2;w=60')
  expect(limited.headers.get('ratelimit')).toMatch(/^"principal";r=0;t=\d+$/)
  expect(await limited.json()).toMatchObject({ error: 'rate_limited' })
})

test('a scope that only the token lacks is challenged with all scopes of the call, before dispatch', async () => {
  const { url, calls } = await startApp()
  const answer = await rpc(`${url}/mcp`, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'admin' } })
  expect(answer.status).toBe(403)
  expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
  expect(answer.headers.get('www-authenticate')).toContain('scope="projects:read tenant:admin"')
  expect(answer.headers.get('www-authenticate')).toContain(
    `resource_metadata="${url}/.well-known/oauth-protected-resource/mcp"`,
  )
  expect(calls).toEqual([])
})

test('B18: a bug is 500 with a request id and nothing of the inside', async () => {
  const { url, lines } = await startApp({
    authenticate: async () => {
      throw new Error('password=hunter2 at /srv/app.ts')
    },
  })
  const answer = await rpc(`${url}/mcp`, PING, { 'x-request-id': 'my-request-1' })
  expect(answer.status).toBe(500)
  expect(await answer.json()).toEqual({
    error: 'server_error',
    error_description: 'Internal error, request my-request-1.',
  })
  expect(lines().some(({ level, request_id }) => level === 'error' && request_id === 'my-request-1')).toBe(true)
})

test('B19: no token and no query ever reaches the log', async () => {
  const { url, lines } = await startApp()
  const token = 'token_expired'
  await rpc(`${url}/mcp?access_token=s3cr3t-in-query`, PING, { authorization: 'Basic czNjcjN0' })
  await rpc(`${url}/mcp`, PING, { authorization: 'Bearer alice-s3cr3t', cookie: 'a=s3cr3t' })
  await fetch(`${url}/nowhere/s3cr3t?code=s3cr3t`)
  await until(() => lines().filter(({ msg }) => msg === 'request').length === 3)
  expect(JSON.stringify(lines())).not.toMatch(/s3cr3t|czNjcjN0/)
  expect(token in REFUSALS).toBe(true)
})

test('one line per request says who, where and how long', async () => {
  const { url, lines } = await startApp()
  await rpc(
    `${url}/t/acme_test/mcp`,
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { text: 'x' } } },
    { 'x-request-id': 'line-test-1' },
  )
  await until(() => lines().length > 0)
  expect(lines()).toMatchObject([
    {
      level: 'info',
      msg: 'request',
      request_id: 'line-test-1',
      user_id: 'test:alice',
      tenant: principal.tenant.slug,
      method: 'POST',
      status: 200,
      rpc: 'tools/call',
      tool: 'echo',
      ip: '127.0.0.1',
    },
  ])
})

test('a request id of a client is taken only in a safe form', async () => {
  const { url } = await startApp()
  const given = async (id: string): Promise<string | null> =>
    (await fetch(`${url}/livez`, { headers: { 'x-request-id': id } })).headers.get('x-request-id')
  expect(await given('abc-DEF_123')).toBe('abc-DEF_123')
  for (const unsafe of ['short', 'x'.repeat(65), 'has space here', '{"a":"bbbbbbb"}', '<script>alert(1)']) {
    expect(await given(unsafe), unsafe).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  }
})

test('D13: each tenant endpoint has its own metadata, for any well-formed slug, and a stranger cannot tell which tenants exist', async () => {
  const { url } = await startApp()
  const metadata = async (slug: string): Promise<Response> =>
    await fetch(`${url}/.well-known/oauth-protected-resource/t/${slug}/mcp`)
  for (const slug of ['acme_test', 'nobody_has_this']) {
    expect(await (await metadata(slug)).json()).toMatchObject({ resource: `${url}/t/${slug}/mcp` })
    const challenged = await fetch(`${url}/t/${slug}/mcp`, { method: 'POST' })
    expect(challenged.headers.get('www-authenticate')).toContain(
      `resource_metadata="${url}/.well-known/oauth-protected-resource/t/${slug}/mcp"`,
    )
  }
  for (const slug of ['1abc', 'Acme', 'a'.repeat(42), 'a-b', '']) expect((await metadata(slug)).status, slug).toBe(404)
  // One path in two spellings is one tenant: what the router decodes, the gate must not read otherwise.
  expect((await rpc(`${url}/t/%67lobex_test/mcp`, PING)).status).toBe(403)
  expect((await rpc(`${url}/t/%61cme_test/mcp`, PING)).status).toBe(200)
  expect(await (await metadata('%61cme_test')).json()).toMatchObject({ resource: `${url}/t/acme_test/mcp` })
  const foreign = await rpc(`${url}/t/globex_test/mcp`, PING)
  const unknown = await rpc(`${url}/t/nobody_has_this/mcp`, PING)
  expect([foreign.status, await foreign.text(), same(foreign.headers)]).toEqual([
    unknown.status,
    await unknown.text(),
    same(unknown.headers),
  ])
  expect(foreign.status).toBe(403)
})

test('D12: what the role does not give is an unknown tool, not a challenge', async () => {
  const { url } = await startApp()
  const answer = await rpc(`${url}/mcp`, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'nowhere' } })
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain('-32602')
})

test('D40: nothing is stored but metadata', async () => {
  const { url, port } = await startApp()
  for (const path of ['/', '/mcp', '/livez', '/readyz', '/metrics', '/nowhere', '/api/v1/whoami', '/sse', '/%zz']) {
    expect((await fetch(url + path)).headers.get('cache-control'), path).toBe('no-store')
  }
  expect((await rpc(`${url}/mcp`, PING)).headers.get('cache-control')).toContain('no-store')
  const stream = await rpc(`${url}/mcp`, {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'count', _meta: { progressToken: 1 } },
  })
  expect(stream.headers.get('cache-control')).toContain('no-store')
  expect(await raw(port, 'nonsense\r\n\r\n')).toMatch(/cache-control: no-store/i)
  expect((await fetch(`${url}/.well-known/oauth-protected-resource/mcp`)).headers.get('cache-control')).toBe(
    'public, max-age=300',
  )
})

test('metadata says exactly what RFC 9728 and the clients need', async () => {
  const { url, port } = await startApp()
  for (const path of ['', '/mcp']) {
    const answer = await fetch(`${url}/.well-known/oauth-protected-resource${path}`)
    expect(await answer.json()).toEqual({
      resource: `${url}/mcp`,
      authorization_servers: ['https://issuer.test/'],
      scopes_supported: ['openid', 'email'],
      bearer_methods_supported: ['header'],
      resource_name: 'Gatehouse',
    })
  }
  // B9, B16: what a proxy or a client claims about our name changes nothing.
  const spoofed = await raw(
    port,
    `GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: localhost:1\r\nX-Forwarded-Host: evil.example.com\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n`,
  )
  expect(statusOf(spoofed)).toBe(200)
  expect(spoofed).toContain(`"resource":"${url}/mcp"`)
})

test('scopes of ours are offered when every issuer can grant them', async () => {
  const provider = {
    id: 'a',
    authorization_server: 'https://a.test',
    challenge_scopes: ['openid'],
    grants_scopes: true,
  }
  const { url } = await startApp({ providers: [provider] })
  const body = (await (await fetch(`${url}/.well-known/oauth-protected-resource`)).json()) as {
    scopes_supported: string[]
  }
  expect(body.scopes_supported).toEqual(['openid', 'projects:read', 'projects:write'])
})

const X = 'https://x.test'
const METADATA = `resource_metadata="${X}/.well-known/oauth-protected-resource/mcp"`
const answered = createChallenge({ publicUrl: X, scopes: ['openid', 'email'] })

test('only what a better token can change is challenged, each refusal in its own words', () => {
  for (const code of codes) {
    const { status, error, description } = REFUSALS[code]
    const { headers, ...rest } = answered(new Refusal(code), null)
    expect(rest).toEqual({ status, body: { error: error ?? 'unauthorized', error_description: description } })
    // A client is no bearer of a token (RFC 6749 section 5.2): the token endpoint challenges it in the scheme it tried.
    const challenged =
      (status === 401 && code !== 'client_invalid') || code === 'header_malformed' || code === 'scope_insufficient'
    const reason = error === null ? '' : `error="${error}", error_description="${description}", `
    const scope = code === 'token_missing' ? ', scope="openid email"' : ''
    expect(headers['www-authenticate'], code).toBe(challenged ? `Bearer ${reason}${METADATA}${scope}` : undefined)
  }
})

test('a missing scope is named in the challenge, and the metadata of the endpoint that was called', () => {
  const { headers } = answered(new Refusal('scope_insufficient', { scope: ['projects:read', 'audit:read'] }), 'acme')
  expect(headers['www-authenticate']).toBe(
    `Bearer error="insufficient_scope", error_description="${REFUSALS.scope_insufficient.description}", scope="projects:read audit:read", resource_metadata="${X}/.well-known/oauth-protected-resource/t/acme/mcp"`,
  )
})

test('headers of a limit are there when one was reached, and only then', () => {
  const limited = (options: ConstructorParameters<typeof Refusal>[1]): object =>
    answered(new Refusal('rate_limited', options), null).headers
  const limit = { limit: 5, window: 60 }
  expect(limited({ limit, retryAfter: 7 })).toEqual({
    'retry-after': '7',
    'ratelimit-policy': '"default";q=5;w=60',
    ratelimit: '"default";r=0;t=7',
  })
  // Whoever does not know when it ends says the whole window.
  expect(limited({ limit })).toMatchObject({ ratelimit: '"default";r=0;t=60' })
  expect(limited({ retryAfter: 0.2 })).toEqual({ 'retry-after': '1' })
  expect(Object.keys(answered(new Refusal('tenant_unknown'), null).headers)).toEqual([])
})

test('without anything to ask for, scope is left out', () => {
  const challenge = createChallenge({ publicUrl: 'https://x.test', scopes: [] })
  expect(challenge(new Refusal('token_missing'), null).headers['www-authenticate']).toBe(
    'Bearer resource_metadata="https://x.test/.well-known/oauth-protected-resource/mcp"',
  )
})

test('whoami answers who the token says is calling', async () => {
  const { url } = await startApp()
  expect((await fetch(`${url}/api/v1/whoami`)).status).toBe(401)
  const answer = await fetch(`${url}/api/v1/whoami`, { headers: { authorization: 'Bearer alice' } })
  expect(await answer.json()).toMatchObject({
    user_id: 'test:alice',
    email: identity.email,
    name: 'Alice',
    provider: 'test',
    tenant: { slug: 'acme_test', name: 'Acme' },
    role: 'member',
    scopes: ['projects:read', 'projects:write'],
    identity: { iss: 'https://issuer.test', sub: 'alice' },
  })
})

test('404, 405 and 410 are JSON and say what to do instead', async () => {
  const { url } = await startApp()
  const nowhere = await fetch(`${url}/nowhere`)
  expect([nowhere.status, await nowhere.json()]).toMatchObject([404, { error: 'not_found' }])
  for (const [path, method, allow] of [
    ['/mcp', 'PUT', 'GET, POST, DELETE'],
    ['/mcp', 'PATCH', 'GET, POST, DELETE'],
    ['/livez', 'POST', 'GET, HEAD'],
    ['/', 'DELETE', 'GET, HEAD'],
    ['/.well-known/oauth-protected-resource', 'POST', 'GET, HEAD'],
  ] as const) {
    const answer = await fetch(url + path, { method, body: method === 'POST' ? '{}' : null })
    expect([answer.status, answer.headers.get('allow'), await answer.json()], path).toMatchObject([
      405,
      allow,
      { error: 'invalid_request' },
    ])
  }
  for (const path of ['/sse', '/messages']) {
    for (const method of ['GET', 'POST']) {
      const retired = await fetch(url + path, { method })
      expect([retired.status, await retired.json()]).toMatchObject([
        410,
        { error_description: expect.stringContaining('/mcp') },
      ])
    }
  }
  expect(await (await fetch(`${url}/`)).json()).toMatchObject({ mcp: `${url}/mcp` })
})
