import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { startChromium } from '../support/chromium.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { until } from '../support/until.ts'

let server: RunningGatehouse
let browser: Browser
let evil: Server
let context: BrowserContext
/** Whatever the browser complained about: refused styles, scripts, cookies. */
let problems: string[]
let ahead = 0

beforeAll(async () => {
  const clock = { now: () => Date.now() + ahead }
  ;[server, browser, evil] = await Promise.all([
    startGatehouse({ kind: 'postgres', parts: { clock } }),
    startChromium(),
    listen(),
  ])
}, 60_000)
afterAll(async () => {
  evil?.close()
  await browser?.close()
  await server?.close()
})
beforeEach(async () => {
  ahead = 0
  problems = []
  context = await browser.newContext()
})
afterEach(async () => await context.close())

/** A page of somebody else that sends a form of ours as soon as it is opened. */
async function listen(): Promise<Server> {
  const listener = createServer((request, response) => {
    const to = new URL(request.url ?? '/', 'http://evil.example.com').searchParams.get('to') ?? ''
    response.setHeader('content-type', 'text/html').end(`<!doctype html><form method="post" action="${to}">
      <input name="provider" value="development"></form><script>document.forms[0].submit()</script>`)
  })
  await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready))
  return listener
}

async function open(): Promise<Page> {
  const page = await context.newPage()
  page.on('console', (message) => void problems.push(message.text()))
  return page
}

async function signIn(page: Page, person: RegExp): Promise<void> {
  await page.goto(`${server.url}/console/account`)
  await page.getByRole('button', { name: /continue with/i }).click()
  await page.getByRole('button', { name: person }).click()
  await page.waitForURL(`${server.url}/console/account`)
}

test('a person signs in, sees who they are, and signs out', async () => {
  const page = await open()
  await signIn(page, /alice/i)
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Alice Archer')
  expect(await page.locator('.list').textContent()).toMatch(/acme_test.*owner.*active/s)
  expect(await page.evaluate('document.cookie')).toBe('')
  // No script stands in the page itself.
  expect(await page.locator('script:not([src])').count()).toBe(0)
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  expect(await page.getByRole('status').textContent()).toContain('You are signed out')
  await page.goto(`${server.url}/console/account`)
  expect(new URL(page.url()).pathname).toBe('/console/login')
  await page.goBack()
  await page.reload()
  expect(await page.getByText('Alice Archer').count()).toBe(0)
  expect(problems).toEqual([])
})

test('who opens another name of this machine signs in all the same', async () => {
  const page = await open()
  await page.goto(`${server.url.replace('127.0.0.1', 'localhost')}/console/account`)
  expect(new URL(page.url()).hostname).toBe('127.0.0.1')
  await page.getByRole('button', { name: /continue with/i }).click()
  await page.getByRole('button', { name: /bob/i }).click()
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Bob Bridge')
})

test('signing out everywhere ends the other browser too', async () => {
  const [page, elsewhere] = [await open(), await (await browser.newContext()).newPage()]
  await signIn(page, /alice/i)
  await signIn(elsewhere, /alice/i)
  await page.getByRole('button', { name: 'Sign out everywhere' }).click()
  await elsewhere.reload()
  expect(await elsewhere.getByRole('button', { name: /continue with/i }).count()).toBe(1)
  await elsewhere.context().close()
})

test('a session is over after eight hours of nothing', async () => {
  const page = await open()
  await signIn(page, /alice/i)
  ahead = 8 * 3_600_000 + 1000
  await page.reload()
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toMatch(/sign in/i)
})

test('a cookie that somebody changed is nobody', async () => {
  const page = await open()
  await signIn(page, /alice/i)
  const [cookie] = await context.cookies(server.url)
  if (cookie === undefined) throw new Error('no session')
  await context.addCookies([{ ...cookie, value: `${cookie.value.slice(0, -2)}AA` }])
  await page.reload()
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toMatch(/sign in/i)
})

test('the page of somebody else can neither sign a person in nor out', async () => {
  const page = await open()
  await signIn(page, /alice/i)
  const { port } = evil.address() as AddressInfo
  for (const path of ['/console/login', '/console/logout', '/console/logout-everywhere']) {
    const other = await open()
    const answer = other.waitForResponse((response) => response.url() === `${server.url}${path}`)
    await other.goto(`http://evil.example.com:${port}/?to=${encodeURIComponent(`${server.url}${path}`)}`)
    expect([path, (await answer).status()]).toEqual([path, 403])
    await other.close()
  }
  await page.reload()
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Alice Archer')
})

test('a person who is blocked while signed in is told so, and is out', async () => {
  const page = await open()
  await signIn(page, /bob/i)
  await gatehouse(server, 'person block development:bob --yes')
  await until(async () => (await page.reload())?.status() === 403)
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('This account is blocked')
  await gatehouse(server, 'person unblock development:bob')
})

test('the pages can be used by keyboard and at the width of a phone', async () => {
  const page = await open()
  await page.setViewportSize({ width: 320, height: 640 })
  await page.goto(`${server.url}/console/account`)
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: /carol/i }).click()
  await page.waitForURL(`${server.url}/console/account`)
  expect(Number(await page.evaluate('document.documentElement.scrollWidth'))).toBeLessThanOrEqual(320)
  expect(problems).toEqual([])
})
