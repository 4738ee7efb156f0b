import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { gatehouse } from '../support/command.ts'
import { startDns, type DnsServer } from '../support/dns.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { faultsOf, overflowOf } from '../support/page-faults.ts'

let server: RunningGatehouse
let dns: DnsServer
let browser: Browser
let context: BrowserContext
/** Whatever the browser complained about: refused styles, scripts, cookies. */
let problems: string[]

beforeAll(async () => {
  dns = await startDns()
  ;[server, browser] = await Promise.all([
    startGatehouse({ kind: 'postgres', env: { DNS_SERVERS: dns.address } }),
    startChromium(),
  ])
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
  await dns?.close()
})
beforeEach(() => {
  problems = []
})
afterEach(async () => await context.close())

async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options })
  const page = await context.newPage()
  page.on('console', (message) => void problems.push(message.text()))
  await page.goto(`${server.url}/console/login?fresh=1&return_to=/console/t/acme_test`)
  await page.getByRole('button', { name: /continue with/i }).click()
  await page.getByRole('button', { name: /alice/i }).click()
  await page.waitForURL(`${server.url}/console/t/acme_test`)
  return page
}

async function claim(page: Page, domain: string): Promise<void> {
  dns.txt(domain, 'v=spf1 -all')
  await page.goto(`${server.url}/console/t/acme_test/domains`)
  await page.getByLabel('Domain', { exact: true }).fill(domain)
  await page.getByRole('button', { name: 'Claim this domain' }).click()
  await page.getByRole('heading', { level: 1, name: domain }).waitFor()
}

test('the record is copied by its buttons, and a page that is left open says when the domain is verified', async () => {
  const page = await open()
  await page.clock.install()
  await claim(page, 'polled.com')
  const copied: string[] = []
  for (const name of ['Copy the name', 'Copy the name in full', 'Copy the value']) {
    await page.getByRole('button', { name, exact: true }).click()
    await page.getByText('Copied', { exact: true }).first().waitFor()
    copied.push(await page.evaluate<string>('navigator.clipboard.readText()'))
    await page.clock.fastForward(3_000)
  }
  expect(copied).toEqual([
    '_gatehouse-challenge',
    '_gatehouse-challenge.polled.com.',
    expect.stringMatching(/^token=[a-z2-7]{26}$/),
  ])
  dns.txt('_gatehouse-challenge.polled.com', copied[2] ?? '')
  // Somebody else looks, or the server by itself.
  expect(
    (await gatehouse({ env: { ...server.env, DNS_SERVERS: dns.address } }, 'domain check acme_test polled.com')).exit,
  ).toBe(0)
  await page.clock.fastForward(11_000)
  await page.locator('#standing').getByText('verified', { exact: true }).waitFor()
  expect(await page.locator('#said').textContent()).toBe('polled.com: verified')
  expect(problems).toEqual([])
})

test('nothing is at fault with what the pages of a claim say on the way', async () => {
  const page = await open({ colorScheme: 'dark', viewport: { width: 375, height: 800 }, reducedMotion: 'reduce' })
  const domain = 'fault.com'
  const look = async (what: string): Promise<void> => {
    expect([what, await faultsOf(page), await overflowOf(page)]).toEqual([what, [], 0])
  }
  await look('overview')
  await claim(page, domain)
  await look('claimed')
  await page.getByRole('button', { name: 'Check now' }).click()
  await page.getByRole('heading', { name: 'What we found just now' }).waitFor()
  await look('found')
  await page.goto(`${server.url}/console/t/acme_test/domains`)
  await look('list')
  await page.getByLabel('Domain', { exact: true }).fill('gmail.com')
  await page.getByRole('button', { name: 'Claim this domain' }).click()
  expect(await page.getByRole('alert').textContent()).toContain('gives addresses to the public')
  expect(await page.evaluate('document.activeElement.id')).toBe('domain')
  await look('refused')
})

test('without JavaScript a domain is claimed, checked and verified all the same', async () => {
  const page = await open({ javaScriptEnabled: false })
  await claim(page, 'scriptless.com')
  expect(await page.getByRole('button', { name: 'Copy the value', exact: true }).isVisible()).toBe(false)
  dns.txt('_gatehouse-challenge.scriptless.com', (await page.locator('#value').textContent()) ?? '')
  await page.getByRole('button', { name: 'Check now' }).click()
  expect(await page.getByRole('status').first().textContent()).toContain('scriptless.com is verified.')
})
