import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { until } from '../support/until.ts'

const SETTINGS = '/console/t/acme_test/settings'

let server: RunningGatehouse
let browser: Browser

beforeAll(async () => {
  ;[server, browser] = await Promise.all([startGatehouse({ kind: 'postgres' }), startChromium()])
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

/** Asked who she is, as often as she is (D31). */
async function proving(page: Page): Promise<void> {
  if (!page.url().includes('/console/login')) return
  await page.getByRole('button', { name: /continue with/i }).click()
  await page.getByRole('button', { name: /alice/i }).click()
}

test.each([
  ['with its script', true],
  ['without JavaScript', false],
])(
  'an owner turns a switch, takes everything out, has it deleted and keeps it after all, %s',
  async (_, javaScriptEnabled) => {
    const context = await browser.newContext({ javaScriptEnabled })
    const page = await context.newPage()
    await page.goto(`${server.url}${SETTINGS}`)
    await proving(page)
    const box = page.getByRole('checkbox', { name: /their power over MCP/ })
    await box.check()
    await page.locator('#switches').getByRole('button', { name: 'Save' }).click()
    if (page.url().includes('/console/login')) {
      await proving(page)
      expect(await box.isChecked()).toBe(true)
      await page.locator('#switches').getByRole('button', { name: 'Save' }).click()
    }
    expect(await page.getByRole('status').first().textContent()).toContain('Done.')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download the export' }).click(),
    ])
    expect(download.suggestedFilename()).toMatch(/^acme_test-[\d-]+\.tar\.gz$/)
    expect(await download.failure()).toBeNull()
    await page.getByLabel(/Type acme_test to confirm/).fill('acme_test')
    await page.getByRole('button', { name: /^Delete/ }).click()
    await page.getByRole('heading', { name: 'To be deleted' }).waitFor()
    // The word of it comes back to every replica within a second, this one included.
    await until(async () => {
      await page.goto(`${server.url}/console/t/acme_test`)
      return await page.getByText('This organisation is to be deleted').isVisible()
    })
    await page.getByRole('link', { name: 'See more' }).click()
    await page.getByRole('button', { name: /^Keep/ }).click()
    expect(await page.getByRole('status').first().textContent()).toContain('It stays')
    await box.uncheck()
    await page.locator('#switches').getByRole('button', { name: 'Save' }).click()
    await context.close()
  },
  60_000,
)
