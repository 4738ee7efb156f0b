import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { faultsOf, overflowOf } from '../support/page-faults.ts'

const OPERATOR = '/console/operator'

let server: RunningGatehouse
let browser: Browser
beforeAll(async () => {
  ;[server, browser] = await Promise.all([
    startGatehouse({ kind: 'postgres', env: { OPERATORS: 'development:bob@globex.test' } }),
    startChromium(),
  ])
  const { context } = await signedIn(/alice/i, {})
  await context.close()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

/** A browser in which this person just proved who they are. */
async function signedIn(
  who: RegExp,
  options: BrowserContextOptions,
): Promise<{ readonly context: BrowserContext; readonly page: Page }> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  await page.goto(`${server.url}/console/login?fresh=1`)
  await page.getByRole('button', { name: /continue with/i }).click()
  await page.getByRole('button', { name: who }).click()
  await page.waitForURL(`${server.url}/console/t/*`)
  return { context, page }
}

test.each([
  ['with JavaScript', true, 'initech'],
  ['without JavaScript', false, 'hooli'],
])(
  'an operator makes a tenant, suspends it, and sees another one as its admin, %s',
  async (_name, javaScriptEnabled, slug) => {
    await server.database.sql("UPDATE gatehouse.tenants SET operator_access = true WHERE slug = 'acme_test'")
    const { context, page } = await signedIn(/bob/i, { javaScriptEnabled })
    await page.getByRole('link', { name: 'Tenants' }).click()
    await page.getByRole('link', { name: 'New tenant' }).click()
    await page.getByLabel('Slug').fill(slug)
    await page.getByLabel('First owner').fill(`owner@${slug}.com`)
    await page.getByRole('button', { name: 'Create tenant' }).click()
    expect(await page.locator('#invitation').textContent()).toContain('/console/invitation#v1.')
    await page.getByRole('link', { name: 'To the tenant' }).click()

    await page.getByLabel('Reason').last().fill('unpaid')
    await page.getByLabel('End all access').check()
    await page.getByRole('button', { name: `Suspend ${slug}` }).click()
    expect(await page.getByRole('status').first().textContent()).toContain('All access of this tenant has ended')

    await page.goto(`${server.url}${OPERATOR}/tenants?q=acme`)
    await page.getByRole('link', { name: 'acme.test' }).click()
    await page.getByLabel('Reason').first().fill('ticket 7')
    await page.getByRole('button', { name: 'See as admin' }).click()
    await page.getByRole('link', { name: 'People', exact: true }).first().click()
    expect(await page.getByRole('complementary', { name: 'Notices' }).textContent()).toMatch(/read only.*ticket 7/s)
    expect(await page.getByText('alice@acme.test').count()).toBeGreaterThan(0)
    await page.getByRole('button', { name: 'Stop' }).click()
    expect(await page.getByRole('status').first().textContent()).toContain('You no longer see this tenant')
    await context.close()
  },
  60_000,
)

test('a look at a tenant has no fault that axe finds', async () => {
  await server.database.sql("UPDATE gatehouse.tenants SET operator_access = true WHERE slug = 'acme_test'")
  const { context, page } = await signedIn(/bob/i, { colorScheme: 'dark', viewport: { width: 375, height: 740 } })
  await page.goto(`${server.url}${OPERATOR}/tenants/acme_test`)
  await page.getByLabel('Reason').first().fill('ticket 7')
  await page.getByRole('button', { name: 'See as admin' }).click()
  await page.waitForURL(`${server.url}/console/t/acme_test`)
  expect([await faultsOf(page), await overflowOf(page)]).toEqual([[], 0])
  await context.close()
})
