import { buildConnector } from 'undici'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { endpointOf, probe } from '#cli/probe.ts'
import { freePort } from '../support/free-port.ts'
import { gatehouse, type Ran } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { LOOPBACK_CERTIFICATE } from '../support/loopback-certificate.ts'
import { deployment, type Deployment, type Replies, type Reply } from './deployment.ts'

interface Answer {
  readonly ok: boolean
  readonly url: string
  readonly findings: readonly { readonly check: string; readonly status: string; readonly detail: string }[]
  readonly clients: readonly {
    readonly id: string
    readonly verdict: string
    readonly paste: { text: string } | null
  }[]
}

const running: Deployment[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one.close()
})

async function at(replies: Replies): Promise<Deployment> {
  const made = await deployment(replies)
  running.push(made)
  return made
}

const doctor = async (url: string, ...more: string[]): Promise<Ran> =>
  // Of another person's machine: there is no configuration, and a wrong one would not matter.
  await gatehouse({ env: { PUBLIC_URL: 'nonsense' } }, ['doctor', '--url', url, ...more])

async function looked(url: string): Promise<Answer & { readonly exit: number }> {
  const ran = await doctor(url, '--json')
  return { ...(ran.json() as Answer), exit: ran.exit }
}

const of = ({ findings }: Pick<Answer, 'findings'>, check: string): string =>
  findings
    .filter((finding) => finding.check.startsWith(check))
    .map(({ status, detail }) => `${status}: ${detail}`)
    .join('\n')

describe('against our own server', () => {
  let server: RunningGatehouse
  beforeAll(async () => {
    server = await startGatehouse({ kind: 'embedded' })
  }, 60_000)
  afterAll(async () => await server.close())

  test('all is well, for the bare address, the endpoint and a tenant’s endpoint, and each client is told what to paste', async () => {
    for (const [typed, url] of [
      [server.url, server.mcp],
      [server.mcp, server.mcp],
      [`${server.url}/t/acme_test/mcp`, `${server.url}/t/acme_test/mcp`],
    ] as const) {
      const seen = await looked(typed)
      expect(seen).toMatchObject({ ok: true, exit: 0, url })
      expect(seen.findings.filter(({ status }) => status !== 'ok').map(({ check }) => check)).toEqual(['address'])
      expect(seen.clients.find(({ id }) => id === 'claude-code')).toMatchObject({
        verdict: 'works',
        paste: { text: expect.stringContaining(url) },
      })
    }
  })

  test('people read the same as text', async () => {
    const ran = await doctor(server.url)
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.stdout).toMatch(/^ok +challenge +401, leads to /m)
    expect(ran.stdout).toMatch(/^yes +Codex +signs in, registers itself$/m)
    expect(ran.stdout).toMatch(/^no +Claude +it calls from/m)
    expect(ran.stdout).toContain(`  claude mcp add --transport http gatehouse ${server.mcp}\n`)
  })

  test('another name of the same machine is not the resource, and then nobody can sign in', async () => {
    const seen = await looked(server.mcp.replace('127.0.0.1', 'localhost'))
    expect(seen).toMatchObject({ ok: false, exit: 1 })
    expect(of(seen, 'resource')).toMatch(/^failed: is "http:\/\/127/)
    expect(seen.clients.filter(({ verdict }) => verdict === 'works')).toEqual([])
  })
})

test('a right deployment is right, and nothing but reading was done to it', async () => {
  const there = await at({})
  const seen = await looked(there.url)
  expect(seen).toMatchObject({ ok: true, exit: 0 })
  expect(seen.findings.filter(({ status }) => status !== 'ok').map(({ check }) => check)).toEqual(['address'])
  expect(new Set(there.asked.map((line) => line.split(' ')[0]))).toEqual(new Set(['GET', 'POST', 'OPTIONS']))
  expect(there.asked.filter((line) => line.startsWith('POST '))).toEqual(['POST /mcp', 'POST /mcp'])
})

const PRM = 'GET /.well-known/oauth-protected-resource'
const AS = 'GET /.well-known/oauth-authorization-server'
const headers =
  (...changed: [name: string, value: string][]) =>
  (right: Reply): Reply => ({ ...right, headers: { ...right.headers, ...Object.fromEntries(changed) } })
const body =
  (changed: Record<string, unknown>) =>
  (right: Reply): Reply => ({ ...right, body: { ...(right.body as object), ...changed } })
const gone = (): Reply => ({ status: 404 })

