import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { faultsOf, overflowOf } from '../support/page-faults.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'

let server: RunningGatehouse
let browser: Browser
beforeAll(async () => {
  ;[server, browser] = await Promise.all([startGatehouse({ kind: 'embedded' }), startChromium()])
}, 60_000)
afterAll(async () => {
  await browser.close()
  await server.close()
})

const PHONE = { width: 360, height: 740 }

/** An address of the development sign-in that shows its page of people. */
async function signInAddress(): Promise<string> {
  const redirect_uri = 'http://127.0.0.1:33333/callback'
  const registered = (await (
    await fetch(`${server.url}/dev/reg`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [redirect_uri], token_endpoint_auth_method: 'none' }),
    })
  ).json()) as { client_id: string }
  const query = new URLSearchParams({
    client_id: registered.client_id,
    redirect_uri,
    response_type: 'code',
    scope: 'openid email',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    resource: server.mcp,
  })
  return `${server.url}/dev/auth?${query.toString()}`
}

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test.each(['/', '/t/acme_test', '/api/v1/reference', 'sign-in', 'error'])(
    'axe finds nothing against %s, and on a phone nothing is wider than the window',
    async (path) => {
      const page = await browser.newPage({ colorScheme, viewport: PHONE })
      const problems: string[] = []
      page.on('console', (message) => void problems.push(message.text()))
      page.on('pageerror', (error) => void problems.push(error.message))
      const at =
        path === 'sign-in'
          ? await signInAddress()
          : `${server.url}${path === 'error' ? '/dev/auth?client_id=nobody' : path}`
      await page.goto(at)
      // All at once: they close each other only while they share a name.
      await page.evaluate(
        'for (const item of document.querySelectorAll("details")) { item.name = ""; item.open = true }',
      )
      expect(await faultsOf(page)).toEqual([])
      expect(await overflowOf(page)).toBeLessThanOrEqual(0)
      // An error page is answered with 400, which Chromium notes.
      expect(problems.filter((line) => !line.includes('400 (Bad Request)'))).toEqual([])
      await page.close()
    },
  )
})

test('axe would find what nobody can read', async () => {
  const page = await browser.newPage()
  await page.goto(server.url)
  await page.evaluate('document.querySelector("h1").style.setProperty("color", "#ddd")')
  expect(await faultsOf(page)).toEqual([expect.stringContaining('color-contrast')])
  await page.close()
})

test('without JavaScript every client opens and shows what to paste, and no dead copy button stands there', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(server.url)
  await page.getByText('Codex', { exact: true }).click()
  const codex = page.locator('#codex')
  expect(await codex.isVisible()).toBe(true)
  expect(await codex.locator('code').first().innerText()).toContain(`codex mcp add gatehouse --url ${server.mcp}`)
  // One at a time.
  expect(await page.locator('#claude-code').isVisible()).toBe(false)
  expect(await page.getByRole('button').count()).toBe(0)
  await context.close()
})

test('a copy button copies exactly what stands there, says so, and works from the keyboard', async () => {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] })
  const page = await context.newPage()
  await page.goto(server.url)
  const clipboard = async (): Promise<string> => await page.evaluate<string>('navigator.clipboard.readText()')
  await page.getByRole('button', { name: 'Copy the address' }).click()
  expect(await clipboard()).toBe(server.mcp)
  expect(await page.getByRole('status').textContent()).toBe('Copied')
  await page.locator('summary', { hasText: 'VS Code' }).focus()
  await page.keyboard.press('Enter')
  const button = page.locator('#vscode').getByRole('button').first()
  await button.focus()
  await page.keyboard.press('Enter')
  expect(JSON.parse(await clipboard())).toEqual({ servers: { gatehouse: { type: 'http', url: server.mcp } } })
  await context.close()
})

test('where the clipboard is refused the text is selected instead', async () => {
  const page = await browser.newPage()
  await page.addInitScript('Object.defineProperty(navigator, "clipboard", { value: undefined })')
  await page.goto(server.url)
  await page.getByRole('button', { name: 'Copy the address' }).click()
  expect(await page.evaluate<string>('String(getSelection())')).toBe(server.mcp)
  expect(await page.getByRole('status').textContent()).toMatch(/keyboard/)
  await page.close()
})

test('a link to a client opens it', async () => {
  const page = await browser.newPage()
  await page.goto(`${server.url}/#gemini-cli`)
  expect(await page.locator('#gemini-cli').isVisible()).toBe(true)
  await page.close()
})
