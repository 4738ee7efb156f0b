import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { decodeJwt } from 'jose'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { GITHUB_CLIENT, LOGIN_SECRET, people, startFakeProvider, type FakeProvider } from '../support/fake-provider.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { signInMemory } from '../support/sign-in-memory.ts'
import { openLoop, person, type Loop } from './person.ts'

/** Google and GitHub register no MCP client: the official client signs in through us, and holds the provider's own token afterwards. */

const GOOGLE_CLIENT = '1234-gatehouse.apps.googleusercontent.com'
let fake: FakeProvider
let server: RunningGatehouse
let browser: Browser
let loop: Loop

beforeAll(async () => {
  fake = await startFakeProvider()
  ;[server, browser, loop] = await Promise.all([
    startGatehouse({
      kind: 'postgres',
      env: {
        GOOGLE_CLIENT_ID: GOOGLE_CLIENT,
        GOOGLE_CLIENT_SECRET: LOGIN_SECRET,
        GITHUB_CLIENT_ID: GITHUB_CLIENT.clientId,
        GITHUB_CLIENT_SECRET: GITHUB_CLIENT.clientSecret,
      },
      parts: { endpoints: fake.endpoints },
    }),
    startChromium(),
    openLoop(),
  ])
  fake.google.signIn.person({ ...people.alice, hd: 'acme.test' })
  fake.github.signIn.person({ sub: '583231', email: 'octo@gmail.com' })
}, 60_000)
afterAll(async () => {
  loop.close()
  await browser.close()
  await server.close()
  await fake.close()
})

test.each([
  {
    provider: 'google',
    user: 'google:alice-1',
    isTheirs: (token: string) =>
      expect(decodeJwt(token)).toMatchObject({ iss: 'https://accounts.google.com', aud: GOOGLE_CLIENT }),
  },
  { provider: 'github', user: 'github:583231', isTheirs: (token: string) => expect(token).toMatch(/^gho_/) },
])('a person presses Continue with $provider, and the tools are there', async ({ provider: id, user, isTheirs }) => {
  const { provider, held } = signInMemory(loop.url)
  const connectable = () => ({
    client: new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } }),
    transport: new StreamableHTTPClientTransport(new URL(server.mcp), { authProvider: provider }),
  })
  const first = connectable()
  await expect(first.client.connect(first.transport)).rejects.toThrow(/unauthorized/i)
  const someone = await person(browser)
  await someone.consent(held.asked, id)
  const back = await loop.arrival()
  await first.transport.finishAuth(back.searchParams.get('code') ?? '', back.searchParams.get('iss') ?? undefined)
  isTheirs((held.tokens as { access_token: string }).access_token)
  const second = connectable()
  await second.client.connect(second.transport)
  expect(await second.client.callTool({ name: 'whoami', arguments: {} })).toMatchObject({
    structuredContent: { user_id: user },
  })
  await Promise.all([second.client.close(), someone.close()])
})
