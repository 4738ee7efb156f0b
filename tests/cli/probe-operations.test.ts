import { createServer, type Server } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGuardedFetch } from '#base/fetch.ts'
import { examineName } from '#cli/examination-name.ts'
import { examineRegistration } from '#cli/examination-registration.ts'
import { probe } from '#cli/probe.ts'
import { systemClock } from '#base/clock.ts'
import type { Provider } from '#identity/provider.ts'
import { startFakeProvider, type FakeProvider } from '../support/fake-provider.ts'
import { gatehouse } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from '../support/loopback-certificate.ts'
import { deployment, type Replies } from './deployment.ts'

const TOKEN = 'a metrics token only tests know'

interface Told {
  readonly findings: readonly { readonly check: string; readonly status: string; readonly detail: string }[]
}
const of = ({ findings }: Told, check: string): string | undefined => {
  const found = findings.find((one) => one.check === check)
  return found && `${found.status}: ${found.detail}`
}

describe('against our own server', () => {
  const servers: RunningGatehouse[] = []
  const start = async (env: Readonly<Record<string, string>>): Promise<string> => {
    const server = await startGatehouse({ kind: 'postgres', env })
    servers.push(server)
    return server.mcp
  }
  let plain = ''
  let wide = ''
  beforeAll(async () => {
    plain = await start({ METRICS_TOKEN: TOKEN })
    wide = await start({ METRICS_TOKEN: TOKEN, TRUST_PROXY: '127.0.0.0/8' })
  }, 60_000)
  afterAll(async () => {
    for (const server of servers) await server.close()
  })
  const asOperator = async (url: string, token = TOKEN): Promise<Told & { readonly exit: number }> => {
    const ran = await gatehouse({ env: { METRICS_TOKEN: token } }, ['doctor', '--url', url, '--as-operator', '--json'])
    return { ...(ran.json() as Told), exit: ran.exit }
  }

  test('it is ready, and a stranger is shown no figures', async () => {
    const seen = await probe(plain)
    expect(of(seen, 'ready')).toBe('ok: /readyz answers 200')
    expect(of(seen, 'metrics')).toMatch(/^ok: a stranger is not shown \/metrics \(404\)/)
    expect(of(seen, 'client address')).toBeUndefined()
  })

  test('D4: the holder of METRICS_TOKEN is told which address the server took him for, and others are not', async () => {
    expect(of(await asOperator(plain), 'client address')).toBe(
      'ok: it took this request for one of 127.0.0.1, over a connection from 127.0.0.1',
    )
    const wrong = await asOperator(plain, 'another token of somebody')
    expect(of(wrong, 'client address')).toMatch(/^failed: it tells nothing: METRICS_TOKEN is not the one/)
    const asked = async (headers: Record<string, string>): Promise<unknown> =>
      await (await fetch(plain.replace('/mcp', '/readyz'), { headers })).json()
    // Through a proxy, without the token: one word.
    expect(await asked({ 'x-forwarded-for': '192.0.2.1' })).toEqual({ status: 'ready' })
    expect(await asked({ authorization: 'Bearer of nothing at all' })).toEqual({ status: 'ready' })
    expect(await asked({ authorization: `Bearer ${TOKEN}` })).toHaveProperty('client.address', '127.0.0.1')
  })

  test('D4: a server that believes what anybody writes in a header is found', async () => {
    const seen = await asOperator(wide)
    expect(seen.exit).toBe(1)
    expect(of(seen, 'client address')).toMatch(/^failed: .* a header that anybody can send made it 192\.0\.2\.77/)
  })

  test('without METRICS_TOKEN --as-operator is a mistake of the configuration, and nothing is asked', async () => {
    expect(await gatehouse({ env: {} }, ['doctor', '--url', plain, '--as-operator'])).toMatchObject({
      exit: 78,
      stderr: expect.stringMatching(/^ {2}METRICS_TOKEN: needed by --as-operator, for example METRICS_TOKEN=/m),
    })
  })
})

describe('against a server with one fault', () => {
  const looked = async (replies: Replies, ...more: string[]): Promise<Told> => {
    const there = await deployment(replies)
    try {
      const line = ['doctor', '--url', there.url, '--json', ...more]
      return (await gatehouse({ env: { METRICS_TOKEN: TOKEN } }, line)).json()
    } finally {
      await there.close()
    }
  }

  test('that is not ready, or says nothing of it', async () => {
    expect(of(await looked({ 'GET /readyz': () => ({ status: 503 }) }), 'ready')).toMatch(
      /^failed: \/readyz answers 503/,
    )
    expect(of(await looked({ 'GET /readyz': () => ({ status: 404 }) }), 'ready')).toMatch(
      /^warning: \/readyz answers 404/,
    )
  })

  test('that shows its figures to strangers', async () => {
    expect(of(await looked({ 'GET /metrics': () => ({ status: 200, body: 'up 1' }) }), 'metrics')).toMatch(
      /^failed: \/metrics is answered without a token/,
    )
  })

  test('the token goes to nobody unless --as-operator says so', async () => {
    const shown: (string | undefined)[] = []
    const replies: Replies = {
      'GET /readyz': (_, { headers }) => {
        shown.push(headers.authorization)
        return { body: { status: 'ready', client: { address: '127.0.0.1', peer: '127.0.0.1' } } }
      },
    }
    await looked(replies)
    expect(shown).toEqual([undefined])
    await looked(replies, '--as-operator')
    expect(new Set(shown)).toEqual(new Set([undefined, `Bearer ${TOKEN}`]))
  })
})

