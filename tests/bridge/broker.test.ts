import { afterAll, beforeAll, expect, test } from 'vitest'
import { atProvider, browse, whoami, type Journey } from '../login/support/journey.ts'
import { gatehouse } from '../support/command.ts'
import { GITHUB_CLIENT, LOGIN_SECRET, people, startFakeProvider, type FakeProvider } from '../support/fake-provider.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { age, person, signIn, startBridge } from './support.ts'

/** The broker in front of Google and GitHub, which register nobody, and the bridge as its client. */
let fake: FakeProvider
let server: RunningGatehouse
beforeAll(async () => {
  fake = await startFakeProvider({})
  const env = {
    GOOGLE_CLIENT_ID: '1234-gatehouse.apps.googleusercontent.com',
    GOOGLE_CLIENT_SECRET: LOGIN_SECRET,
    GITHUB_CLIENT_ID: GITHUB_CLIENT.clientId,
    GITHUB_CLIENT_SECRET: GITHUB_CLIENT.clientSecret,
    RATE_LIMIT: 'off',
  }
  server = await startGatehouse({ kind: 'postgres', env, parts: { endpoints: fake.endpoints } })
  fake.google.signIn.person({ ...people.alice, hd: 'acme.test' })
  fake.github.signIn.person({ sub: '583231', email: 'octo@gmail.com' })
}, 60_000)
afterAll(async () => {
  await server.close()
  await fake.close()
})

/** A person who reads the consent page, chooses a provider, and signs in there. */
const through = (provider: string) => async (page: URL) => {
  const journey: Journey = { client_id: '', verifier: '', resource: '', cookies: new Map() }
  const form = /name="form"[^>]*value="([^"]+)"/.exec(await (await browse(journey, page.href)).text())?.[1] ?? ''
  const chosen = await browse(journey, `${page.origin}${page.pathname}`, {
    method: 'POST',
    headers: { origin: page.origin, 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ form, provider }),
  })
  const back = await atProvider(journey, new URL(chosen.headers.get('location') ?? ''))
  const end = await browse(journey, `${page.origin}${back.pathname}${back.search}`)
  return await fetch(end.headers.get('location') ?? '')
}

test.each([
  ['google', 'google:'],
  ['github', 'github:583231'],
])('knowing nothing but the URL, a person of %s signs in through the broker and has tools', async (provider, who) => {
  const env = person()
  const { exit, stderr } = await signIn(env, [server.mcp], through(provider))
  expect(exit, stderr).toBe(0)
  const token = (await gatehouse({ env }, `access-token ${server.mcp}`)).stdout.trim()
  expect(await whoami(server.url, token)).toMatchObject({
    status: 200,
    user_id: expect.stringContaining(who) as unknown,
  })
  const bridge = startBridge(env, server.mcp)
  expect(await bridge.initialize()).toHaveProperty('result')
  expect(await bridge.ask('tools/call', { name: 'whoami', arguments: {} })).toMatchObject({
    result: { structuredContent: { provider } },
  })
  await bridge.leave()
})

test('a login through the broker is refreshed, twice, each time with the newest refresh token', async () => {
  const env = person()
  await signIn(env, [server.mcp], through('google'))
  for (const round of [1, 2]) {
    age(env.GATEHOUSE_CONFIG_DIR)
    const { exit, stdout, stderr } = await gatehouse({ env }, `access-token ${server.mcp}`)
    expect([round, exit], stderr).toEqual([round, 0])
    expect(await whoami(server.url, stdout.trim())).toMatchObject({ status: 200 })
  }
})
