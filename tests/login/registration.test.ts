import { expect, test } from 'vitest'
import { formBrowser, signInServer } from './support/sign-in-server.ts'

interface Registered {
  readonly client_id: string
  readonly redirect_uris: readonly string[]
  readonly client_name?: string
}
const json = async (answer: Response): Promise<Registered> => (await answer.json()) as Registered

/** notes/ecosystem.md 1.2: what each client sends, and what it comes with at sign-in. */
const CLIENTS: Record<string, { readonly sends: readonly string[]; readonly comes: readonly string[] }> = {
  'claude.ai': {
    sends: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
    comes: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
  },
  'Claude Code': {
    sends: ['http://localhost:3118/callback', 'http://127.0.0.1:3118/callback'],
    comes: ['http://localhost:3118/callback', 'http://localhost:49152/callback', 'http://127.0.0.1:1/callback'],
  },
  Cursor: {
    sends: [
      'http://localhost:8787/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
      'cursor://anysphere.cursor-mcp/oauth/callback',
    ],
    comes: [
      'http://localhost:8787/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
      'cursor://anysphere.cursor-mcp/oauth/callback',
    ],
  },
  'VS Code': {
    sends: ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'],
    comes: [
      'http://127.0.0.1:33418/',
      'http://127.0.0.1:51000/',
      'http://127.0.0.1:51000',
      'https://vscode.dev/redirect',
    ],
  },
  'VS Code with every form': {
    sends: [
      'https://insiders.vscode.dev/redirect',
      'https://vscode.dev/redirect',
      'http://localhost/',
      'http://127.0.0.1/',
      'http://localhost:33418/',
      'http://127.0.0.1:33418/',
    ],
    comes: ['http://127.0.0.1:51000/', 'http://localhost:33418/', 'https://insiders.vscode.dev/redirect'],
  },
  ChatGPT: {
    sends: ['https://chatgpt.com/connector_platform_oauth_redirect'],
    comes: ['https://chatgpt.com/connector_platform_oauth_redirect'],
  },
  'ChatGPT, one per connector': {
    sends: ['https://chatgpt.com/connector/oauth/AbC_123-x'],
    comes: ['https://chatgpt.com/connector/oauth/AbC_123-x'],
  },
  Codex: {
    sends: ['http://127.0.0.1:43121/callback/1f2e3d4c5b6a'],
    comes: ['http://127.0.0.1:51999/callback/1f2e3d4c5b6a'],
  },
  'Gemini CLI': {
    sends: ['http://localhost:7777/oauth/callback'],
    comes: ['http://localhost:7777/oauth/callback', 'http://localhost:60000/oauth/callback'],
  },
  'MCP Inspector': {
    sends: ['http://localhost:6274/oauth/callback', 'http://localhost:6274/oauth/callback/debug'],
    comes: ['http://localhost:6274/oauth/callback', 'http://localhost:6274/oauth/callback/debug'],
  },
  'mcp-remote': {
    sends: ['http://localhost:3335/oauth/callback'],
    comes: ['http://localhost:49150/oauth/callback'],
  },
}

test.each(Object.entries(CLIENTS))(
  '%s registers with all its redirects and may come with each',
  async (client_name, { sends, comes }) => {
    const server = await signInServer()
    const answer = await server.register({
      client_name,
      redirect_uris: sends,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: 'openid email',
    })
    expect(answer.status).toBe(201)
    const registered = await json(answer)
    expect(registered).toEqual({
      client_id: expect.stringMatching(/^v1\.[\w-]+$/),
      client_id_issued_at: expect.closeTo(Date.now() / 1000, -1),
      redirect_uris: sends,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      client_name,
      scope: 'openid email',
    })
    const { client_id } = registered
    for (const redirect_uri of comes)
      expect((await fetch(server.authorizeUrl({ client_id, redirect_uri }))).status, redirect_uri).toBe(200)
  },
)