test.each<[string, Replies, string, RegExp]>([
  ['metadata that is not there', { [`${PRM}/mcp`]: gone }, 'metadata', /^failed: status/],
  ['metadata that is no JSON', { [`${PRM}/mcp`]: () => ({ body: '<html>' }) }, 'metadata', /^failed: not_json/],
  ['metadata that is a list', { [`${PRM}/mcp`]: () => ({ body: [] }) }, 'metadata', /^failed: .*no JSON object/],
  [
    'metadata of another resource',
    { [`${PRM}/mcp`]: body({ resource: 'https://x/mcp' }) },
    'resource',
    /^failed: is "https:\/\/x\/mcp"/,
  ],
  [
    'a second document that differs',
    { [PRM]: body({ resource: 'https://x/mcp' }) },
    'metadata',
    /failed: .*another resource$/,
  ],
  ['an open door', { 'POST /mcp': () => ({ status: 200, body: {} }) }, 'challenge', /^failed: .* 200, not 401/],
  [
    'a refusal without challenge',
    { 'POST /mcp': () => ({ status: 401 }) },
    'challenge',
    /^failed: .*no WWW-Authenticate/,
  ],
  [
    'a challenge of another scheme',
    { 'POST /mcp': headers(['www-authenticate', 'Basic realm="Bearers"']) },
    'challenge',
    /^failed: .*no WWW-Authenticate/,
  ],
  [
    'a challenge that leads nowhere',
    { 'POST /mcp': headers(['www-authenticate', 'Bearer realm="x"']) },
    'challenge',
    /^failed: names no resource_metadata/,
  ],
  [
    'a challenge that leads to somebody else',
    { 'POST /mcp': headers(['www-authenticate', 'Bearer resource_metadata="https://evil.test/x"']) },
    'challenge',
    /^failed: leads to https:\/\/evil\.test/,
  ],
  [
    'an issuer of another name',
    { [AS]: body({ issuer: 'https://issuer.test/' }) },
    'issuer',
    /^failed: .*names itself "https:\/\/issuer\.test\/"/,
  ],
  ['an issuer without metadata', { [AS]: gone }, 'issuer', /^failed: no metadata at any/],
  [
    'an issuer that is no URL',
    { [`${PRM}/mcp`]: body({ authorization_servers: ['me'] }) },
    'issuer',
    /^failed: is no https URL/,
  ],
  ['a foreign host that is served', { host: () => ({ status: 200, body: {} }) }, 'host', /^failed: .*rebinds/],
])('%s fails', async (_name, replies, check, expected) => {
  const seen = await looked((await at(replies)).url)
  expect(of(seen, check)).toMatch(expected)
  expect(seen).toMatchObject({ ok: false, exit: 1 })
})

test.each<[string, Replies, string, RegExp]>([
  [
    'no authorization server',
    { [`${PRM}/mcp`]: body({ authorization_servers: [] }) },
    'sign-in',
    /^warning: .*only keys open/,
  ],
  [
    'an error code before any token',
    {
      'POST /mcp': (right) =>
        headers(['www-authenticate', `${right.headers?.['www-authenticate']}, error="invalid_token"`])(right),
    },
    'challenge',
    /warning: has an error code/,
  ],
  ['no PKCE', { [AS]: body({ code_challenge_methods_supported: ['plain'] }) }, 'issuer', /warning: does not list S256/],
  [
    'nobody registered',
    { [AS]: body({ registration_endpoint: null, client_id_metadata_document_supported: false }) },
    'issuer',
    /warning: registers no clients/,
  ],
  ['no root document', { [PRM]: gone }, 'metadata', /warning: .*older clients/],
  ['a closed preflight', { 'OPTIONS /mcp': () => ({ status: 405 }) }, 'cors', /^warning: .*answered 405/],
  [
    'another origin only',
    { 'OPTIONS /mcp': headers(['access-control-allow-origin', 'https://app.test']) },
    'cors',
    /^warning: .*its origin is not allowed/,
  ],
  [
    'a challenge no page can read',
    { 'POST /mcp': headers(['access-control-expose-headers', 'x-request-id']) },
    'cors',
    /^warning: .*expose-headers lacks www-authenticate/,
  ],
  [
    'a wildcard, which leaves Authorization out',
    { 'OPTIONS /mcp': headers(['access-control-allow-headers', '*']) },
    'cors',
    /^warning: .*allow-headers lacks authorization$/,
  ],
  [
    'credentials',
    { 'POST /mcp': headers(['access-control-allow-credentials', 'true']) },
    'cors',
    /^warning: .*credentials/,
  ],
])('%s is worth a warning, and fails nothing', async (_name, replies, check, expected) => {
  const seen = await looked((await at(replies)).url)
  expect(of(seen, check)).toMatch(expected)
  expect(seen).toMatchObject({ ok: true, exit: 0 })
})

test('metadata in another place of the same origin is found through the challenge, among other schemes', async () => {
  let url = ''
  const there = await at({
    'POST /mcp': (right, request) =>
      headers([
        'www-authenticate',
        `Basic realm="x", bearer  Resource_Metadata="http://${request.headers.host}/elsewhere"`,
      ])(right),
    'GET /elsewhere': () => ({ body: { resource: url } }),
  })
  ;({ url } = there)
  expect(of(await looked(url), 'challenge')).toBe(`ok: 401, leads to ${there.origin}/elsewhere`)
})

