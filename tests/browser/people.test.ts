import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'

let server: RunningGatehouse
let browser: Browser

beforeAll(async () => {
  ;[server, browser] = await Promise.all([startGatehouse({ kind: 'postgres' }), startChromium()])
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

async function signIn(page: Page, person: RegExp): Promise<void> {
  await page.getByRole('button', { name: /continue with/i }).click()
  await page.getByRole('button', { name: person }).click()
}

/** Alice signs in and makes a link for this address. */
async function invited(context: BrowserContext, email: string): Promise<string> {
  const page = await context.newPage()
  await page.goto(`${server.url}/console`)
  if (page.url().includes('/console/login')) await signIn(page, /alice/i)
  await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'People' }).click()
  await page.getByRole('link', { name: 'Invite somebody' }).click()
  // Recognised by the provider is not proved: she is asked once more (D31), and comes back to the form.
  if (page.url().includes('/console/login')) await signIn(page, /alice/i)
  await page.getByLabel('Their address').fill(email)
  await page.getByLabel('What they may do').selectOption('viewer')
  await page.getByRole('button', { name: 'Make the link' }).click()
  const link = await page.locator('#link').textContent()
  await page.close()
  return link ?? ''
}

test.each([
  ['with its script', true],
  ['without JavaScript', false],
])(
  'D9: a colleague is invited and accepts, %s',
  async (_, javaScriptEnabled) => {
    const [hers, his] = await Promise.all([
      browser.newContext({ javaScriptEnabled }),
      browser.newContext({ javaScriptEnabled }),
    ])
    const link = await invited(hers, 'bob@globex.test')
    const token = link.slice(link.indexOf('#') + 1)
    const page = await his.newPage()
    const asked: string[] = []
    page.on('request', (request) => void asked.push(`${request.url()} ${JSON.stringify(request.headers())}`))
    await page.goto(link)
    if (!javaScriptEnabled) {
      await page.getByLabel('Link or code').fill(link)
      await page.getByRole('button', { name: 'Open the invitation' }).click()
    }
    await page.getByRole('heading', { name: 'You are invited' }).waitFor()
    if (javaScriptEnabled) expect(page.url()).toBe(`${server.url}/console/invitation`)
    await signIn(page, /bob/i)
    await page.getByRole('heading', { name: /^Join .*\?$/ }).waitFor()
    expect(await page.getByRole('main').textContent()).toMatch(/Alice Archer.*invites you to.*as\s+viewer/s)
    await page.getByRole('button', { name: /^Join/ }).click()
    await page.waitForURL(`${server.url}/console/t/acme_test?done=joined`)
    expect(await page.getByRole('status').first().textContent()).toContain('You belong here now')
    // Nothing that was sent or kept in the address holds the token but the cookie of this browser and the form itself.
    expect(asked.filter((text) => text.replaceAll(/"cookie":"[^"]*"/g, '').includes(token))).toEqual([])
    await page.goBack()
    expect(page.url()).not.toContain(token)

    // He leaves again, for the next one.
    await page.goto(`${server.url}/console/account/leave?organisation=acme_test`)
    const leave = async (): Promise<void> => {
      await page.getByLabel(/Yes, I want to lose access/).check()
      await page.getByRole('button', { name: /^Leave/ }).click()
    }
    await leave()
    // It cannot be undone, so he is asked who he is (D31), and comes back to the question.
    await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor()
    await signIn(page, /bob/i)
    await leave()
    expect(await page.getByRole('status').first().textContent()).toContain('You left')
    await hers.close()
    await his.close()
  },
  30_000,
)
