import { parse as parseToml } from 'smol-toml'
import { expect, test } from 'vitest'
import { brokerFacts, expectedFacts, isPublicUrl, outlook, type IssuerFacts } from '#base/client-outlook.ts'
import { clients, type Client } from '#base/clients.ts'
import type { ClientId, Way } from '#base/client-snippets.ts'

const url = 'https://mcp.example.com/mcp'
const byId = (id: ClientId): Client => clients.find((client) => client.id === id) as Client
const all = clients.flatMap((client) => client.snippets(url).map((snippet) => ({ client, snippet })))

test('every client is there once, with something to paste that names the address', () => {
  expect(new Set(clients.map(({ id }) => id)).size).toBe(clients.length)
  expect(clients.filter((client) => client.snippets(url).length === 0)).toEqual([])
  expect(all.filter(({ snippet }) => !snippet.text.includes(url))).toEqual([])
})

test('what is JSON or TOML parses, and a key stands there only as the name of a variable or input', () => {
  for (const { snippet } of all) {
    if (snippet.language === 'json') expect(JSON.parse(snippet.text)).toBeTypeOf('object')
    if (snippet.language === 'toml') expect(parseToml(snippet.text)).toHaveProperty('mcp_servers')
  }
  expect(all.map(({ snippet }) => snippet.text).join()).not.toMatch(/gh_key_|Bearer [a-z0-9]/)
})

test('a tenant’s own endpoint gets a name of its own, so that two of them fit into one client', () => {
  const [snippet] = byId('claude-code').snippets('https://mcp.example.com/t/acme_com/mcp')
  expect(snippet?.text).toContain('gatehouse-acme_com https://mcp.example.com/t/acme_com/mcp')
})

test('an install link holds the same as the client’s file', () => {
  const cursor = new URL(byId('cursor').install(url)?.href ?? '')
  expect(cursor.protocol + cursor.host + cursor.pathname).toBe('cursor:anysphere.cursor-deeplink/mcp/install')
  expect(cursor.searchParams.get('name')).toBe('gatehouse')
  expect(JSON.parse(Buffer.from(cursor.searchParams.get('config') ?? '', 'base64').toString())).toEqual({ url })
  const to = new URL(byId('vscode').install(url)?.href ?? '').searchParams.get('url') ?? ''
  expect(to).toMatch(/^vscode:mcp\/install\?/)
  expect(JSON.parse(decodeURIComponent(to.split('?')[1] ?? ''))).toEqual({ name: 'gatehouse', type: 'http', url })
})

test('what can be typed into a client is what it is told to type', () => {
  const told = (id: ClientId, way: Way): boolean =>
    byId(id)
      .snippets(url)
      .some((snippet) => snippet.way === way)
  expect(clients.filter(({ id, own_client }) => told(id, 'client-id') !== (own_client !== 'none'))).toEqual([])
  expect(clients.filter(({ id, header }) => told(id, 'key') !== header)).toEqual([])
})

const closed: IssuerFacts = { ...expectedFacts('https://issuer.test'), registration: false }
const verdicts = (issuer: IssuerFacts | null, at = url): Record<string, string> =>
  Object.fromEntries(clients.map((client) => [client.id, outlook(client, { url: at, issuer, broken: null }).verdict]))
const everyone = Object.fromEntries(clients.map(({ id }) => [id, 'works']))

test('behind the broker everybody signs in, and a script takes a key', () => {
  expect(verdicts(brokerFacts('https://mcp.example.com'))).toEqual({ ...everyone, script: 'key' })
})

test('Google and GitHub register nobody and want a secret: ChatGPT stays out, Codex takes a key', () => {
  for (const issuer of ['https://accounts.google.com', 'https://github.com/login/oauth'])
    expect(verdicts(expectedFacts(issuer))).toEqual({
      claude: 'client-id',
      'claude-code': 'client-id',
      cursor: 'client-id',
      vscode: 'client-id',
      chatgpt: 'no',
      codex: 'key',
      'gemini-cli': 'client-id',
      other: 'client-id',
      script: 'key',
    })
})

test('Entra registers nobody but wants no secret, so Codex can use a client id', () => {
  const facts = expectedFacts('https://login.microsoftonline.com/0190a000-0000-7000-8000-000000000001/v2.0')
  expect(verdicts(facts)).toMatchObject({ codex: 'client-id', chatgpt: 'no' })
})

test('an issuer that takes metadata documents but registers nobody serves the clients that publish one', () => {
  const documents = { ...closed, client_metadata: true, public_clients: true, iss_parameter: true }
  expect(verdicts(documents)).toMatchObject({ claude: 'works', vscode: 'works', chatgpt: 'works', cursor: 'client-id' })
  // Claude uses its document only where `none` is offered, ChatGPT only where the issuer names itself (RFC 9207).
  expect(verdicts({ ...documents, public_clients: false })).toMatchObject({ claude: 'client-id', codex: 'works' })
  expect(verdicts({ ...documents, iss_parameter: false })).toMatchObject({ chatgpt: 'no', claude: 'works' })
})

test('whatever the verdict, there is something to paste that goes that way', () => {
  const way = { works: 'sign-in', 'client-id': 'client-id', key: 'key' } as const
  const issuers = [
    brokerFacts(url),
    closed,
    expectedFacts('https://accounts.google.com'),
    { ...closed, pkce: false },
    null,
  ]
  let judged = 0
  for (const issuer of issuers)
    for (const client of clients) {
      const { verdict } = outlook(client, { url, issuer, broken: null })
      if (verdict === 'no') continue
      judged += 1
      expect(
        client.snippets(url).map((snippet) => snippet.way),
        client.id,
      ).toContain(way[verdict])
    }
  expect(judged).toBeGreaterThan(30)
})

test('without PKCE, and without an issuer at all, only keys are left', () => {
  for (const issuer of [{ ...brokerFacts(url), pkce: false }, null])
    expect(verdicts(issuer)).toMatchObject({
      claude: 'no',
      chatgpt: 'no',
      codex: 'key',
      vscode: 'key',
      script: 'key',
      other: 'no',
    })
})

test('a client that calls from its vendor’s network cannot reach this machine', () => {
  expect(verdicts(brokerFacts('x'), 'http://127.0.0.1:3000/mcp')).toMatchObject({
    claude: 'no',
    chatgpt: 'no',
    codex: 'works',
  })
})

test.each([
  ['https://mcp.example.com/mcp', true],
  ['https://8.8.8.8/mcp', true],
  ['http://mcp.example.com/mcp', false],
  ['https://localhost/mcp', false],
  ['https://10.0.0.1/mcp', false],
  ['https://[::1]/mcp', false],
  ['https://gatehouse/mcp', false],
  ['https://mcp.corp.internal/mcp', false],
  ['no url', false],
])('%s is public: %s', (text, yes) => {
  expect(isPublicUrl(text)).toBe(yes)
})