test('D27: a registration drops the redirects it may not have and fails only when none is left', async () => {
  const server = await signInServer({ login: { redirectSchemes: [] } })
  const cursor = CLIENTS['Cursor']?.sends ?? []
  const some = await server.register({ redirect_uris: [...cursor, 'http://evil.test/cb', 'https://a.test/#x'] })
  expect((await json(some)).redirect_uris).toEqual(cursor.slice(0, 2))
  const none = await server.register({ redirect_uris: ['http://evil.test/cb', 'cursor://x/cb'] })
  expect([none.status, await none.json()]).toEqual([
    400,
    { error: 'invalid_redirect_uri', error_description: 'None of the redirect URIs may be used here.' },
  ])
})

test('at most five places are kept, and the answer says which; ports of this computer are one place', async () => {
  const server = await signInServer()
  const ports = [1, 2, 3].map((port) => `http://localhost:${port}/cb`)
  const places = [1, 2, 3, 4, 5, 6].map((number) => `https://a.test/${number}`)
  const { redirect_uris, client_id } = await json(
    await server.register({ redirect_uris: [...ports, ...places, places[0]] }),
  )
  expect(redirect_uris).toEqual([...ports, ...places.slice(0, 4)])
  expect((await fetch(server.authorizeUrl({ client_id, redirect_uri: 'https://a.test/5' }))).status).toBe(400)
})

test('whatever a client asks for, it becomes a public client of the code grant; what we do not know is ignored', async () => {
  const server = await signInServer()
  const answer = await json(
    await server.register({
      redirect_uris: ['https://a.test/cb'],
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['implicit', 'client_credentials'],
      response_types: ['token'],
      application_type: 'native',
      client_name: null,
      logo_uri: 'https://a.test/logo.png',
      software_statement: 'x.y.z',
      jwks: { keys: [] },
      scope: 'not"a scope',
    }),
  )
  expect(answer).toEqual({
    client_id: expect.any(String),
    client_id_issued_at: expect.any(Number),
    redirect_uris: ['https://a.test/cb'],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  })
  const bare = await server.register({ redirect_uris: ['https://a.test/cb'], client_name: null, scope: null })
  expect(bare.status).toBe(201)
  expect(await json(bare)).toMatchObject({ redirect_uris: ['https://a.test/cb'], response_types: ['code'] })
})

test('what is no registration is invalid_client_metadata', async () => {
  const server = await signInServer()
  for (const body of [
    {},
    [],
    'x',
    null,
    7,
    { redirect_uris: 'https://a.test/cb' },
    { redirect_uris: [] },
    { redirect_uris: [1] },
    { redirect_uris: ['https://a.test/cb'], client_name: { en: 'x' } },
    { redirect_uris: Array.from({ length: 101 }, () => 'https://a.test/cb') },
    { redirect_uris: [1, 2].map((number) => `https://a.test/${number}${'x'.repeat(700)}`) },
  ]) {
    const answer = await server.register(body)
    expect([answer.status, await answer.json()], JSON.stringify(body).slice(0, 80)).toEqual([
      400,
      { error: 'invalid_client_metadata', error_description: 'The registration is malformed.' },
    ])
  }
  const send = async (body: string, type: string): Promise<number> =>
    (await fetch(`${server.url}/oauth/register`, { method: 'POST', headers: { 'content-type': type }, body })).status
  expect(await send('{"redirect_uris":', 'application/json')).toBe(400)
  expect(await send('redirect_uris=https://a.test/cb', 'application/x-www-form-urlencoded')).toBe(400)
  expect(await send(JSON.stringify({ redirect_uris: ['x'.repeat(40_000)] }), 'application/json')).toBe(413)
})

test('D27: no client_id is longer than 1,500 characters', async () => {
  const server = await signInServer()
  const lengths = await Promise.all(
    [100, 500, 800, 900, 950, 1000, 1050].map(async (length) => {
      const answer = await server.register({
        redirect_uris: [`https://a.test/${'x'.repeat(length)}`],
        client_name: '🦊'.repeat(80),
      })
      return answer.status === 201 ? (await json(answer)).client_id.length : null
    }),
  )
  expect(lengths).toContain(null)
  expect(Math.max(...lengths.map(Number))).toBeGreaterThan(1000)
  expect(Math.max(...lengths.map(Number))).toBeLessThanOrEqual(1500)
})

