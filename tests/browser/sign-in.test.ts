import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { startChromium } from '../support/chromium.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { signInMemory } from '../support/sign-in-memory.ts'

let server: RunningGatehouse
let browser: Browser
/** The client's side of the loop: where the browser is sent back to. */
let callback: { url: string; arrived: Promise<URL>; close(): void }

beforeAll(async () => {
  ;[server, browser, callback] = await Promise.all([startGatehouse({ kind: 'embedded' }), startChromium(), listen()])
}, 60_000)
afterAll(async () => {
  callback.close()
  await browser.close()
  await server.close()
})

async function listen(): Promise<typeof callback> {
  const { promise: arrived, resolve } = withResolvers<URL>()
  const listener = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    response.setHeader('content-type', 'text/plain').end('Signed in. You can close this page.')
    if (url.pathname === '/callback') resolve(url)
  })
  await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready))
  const { port } = listener.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/callback`, arrived, close: () => void listener.close() }
}

function withResolvers<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((done) => (resolve = done))
  return { promise, resolve }
}

test('a person signs in in a real browser, from a client that knows nothing but the URL', async () => {
  const { provider, held } = signInMemory(callback.url)
  const connect = () => ({
    client: new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } }),
    transport: new StreamableHTTPClientTransport(new URL(server.mcp), { authProvider: provider }),
  })
  const first = connect()
  await expect(first.client.connect(first.transport)).rejects.toThrow(/unauthorized/i)
  const page = await browser.newPage()
  const problems: string[] = []
  page.on('console', (message) => void problems.push(message.text()))
  await page.goto(held.asked?.href ?? '')
  expect(await page.getByRole('heading').first().textContent()).toMatch(/who/i)
  await page.getByRole('button', { name: /alice/i }).click()
  const back = await callback.arrived
  await first.transport.finishAuth(back.searchParams.get('code') ?? '', back.searchParams.get('iss') ?? undefined)
  const { client, transport } = connect()
  await client.connect(transport)
  expect(await client.callTool({ name: 'whoami', arguments: {} })).toMatchObject({
    structuredContent: { email: 'alice@acme.test' },
  })
  expect(problems).toEqual([])
  await client.close()
})

test('a page of another site gets nothing out of the server, neither across origins nor by rebinding its own name', async () => {
  const token = await server.token('alice@acme.test')
  const page = await browser.newPage()
  await page.goto(callback.url.replace('127.0.0.1', 'evil.example.com').replace('/callback', '/'))
  const ask = async (url: string): Promise<string> =>
    await page.evaluate(
      async ([to, bearer]) => {
        try {
          const answer = await fetch(to ?? '', { headers: { authorization: `Bearer ${bearer}` } })
          return `${answer.status} ${await answer.text()}`
        } catch {
          return 'blocked'
        }
      },
      [url, token],
    )
  expect(await ask(`${server.url}/api/v1/whoami`)).toBe('blocked')
  const rebound = await page.goto(`${server.url.replace('127.0.0.1', 'evil.example.com')}/`)
  expect(rebound?.status()).toBe(403)
})
