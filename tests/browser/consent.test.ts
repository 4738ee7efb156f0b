import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { source as axe, type AxeResults } from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signInServer, upstream, type SignInServer } from '../login/support/sign-in-server.ts'
import { startChromium } from '../support/chromium.ts'

let browser: Browser
/** Everybody else: providers, clients, and whoever wants to do harm, by the names under example.com. */
let others: Server
let port: number
/** What stands at a path of theirs. */
const pages = new Map<string, string>()

beforeAll(async () => {
  browser = await startChromium()
  others = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1')
    response
      .setHeader('content-type', 'text/html')
      .end(`<!doctype html><title>theirs</title>${pages.get(pathname) ?? ''}`)
  })
  await new Promise<void>((ready) => others.listen(0, '127.0.0.1', ready))
  port = (others.address() as AddressInfo).port
}, 60_000)
afterAll(async () => {
  others.close()
  await browser.close()
})

let server: SignInServer
let context: BrowserContext
let problems: string[]
beforeEach(async () => {
  const google = upstream('google', 'Google')
  server = await signInServer({
    upstreams: [
      {
        ...google,
        authorizationUrl: async ({ state }) => `http://provider.example.com:${port}/authorize?state=${state}`,
      },
      upstream('github', 'GitHub'),
    ],
  })
  problems = []
  context = await browser.newContext({ javaScriptEnabled: false })
})
afterEach(async () => await context.close())

async function open(of = context): Promise<Page> {
  const page = await of.newPage()
  page.on('console', (message) => void problems.push(message.text()))
  return page
}

const REDIRECT = 'https://client.example.com/callback'
const address = async (redirect_uri = REDIRECT): Promise<string> =>
  server.authorizeUrl({ client_id: await server.client(redirect_uri, 'Claude <b>Code</b>'), redirect_uri }).href

test('without JavaScript: the page leads with the host, one click goes to the provider, with the cookie of this sign-in', async () => {
  const page = await open()
  const answer = await page.goto(await address())
  expect(answer?.status()).toBe(200)
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Sign in for client.example.com?')
  expect(await page.getByText('Claude <b>Code</b>').count()).toBe(1)
  expect(await page.getByRole('button').allTextContents()).toEqual([
    'Continue with Google',
    'Continue with GitHub',
    'Do not sign in',
  ])
  await page.getByRole('button', { name: 'Continue with Google' }).click()
  expect(new URL(page.url()).host).toBe(`provider.example.com:${port}`)
  const cookies = await context.cookies(server.url)
  expect(cookies.map(({ name, httpOnly, sameSite }) => [name.slice(0, 8), httpOnly, sameSite])).toEqual([
    ['gh_csrf', true, 'Lax'],
    ['gh_flow_', true, 'Lax'],
  ])
  expect(problems).toEqual([])
})

test('the keyboard reaches the providers before the refusal', async () => {
  const page = await open()
  await page.goto(await address(`http://127.0.0.1:${port}/callback`))
  await page.keyboard.press('Tab')
  expect(await page.locator(':focus').textContent()).toBe('Continue with Google')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/callback/)
  const back = new URL(page.url())
  expect([back.port, back.pathname, back.searchParams.get('error'), back.searchParams.get('iss')]).toEqual([
    String(port),
    '/callback',
    'access_denied',
    server.publicUrl,
  ])
  expect(problems).toEqual([])
})

test('a program on this computer, and a scheme, are told apart from a host, loudly', async () => {
  const page = await open()
  await page.goto(await address('http://127.0.0.1:33418/'))
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Sign in for a program on this computer?')
  expect(await page.getByRole('note').textContent()).toContain('Did you just start this yourself?')
  await page.goto(await address('cursor://anysphere.cursor-mcp/oauth/callback'))
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Sign in for cursor://anysphere.cursor-mcp?')
  expect(await page.getByRole('note').textContent()).toContain('Did you just start this yourself?')
})