test('D27: a name is shown as one line of at most 80 visible characters, and never as markup', async () => {
  const server = await signInServer()
  const named = async (client_name: string): Promise<string | undefined> =>
    (await json(await server.register({ redirect_uris: ['https://a.test/cb'], client_name }))).client_name
  expect(await named('  Claude \n\t Code  ')).toBe('Claude Code')
  expect(await named('safe\u202Egpj.exe\u2066\u200B\u00AD\uFEFF\uFFF9\u0000')).toBe('safegpj.exe')
  expect(await named(`Z${'\u0301'.repeat(50)}`)).toBe('\u0179\u0301\u0301')
  expect(await named('🦊'.repeat(200))).toBe('🦊'.repeat(80))
  for (const empty of ['', '   ', '\u200B\u3164']) expect(await named(empty)).toBeUndefined()
  const client_id = await server.client('https://a.test/cb', '<img src=x onerror=alert(1)> & "Co"')
  const text = await (await fetch(server.authorizeUrl({ client_id, redirect_uri: 'https://a.test/cb' }))).text()
  expect(text).toContain('&#60;img src=x onerror=alert(1)&#62; &#38; &#34;Co&#34;')
  expect(text).not.toContain('<img')
})

test('D25: a registration holds under every secret of the list, and nowhere else', async () => {
  const redirect_uri = 'https://a.test/cb'
  const first = await signInServer({ publicUrl: 'https://mcp.test', config: { allowedHosts: ['127.0.0.1'] } })
  const client_id = await first.client(redirect_uri)
  const status = async (options: Parameters<typeof signInServer>[0]): Promise<number> => {
    const other = await signInServer({
      publicUrl: 'https://mcp.test',
      config: { allowedHosts: ['127.0.0.1'] },
      ...options,
    })
    return (await fetch(other.authorizeUrl({ client_id, redirect_uri }))).status
  }
  const fresh = 'another session secret that only tests know 0123'
  expect(await status({})).toBe(200)
  expect(await status({ secrets: [fresh, 'a session secret that only tests know 0123456789'] })).toBe(200)
  expect(await status({ secrets: [fresh] })).toBe(400)
  expect(await status({ publicUrl: 'https://other.test' })).toBe(400)
  first.later(9 * 365 * 86_400_000)
  expect((await fetch(first.authorizeUrl({ client_id, redirect_uri }))).status).toBe(200)
})

test('D27: the lists of the operator hold for registrations that exist', async () => {
  const redirect_uri = 'https://a.evil.test/cb'
  const publicUrl = 'https://mcp.test'
  const common = { publicUrl, config: { allowedHosts: ['127.0.0.1'] } }
  const client_id = await (await signInServer(common)).client(redirect_uri)
  for (const login of [{ blockedHosts: ['evil.test'] }, { allowedClients: ['claude.ai'] }]) {
    const server = await signInServer({ ...common, login })
    expect((await fetch(server.authorizeUrl({ client_id, redirect_uri }))).status).toBe(400)
    expect(server.codes).toEqual(['client_invalid'])
    expect((await server.register({ redirect_uris: [redirect_uri] })).status).toBe(400)
  }
})

test('D27: a client that was blocked while its page was open gets no approval', async () => {
  const login = { blockedHosts: [] as string[] }
  const server = await signInServer({ login })
  const browser = formBrowser(server)
  const redirect_uri = 'https://evil.test/cb'
  const form = await browser.form(server.authorizeUrl({ client_id: await server.client(redirect_uri), redirect_uri }))
  login.blockedHosts.push('evil.test')
  for (const answer of [{ provider: 'google' }, { decision: 'deny' }] as Record<string, string>[]) {
    const refused = await browser.answer({ form, ...answer })
    expect([refused.status, refused.headers.get('location')]).toEqual([400, null])
  }
})

test('whoever registers without end is told to wait', async () => {
  const server = await signInServer({ config: { rateLimit: { on: true, perIp: 3, perTenant: 1, perPrincipal: 1 } } })
  const statuses: number[] = []
  for (let time = 0; time < 4; time++)
    statuses.push((await server.register({ redirect_uris: ['https://a.test/cb'] })).status)
  expect(statuses).toEqual([201, 201, 201, 429])
  const limited = await fetch(server.authorizeUrl({}))
  expect([limited.status, limited.headers.get('content-type')]).toEqual([429, 'text/html; charset=utf-8'])
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
})
