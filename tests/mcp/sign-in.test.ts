import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { browser } from '../http/browser.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { signInMemory } from '../support/sign-in-memory.ts'

const memory = () => signInMemory('http://127.0.0.1:39999/callback')

let server: RunningGatehouse
beforeAll(async () => {
  server = await startGatehouse({ kind: 'postgres' })
})
afterAll(async () => await server.close())

/** The first attempt is challenged and ends at a sign-in page; the second has a token. */
async function signIn<AnyClient extends Client | LegacyClient>(
  url: string,
  person: string,
  makeClient: () => {
    readonly client: AnyClient
    readonly transport: StreamableHTTPClientTransport | LegacyTransport
    readonly asked: () => URL | null
  },
): Promise<AnyClient> {
  const before = makeClient()
  await expect(before.client.connect(before.transport)).rejects.toThrow(/unauthorized/i)
  const asked = before.asked()
  expect(asked?.searchParams.get('resource')).toBe(url)
  const callback = await browser(server.url).signIn(asked ?? new URL(url), person)
  await before.transport.finishAuth(
    callback.searchParams.get('code') ?? '',
    callback.searchParams.get('iss') ?? undefined,
  )
  const after = makeClient()
  await after.client.connect(after.transport)
  return after.client
}

test.each(['/mcp', '/t/acme_test/mcp'])('the v2 client signs in at %s knowing nothing but the URL', async (path) => {
  const url = `${server.url}${path}`
  // Acme exists from its first person on.
  await fetch(`${server.url}/api/v1/whoami`, {
    headers: { authorization: `Bearer ${await server.token('alice@acme.test')}` },
  })
  const { provider, held } = memory()
  const client = await signIn(url, 'alice', () => ({
    client: new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } }),
    transport: new StreamableHTTPClientTransport(new URL(url), { authProvider: provider }),
    asked: () => held.asked,
  }))
  expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28')
  expect(await client.callTool({ name: 'whoami', arguments: {} })).toMatchObject({
    structuredContent: { user_id: 'development:alice', tenant: { slug: 'acme_test' } },
  })
  await client.close()
})

test('the v1 client signs in knowing nothing but the URL', async () => {
  const { provider, held } = memory()
  const client = await signIn(server.mcp, 'bob', () => ({
    client: new LegacyClient({ name: 'test', version: '1' }),
    transport: new LegacyTransport(new URL(server.mcp), { authProvider: provider }),
    asked: () => held.asked,
  }))
  expect(await client.callTool({ name: 'whoami', arguments: {} })).toMatchObject({
    structuredContent: { user_id: 'development:bob', tenant: { slug: 'globex_test' } },
  })
  await client.close()
})

test('D13: with real tokens too, a stranger hears the same of a tenant that exists and of one that does not', async () => {
  const token = await server.token('bob@globex.test')
  const ask = async (slug: string): Promise<unknown> => {
    const answer = await fetch(`${server.url}/t/${slug}/mcp`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
    })
    return [answer.status, await answer.text()]
  }
  expect(await ask('acme_test')).toEqual(await ask('no_such_tenant'))
  expect(await ask('acme_test')).toMatchObject([403, expect.stringContaining('access_denied')])
})

test('no token of a sign-in stands in the log', () => {
  expect(server.lines.join('')).not.toMatch(/eyJ[\w-]+\.eyJ/)
})