test('a challenge that leads to another origin is not followed', async () => {
  const other = await at({})
  const there = await at({
    'POST /mcp': headers(['www-authenticate', `Bearer resource_metadata="${other.origin}/x"`]),
  })
  expect(of(await looked(there.url), 'challenge')).toMatch(/^failed: leads to/)
  expect(other.asked).toEqual([])
})

test('an issuer is looked for in all three places, and one that only OpenID Connect knows is as good', async () => {
  const there = await at({ [AS]: gone, 'GET /.well-known/openid-configuration': () => ({ body: document }) })
  const document = { issuer: there.origin, registration_endpoint: 'x', code_challenge_methods_supported: ['S256'] }
  const seen = await looked(there.url)
  expect(of(seen, 'issuer')).toMatch(/^ok: .*openid-configuration; PKCE S256 yes, dynamic registration yes/)
  const path = await at({ [`${PRM}/mcp`]: body({ authorization_servers: [`${there.origin}/realms/a`] }) })
  await looked(path.url)
  expect(there.asked.filter((line) => line.includes('realms'))).toEqual(
    expect.arrayContaining([
      'GET /.well-known/oauth-authorization-server/realms/a',
      'GET /.well-known/openid-configuration/realms/a',
      'GET /realms/a/.well-known/openid-configuration',
    ]),
  )
})

test('what comes from the other side cannot steer the terminal', async () => {
  const { url } = await at({
    [`${PRM}/mcp`]: body({ resource: '\u001b[2J\u202Eevil', authorization_servers: ['\u001b]0;x'] }),
  })
  expect((await doctor(url)).stdout).not.toMatch(/(?!\n)\p{C}/u)
})

test('nobody there: one finding, no table of clients, exit 1', async () => {
  const seen = await looked(`http://127.0.0.1:${await freePort()}`)
  expect(seen).toMatchObject({ ok: false, exit: 1, clients: [] })
  expect(of(seen, 'transport')).toMatch(/^failed: cannot be reached: .*ECONNREFUSED/)
  expect((await doctor(`http://127.0.0.1:${await freePort()}`)).stdout).not.toContain('Clients at')
})

test.each([
  'http://mcp.example.com/mcp',
  'https://user@mcp.example.com',
  'https://mcp.example.com/mcp?x=1',
  'ftp://x',
  'mcp',
])('%s is no address that is asked: exit 2', async (text) => {
  const ran = await doctor(text)
  expect(ran).toMatchObject({ exit: 2, stdout: '' })
  expect(ran.stderr).toContain('https://HOST/mcp')
})

test('an address is asked as it was typed, for clients compare it so', () => {
  expect(endpointOf('https://MCP.example.com/mcp')).toBe('https://MCP.example.com/mcp')
  expect(endpointOf('https://mcp.example.com')).toBe('https://mcp.example.com/mcp')
  expect(endpointOf('https://mcp.example.com/')).toBe('https://mcp.example.com/mcp')
})

describe('over TLS', () => {
  let there: Deployment
  beforeAll(async () => {
    there = await deployment({}, { tls: true })
  })
  afterAll(async () => {
    await there.close()
  })
  const trusting = {
    clock: systemClock,
    ca: LOOPBACK_CERTIFICATE,
    connect: buildConnector({ ca: LOOPBACK_CERTIFICATE }),
  }

  test('a certificate that no authority signed is refused, as every client would', async () => {
    expect(of(await probe(there.url), 'transport')).toMatch(/^failed: .*self.signed/i)
  })

  test('the protocol, the end of the certificate and HSTS are told, and a foreign Host is tried behind the right name', async () => {
    const seen = await probe(there.url, trusting)
    expect(of(seen, 'transport')).toMatch(/^ok: TLSv1\.3, the certificate ends in \d+ days$/)
    expect(of(seen, 'hsts')).toBe('ok: max-age=31536000')
    expect(of(seen, 'host')).toMatch(/^ok: .*\(403\)$/)
    expect(seen.findings.filter(({ status }) => status === 'failed')).toEqual([])
  })

  test.each(['', 'max-age=0'])('HSTS of %j is none', async (value) => {
    const none = await deployment({ [PRM]: headers(['strict-transport-security', value]) }, { tls: true })
    expect(of(await probe(none.url, trusting), 'hsts')).toMatch(/^warning: no Strict-Transport-Security/)
    await none.close()
  })

  test('a certificate about to end is worth a warning', async () => {
    const late = { now: () => Date.parse('2126-10-20T00:00:00Z') }
    expect(of(await probe(there.url, { ...trusting, clock: late }), 'transport')).toMatch(/^warning: .*renew it$/)
  })
})
