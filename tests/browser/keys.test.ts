/** API keys and Usage in a real browser: with and without its script, in both themes and on a phone. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { faultsOf, overflowOf } from '../support/page-faults.ts'
import { rpc } from '../support/rpc.ts'

let server: RunningGatehouse
let browser: Browser
beforeAll(async () => {
  ;[server, browser] = await Promise.all([startGatehouse({ kind: 'postgres' }), startChromium()])
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

async function signedIn(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${server.url}/console/login?fresh=1&return_to=/console/account`)
  await page.getByRole('button', { name: /continue with/i }).click()
  await page.getByRole('button', { name: /alice/i }).click()
  await page.waitForURL(`${server.url}/console/account`)
  return page
}
const at = (below: string): string => `${server.url}/console/t/acme_test${below}`

/** Nothing keeps anybody from using the page as it stands; console-pages.test.ts looks in both themes and widths. */
async function look(page: Page): Promise<void> {
  const found = { url: page.url(), faults: await faultsOf(page), overflow: await overflowOf(page) }
  expect(found).toEqual({ url: page.url(), faults: [], overflow: 0 })
}

test('a key is made, stored, used, rotated and revoked, and no page on the way keeps anybody out', async () => {
  const context = await browser.newContext({ colorScheme: 'dark', viewport: { width: 375, height: 812 } })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const page = await signedIn(context)
  const problems: string[] = []
  page.on('console', (message) => void problems.push(message.text()))
  await page.goto(at('/keys'))
  await look(page)
  await page.getByRole('link', { name: 'Create a key' }).click()
  await look(page)
  await page.getByLabel('Name').fill('nightly export')
  await page.getByLabel('Networks').fill('everywhere')
  await page.getByRole('button', { name: 'Create the key' }).click()
  await look(page)
  await page.getByRole('link', { name: /no address range/ }).click()
  expect(await page.evaluate('document.activeElement.name')).toBe('cidrs')
  // The browser's own line about the answer 422.
  expect(problems.splice(0)).toHaveLength(1)
  await page.getByLabel('Networks').fill('127.0.0.0/8')
  await page.getByLabel('Requests per hour').fill('600')
  await page.getByRole('button', { name: 'Create the key' }).click()
  await look(page)
  const key = (await page.locator('#key').textContent()) ?? ''
  await page.getByRole('button', { name: 'Copy key' }).click()
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(key)
  expect((await rpc(server.mcp, key, 'tools/list')).status).toBe(200)
  await page.getByRole('link', { name: 'I stored it' }).click()
  await page.getByText('Change it').click()
  await look(page)
  await page.getByRole('button', { name: 'Rotate the key' }).click()
  await look(page)
  await page.getByRole('link', { name: 'I stored it' }).click()
  await page.getByLabel(/Type nightly export/).fill('nightly export')
  await page.getByRole('button', { name: 'Revoke the key' }).click()
  expect(await page.getByRole('status').first().textContent()).toContain('The key is revoked')
  await look(page)
  expect(problems).toEqual([])
  await context.close()
}, 60_000)

test('Usage shows what was called, and its table says the same as its picture', async () => {
  const context = await browser.newContext()
  const page = await signedIn(context)
  await page.goto(at('/usage'))
  await look(page)
  await server.database
    .sql(`INSERT INTO gatehouse.usage (hour, tenant_id, tool, iss, sub, provider, calls, failures, total_ms)
    SELECT date_trunc('hour', now()) - d * interval '1 day', t.id, 'list_projects', m.iss, m.sub, m.provider, 10 * d + 1, d / 5, 90 * d
    FROM gatehouse.tenants t JOIN gatehouse.members m ON m.tenant_id = t.id, generate_series(0, 29) d WHERE t.slug = 'acme_test'`)
  await page.goto(at('/usage'))
  await page.getByText('The same numbers as a table').click()
  await look(page)
  expect(await page.locator('.chart > .plot rect.bar').count()).toBe(30)
  expect(await page.locator('.chart tbody tr').count()).toBe(30)
  expect(await page.getByRole('img', { name: 'Calls per day' }).count()).toBe(1)
  await page.getByRole('link', { name: '24 hours' }).click()
  expect(await page.getByRole('heading', { name: 'Calls per hour' }).count()).toBe(1)
  await look(page)
  await context.close()
}, 60_000)

test('all of it works without a script', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await signedIn(context)
  await page.goto(at('/keys/new'))
  await page.getByLabel('Name').fill('plain')
  await page.getByRole('radio', { name: 'Only what I tick' }).check()
  await page.getByRole('checkbox', { name: 'projects:read' }).check()
  await page.getByRole('button', { name: 'Create the key' }).click()
  const key = (await page.locator('#key').textContent()) ?? ''
  expect(await page.getByRole('button', { name: /copy/i }).count()).toBe(0)
  await page.getByRole('link', { name: 'I stored it' }).click()
  expect(await page.locator('.chips').first().textContent()).toContain('projects:read')
  expect((await rpc(server.mcp, key, 'tools/list')).status).toBe(200)
  await page.getByText('Change it').click()
  await page.getByLabel('Name').fill('plainer')
  await page.getByRole('button', { name: 'Save' }).click()
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('plainer')
  await page.getByLabel(/Type plainer/).fill('plainer')
  await page.getByRole('button', { name: 'Revoke the key' }).click()
  expect((await rpc(server.mcp, key, 'tools/list')).status).toBe(401)
  await page.goto(at('/usage?range=7d'))
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Usage')
  await context.close()
}, 60_000)
