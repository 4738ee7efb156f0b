import { Client, StreamableHTTPClientTransport, auth } from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { decodeJwt } from 'jose'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

beforeAll(async () => {
  const port = await freePort()
  company = await startCompanyIssuer({ publicUrl: `http://127.0.0.1:${port}` })
  ;[server, browser, loop] = await Promise.all([
    startGatehouse({ kind: 'postgres', env: { ...company.env, PORT: String(port) } }),
    startChromium(),
    openLoop(),
  ])
}, 60_000)
afterAll(async () => {
  loop.close()
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
