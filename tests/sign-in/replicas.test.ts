import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startCompanyIssuer } from '../support/company-issuer.ts'
import { freshDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { startReplica, type Replica } from '../support/processes.ts'
import { asking, atCompany, createBrowser, redeem, register } from './walk.ts'

const CALLBACK = 'http://127.0.0.1:39998/callback'

/** Two processes behind one address; which of them gets the next request is the test's word, as a load balancer's dice would fall. */
async function startPair() {
  const database = await freshDatabase({ kind: 'postgres' })
  let next: Replica | null = null
  const router = createServer((request, response) => {
    const { hostname, port } = new URL(next?.url ?? '')
    const onward = send(
      { hostname, port, path: request.url, method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  await new Promise<void>((ready) => router.listen(0, '127.0.0.1', ready))
  const url = `http://127.0.0.1:${(router.address() as AddressInfo).port}`
  const company = await startCompanyIssuer({ publicUrl: url })
  const { url: databaseUrl, slugPrefix } = database.config.database
  const start = async (): Promise<Replica> =>
    await startReplica({
      ...company.env,
      NODE_ENV: 'development',
      PORT: String(await freePort()),
      PUBLIC_URL: url,
      DATA_DIR: database.config.dataDir,
      DATABASE_URL: databaseUrl ?? '',
      DATABASE_SLUG_PREFIX: slugPrefix,
      SESSION_SECRET: database.config.sessionSecrets.join(','),
    })
  // One after the other: the first migrates.
  const replicas = [await start(), await start()]
  onTestFinished(async () => {
    router.closeAllConnections()
    router.close()
    await Promise.all(replicas.map(async (replica) => await replica.end('SIGKILL')))
    await company.close()
    await database.drop()
  })
  return {
    url,
    company,
    /** The next requests go to this one, which was killed and started anew just now. */
    async renew(which: 0 | 1): Promise<void> {
      await replicas[which]?.end('SIGKILL')
      replicas[which] = await start()
      next = replicas[which]
    },
    to(which: 0 | 1): void {
      next = replicas[which] ?? null
    },
    output: () => replicas.map((replica) => replica.output()).join(''),
  }
}

test('a sign-in completes although every step meets another process, and each was killed and started anew in the middle', async () => {
  const pair = await startPair()
  const browser = createBrowser()
  pair.to(0)
  const client_id = await register(pair.url, CALLBACK)
  const asked = asking(pair.url, client_id, CALLBACK)
  pair.to(1)
  const page = await browser.visit(asked.url)
  expect(page.status).toBe(200)
  await pair.renew(0)
  const sent = await browser.press(page, asked.url, 'provider', 'oidc')
  const back = await atCompany(browser, new URL(sent.headers.get('location') ?? ''))
  expect(back.origin).toBe(pair.url)
  await pair.renew(1)
  const arrived = new URL((await browser.visit(back)).headers.get('location') ?? '')
  expect(arrived.href).toContain(CALLBACK)
  expect(arrived.searchParams.get('state')).toBe('the-clients-own-state')
  await pair.renew(0)
  const code = arrived.searchParams.get('code') ?? ''
  const { status, body } = await redeem(pair.url, code, asked)
  expect([status, body]).toMatchObject([200, { token_type: 'Bearer', access_token: expect.any(String) }])

  // The other process refuses the code that this one took.
  pair.to(1)
  expect(await redeem(pair.url, code, asked)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  const whoami = await fetch(`${pair.url}/api/v1/whoami`, {
    headers: { authorization: `Bearer ${String(body['access_token'])}` },
  })
  expect([whoami.status, await whoami.json()]).toMatchObject([200, { user_id: 'oidc:alice' }])
  expect(pair.output()).not.toMatch(/eyJ[\w-]+\.eyJ|v1\.[\w-]{60}/)
}, 60_000)