describe('DNS of the public URL', () => {
  const named = async (answer: readonly string[] | string): Promise<string | undefined> => {
    const [found] = await examineName('https://mcp.example.com', async () => {
      if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer })
      return answer.map((address) => ({ address }))
    })
    return found && `${found.status}: ${found.detail}`
  }
  test('a name that nobody knows fails, one that leads inside is warned of, an address is not looked up', async () => {
    expect(await named(['93.184.216.34', '2606:2800:220:1::1'])).toBe(
      'ok: mcp.example.com is 93.184.216.34, 2606:2800:220:1::1',
    )
    expect(await named(['10.0.0.7'])).toMatch(/^warning: .*10\.0\.0\.7 is not public/)
    expect(await named('ENOTFOUND')).toMatch(/^failed: mcp\.example\.com is not known \(ENOTFOUND\)/)
    expect(await named('EAI_AGAIN')).toMatch(/^warning: .*could not be looked up \(EAI_AGAIN\)/)
    for (const url of ['http://127.0.0.1:3000', 'http://localhost:3000', 'https://[2001:db8::1]'])
      expect(await examineName(url, () => Promise.reject(new Error('asked')))).toEqual([])
  })
})

describe('TLS', () => {
  let old: Server
  beforeAll(async () => {
    old = createServer(
      {
        key: LOOPBACK_KEY,
        cert: LOOPBACK_CERTIFICATE,
        minVersion: 'TLSv1',
        ciphers: 'DEFAULT@SECLEVEL=0',
      },
      (socket) => socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
    )
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => void old.close())

  test('RFC 8996: a server that still speaks TLS 1.1 is warned of, and a new one is not', async () => {
    const parts = { clock: systemClock, ca: LOOPBACK_CERTIFICATE }
    const seen = await probe(`https://localhost:${(old.address() as AddressInfo).port}/mcp`, parts)
    expect(of(seen, 'tls')).toMatch(/^warning: TLSv1\.1 is accepted/)
    const there = await deployment({}, { tls: true })
    expect(of(await probe(there.url, parts), 'tls')).toBe('ok: versions before 1.2 are refused')
    await there.close()
  })
})

describe('what a provider lets MCP clients do', () => {
  let fake: FakeProvider
  const fetch = createGuardedFetch({ allowPrivate: true })
  beforeAll(async () => (fake = await startFakeProvider()))
  afterAll(async () => {
    await fake.close()
    await fetch.close()
  })
  const told = async (
    path: string,
    metadata: Record<string, unknown>,
    brokered: boolean,
  ): Promise<string | undefined> => {
    const { iss } = fake.issuer({ path, metadata })
    const provider = {
      id: 'oidc',
      authorization_server: iss,
      challenge_scopes: ['openid', 'email'],
    } as unknown as Provider
    const [found] = await examineRegistration(provider, fetch, brokered)
    return found && `${found.status}: ${found.detail}`
  }
  const pkce = { code_challenge_methods_supported: ['S256'], scopes_supported: ['openid', 'email', 'profile'] }

  test('registration, metadata documents, S256 and scopes: each that is missing is told', async () => {
    const open = { ...pkce, registration_endpoint: 'https://idp.example/register' }
    expect(await told('a', open, false)).toBe('ok: clients register there')
    expect(await told('b', { ...pkce, client_id_metadata_document_supported: true }, false)).toMatch(
      /^ok: .*metadata document/,
    )
    expect(await told('c', pkce, false)).toMatch(/^warning: it registers no clients .*LOGIN=broker/)
    expect(await told('d', pkce, true)).toBe('ok: this server registers clients in its place')
    expect(await told('e', { ...open, code_challenge_methods_supported: ['plain'] }, false)).toMatch(/^warning: .*S256/)
    expect(await told('f', { ...open, scopes_supported: ['openid'] }, true)).toMatch(/^warning: .*scopes email,/)
  })

  test('of Google it is known without asking', async () => {
    const google = { id: 'google', authorization_server: 'https://accounts.google.com', challenge_scopes: ['openid'] }
    const [found] = await examineRegistration(google as unknown as Provider, fetch, false)
    expect(found).toMatchObject({ status: 'warning', detail: expect.stringContaining('registers no clients') })
  })
})
