import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { Client, StreamableHTTPClientTransport, auth } from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { decodeJwt } from 'jose'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GatehouseParts } from '#http/gatehouse.ts'
import { startChromium } from '../support/chromium.ts'
import { startCompanyIssuer, type CompanyIssuer } from '../support/company-issuer.ts'
import { freePort, startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { signInMemory } from '../support/sign-in-memory.ts'
import { openLoop, person, type Loop } from './person.ts'
import { asking, atCompany, consent, createBrowser, register } from './walk.ts'

/** The official clients of both eras, a real browser and a certified issuer, around one server that keeps nothing of a sign-in. */

let server: RunningGatehouse
let company: CompanyIssuer
let browser: Browser
let loop: Loop
/** What lies at https://client.example.com, by path. */
const documents = new Map<string, unknown>()
const host = createServer((request, response) => {
  const document = documents.get(request.url ?? '')
  response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(document ?? {}))
})

/** Names and connections of the server's own requests (D30): one https host of the world is on this machine. */
const outbound: GatehouseParts['outbound'] = {
  resolve: (_name, _options, done) => done(null, [{ address: '93.184.216.34', family: 4 }]),
  dispatcherConnect({ hostname, port }, done) {
    const away = hostname === 'client.example.com'
    const socket = connect(away ? (host.address() as AddressInfo).port : Number(port), '127.0.0.1')
    socket.once('connect', () => done(null, socket))
    socket.once('error', (error) => done(error, null))
    return undefined
  },
}

beforeAll(async () => {
  const port = await freePort()
  await new Promise<void>((ready) => host.listen(0, '127.0.0.1', ready))
  company = await startCompanyIssuer({ publicUrl: `http://127.0.0.1:${port}` })
  ;[server, browser, loop] = await Promise.all([
    startGatehouse({ kind: 'postgres', env: { ...company.env, PORT: String(port) }, parts: { outbound } }),
    startChromium(),
    openLoop(),
  ])
}, 60_000)
afterAll(async () => {
  loop.close()
  host.closeAllConnections()
  host.close()
  await browser.close()
  await server.close()
  await company.close()
})

interface Held {
  tokens?: { access_token: string; refresh_token?: string; expires_in?: number; token_type: string }
  client?: { client_id: string }
}

const eras = [
  {
    era: '2026-07-28',
    connectable: (url: string, provider: ReturnType<typeof signInMemory>['provider']) => ({
      client: new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } }),
      transport: new StreamableHTTPClientTransport(new URL(url), { authProvider: provider }),
    }),
  },
  {
    era: '2025-11-25 (the v1 client)',
    connectable: (url: string, provider: ReturnType<typeof signInMemory>['provider']) => ({
      client: new LegacyClient({ name: 'test', version: '1' }),
      transport: new LegacyTransport(new URL(url), { authProvider: provider }),
    }),
  },
] as const