test('a page of somebody else can neither send the form, nor frame the page, nor read it', async () => {
  const url = await address()
  const mine = await open()
  await mine.goto(url)
  const form = await mine.locator('input[name=form]').getAttribute('value')
  const scripted = await browser.newContext()
  await scripted.addCookies(await context.cookies(server.url))
  const page = await open(scripted)

  pages.set(
    '/post',
    `<form method="post" action="${server.url}/oauth/authorize"><input name="form" value="${form ?? ''}">
    <input name="provider" value="google"></form><script>document.forms[0].submit()</script>`,
  )
  const posted = page.waitForResponse((answer) => answer.url() === `${server.url}/oauth/authorize`)
  await page.goto(`http://evil.example.com:${port}/post`)
  expect((await posted).status()).toBe(403)
  await page.waitForURL(`${server.url}/oauth/authorize`)
  expect(new URL(page.url()).host).toBe(new URL(server.url).host)

  pages.set('/frame', `<iframe src="${url.replaceAll('&', '&amp;')}"></iframe>`)
  await page.goto(`http://evil.example.com:${port}/frame`)
  expect(await page.frameLocator('iframe').getByRole('button').count()).toBe(0)
  expect(problems.join('\n')).toContain("frame-ancestors 'none'")

  const read = await page.evaluate(
    async (at) =>
      await fetch(at, { credentials: 'include' }).then(
        async (answer) => await answer.text(),
        () => 'blocked',
      ),
    url,
  )
  expect(read).toBe('blocked')
  await scripted.close()
})

test('D27: a click that was aimed at a window above ours agrees to nothing: the buttons rest when the page appears or comes to the front', async () => {
  const scripted = await browser.newContext()
  const page = await open(scripted)
  await page.clock.install({ time: 0 })
  await page.clock.pauseAt(1)
  const url = await address()
  await page.goto(url)
  const button = page.getByRole('button', { name: 'Continue with Google' })
  const rests = async (): Promise<boolean> => (await button.getAttribute('aria-disabled')) === 'true'
  for (const event of [null, 'focus', 'pageshow']) {
    if (event !== null) await page.evaluate(`dispatchEvent(new Event('${event}'))`)
    expect(await rests(), String(event)).toBe(true)
    await button.click({ force: true })
    await button.press('Enter')
    await page.clock.runFor(499)
    expect(await rests(), String(event)).toBe(true)
    await page.clock.runFor(1)
    expect(await rests(), String(event)).toBe(false)
  }
  expect(page.url()).toBe(url)
  await button.click()
  await page.waitForURL(/provider\.example\.com/)
  expect(problems).toEqual([])
  await scripted.close()
})

test('a client that opens the page in a window of its own keeps that window', async () => {
  const scripted = await browser.newContext()
  const page = await open(scripted)
  pages.set('/client', `<button onclick="opened = window.open('${await address()}')">connect</button>`)
  await page.goto(`http://client.example.com:${port}/client`)
  const [popup] = await Promise.all([page.waitForEvent('popup'), page.getByRole('button').click()])
  await popup.getByRole('button', { name: 'Continue with Google' }).click()
  await popup.waitForURL(/provider\.example\.com/)
  expect(await page.evaluate('opened.closed')).toBe(false)
  expect(await popup.evaluate('opener !== null')).toBe(true)
  await scripted.close()
})

/** What axe finds that keeps somebody from using the page (WCAG 2.2 A and AA, and its own rules), as text. */
async function faults(page: Page): Promise<string[]> {
  // Run by the debugger, not by the page: the page's policy allows no script.
  await page.evaluate(axe)
  const { violations } = await page.evaluate<AxeResults>('axe.run(document)')
  return violations
    .filter(({ impact }) => impact !== 'minor')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`))
}

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test.each([REDIRECT, 'http://127.0.0.1:33418/', 'cursor://anysphere.cursor-mcp/oauth/callback', null])(
    'axe finds nothing against the page for %s, and on a phone nothing is wider than the window',
    async (redirect) => {
      const looked = await browser.newContext({ colorScheme, viewport: { width: 360, height: 740 } })
      const page = await open(looked)
      await page.goto(redirect === null ? server.authorizeUrl({}).href : await address(redirect))
      expect(await faults(page)).toEqual([])
      const over = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
      expect(await page.evaluate<number>(over)).toBe(0)
      await looked.close()
    },
  )
})