describe.each(eras)('a person signs in from an official client, $era', ({ connectable }) => {
  test('knowing nothing but the URL: registered by itself, consent, tools, refresh, and refused after revocation', async () => {
    const { provider, held } = signInMemory(loop.url)
    const tokens = (): NonNullable<Held['tokens']> => (held as Held).tokens ?? { access_token: '', token_type: '' }
    const first = connectable(server.mcp, provider)
    await expect(first.client.connect(first.transport)).rejects.toThrow(/unauthorized/i)
    expect(held.asked?.origin).toBe(server.url)
    expect(held.asked?.searchParams.get('resource')).toBe(server.mcp)

    const alice = await person(browser)
    await alice.consent(held.asked)
    await alice.signIn()
    const back = await loop.arrival()
    expect(back.searchParams.get('iss')).toBe(server.url)
    await alice.close()
    await first.transport.finishAuth(back.searchParams.get('code') ?? '', back.searchParams.get('iss') ?? undefined)

    // The provider's own token, not one of ours.
    expect(decodeJwt(tokens().access_token)).toMatchObject({ iss: company.issuer, aud: company.clientId, sub: 'alice' })
    expect(tokens().expires_in).toBeGreaterThan(3000)

    const second = connectable(server.mcp, provider)
    await second.client.connect(second.transport)
    expect(await second.client.callTool({ name: 'whoami', arguments: {} })).toMatchObject({
      structuredContent: { user_id: 'oidc:alice', email: 'alice@acme.test', tenant: { slug: 'acme_test' } },
    })

    const before = tokens()
    expect(before.refresh_token).toBeTypeOf('string')
    const asked = company.tokenRequests()
    expect(await auth(provider, { serverUrl: server.mcp })).toBe('AUTHORIZED')
    // The issuer's new ID token may be the same text, when it was made within the same second.
    expect(company.tokenRequests()).toBe(asked + 1)
    expect(tokens().refresh_token).not.toBe(before.refresh_token)
    expect(await second.client.callTool({ name: 'whoami', arguments: {} })).toMatchObject({
      structuredContent: { user_id: 'oidc:alice' },
    })
    await second.client.close()

    const revoke = async (token: string): Promise<number> =>
      (
        await fetch(`${server.url}/oauth/revoke`, {
          method: 'POST',
          body: new URLSearchParams({ token, client_id: (held as Held).client?.client_id ?? '' }),
        })
      ).status
    const { access_token, refresh_token = '' } = tokens()
    expect(await revoke(access_token)).toBe(200)
    expect(await revoke(refresh_token)).toBe(200)
    const refused = await fetch(server.mcp, { method: 'POST', headers: { authorization: `Bearer ${access_token}` } })
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('invalid_token'),
    ])
    const renewed = await fetch(`${server.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token,
        client_id: (held as Held).client?.client_id ?? '',
      }),
    })
    expect([renewed.status, await renewed.json()]).toMatchObject([400, { error: 'invalid_grant' }])
  })
})

test('a person who says no comes back to the client with access_denied, and the issuer was asked nothing', async () => {
  const { provider, held } = signInMemory(loop.url)
  const { client, transport } = eras[0].connectable(server.mcp, provider)
  await expect(client.connect(transport)).rejects.toThrow(/unauthorized/i)
  const before = company.tokenRequests()
  const bob = await person(browser, { javaScriptEnabled: false })
  await bob.page.goto(held.asked?.href ?? '')
  await bob.page.locator('button[name=decision][value=deny]').click()
  const back = await loop.arrival()
  expect(Object.fromEntries(back.searchParams)).toMatchObject({ error: 'access_denied', iss: server.url })
  expect(company.tokenRequests()).toBe(before)
  await bob.close()
})

test('a person who cancels at the issuer comes back with access_denied', async () => {
  const { provider, held } = signInMemory(loop.url)
  const { client, transport } = eras[0].connectable(server.mcp, provider)
  await expect(client.connect(transport)).rejects.toThrow(/unauthorized/i)
  const bob = await person(browser, { javaScriptEnabled: false })
  await bob.consent(held.asked)
  await bob.signIn('Cancel')
  expect((await loop.arrival()).searchParams.get('error')).toBe('access_denied')
  await bob.close()
})

test('a client with a metadata document signs in without registering, and the page says whose document it is', async () => {
  const id = 'https://client.example.com/oauth/client.json'
  documents.set('/oauth/client.json', {
    client_id: id,
    client_name: 'A client with a document',
    redirect_uris: [loop.url],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  })
  const { provider, held } = signInMemory(loop.url)
  const documented = Object.assign(provider, { clientMetadataUrl: id })
  const first = eras[0].connectable(server.mcp, documented)
  await expect(first.client.connect(first.transport)).rejects.toThrow(/unauthorized/i)
  expect(held.asked?.searchParams.get('client_id')).toBe(id)
  const bob = await person(browser, { javaScriptEnabled: false })
  await bob.page.goto(held.asked?.href ?? '')
  expect(await bob.page.locator('main').textContent()).toMatch(/A client with a document, as\s+client\.example\.com/)
  await bob.page.locator('button[name=provider][value=oidc]').click()
  await bob.signIn('Bob Brown')
  const back = await loop.arrival()
  await first.transport.finishAuth(back.searchParams.get('code') ?? '', back.searchParams.get('iss') ?? undefined)
  const second = eras[0].connectable(server.mcp, documented)
  await second.client.connect(second.transport)
  expect(await second.client.callTool({ name: 'whoami', arguments: {} })).toMatchObject({
    structuredContent: { user_id: 'oidc:bob', tenant: { slug: 'globex_test' } },
  })
  await Promise.all([second.client.close(), bob.close()])
})

test('D24: an attacker who consents in his own browser and hands the provider URL to another gets nothing', async () => {
  const attacker = createBrowser()
  const lure = await consent(attacker, asking(server.url, await register(server.url, loop.url), loop.url))
  const victim = createBrowser()
  const back = await atCompany(victim, lure)
  const before = company.tokenRequests()
  const answer = await victim.visit(back)
  expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
  expect(await answer.text()).not.toContain('<form')
  expect(company.tokenRequests()).toBe(before)
})

test('no token, code or secret of a sign-in stands in the log', () => {
  const log = server.lines.join('')
  expect(log.length).toBeGreaterThan(1000)
  expect(log).not.toMatch(/eyJ[\w-]+\.eyJ|v1\.[\w-]{60}/)
  expect(log).not.toContain(company.clientSecret)
})
