import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'

/** The client's side of the loop: where the browser is sent back to (RFC 8252 section 7.3). */
export interface Loop {
  readonly url: string
  /** The next arrival; each is handed out once, in order. */
  arrival(): Promise<URL>
  close(): void
}

export async function openLoop(path = '/callback'): Promise<Loop> {
  const arrived: URL[] = []
  const waiting: ((url: URL) => void)[] = []
  const listener = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    response.setHeader('content-type', 'text/plain').end('Signed in. You can close this page.')
    if (url.pathname !== path) return
    const next = waiting.shift()
    if (next === undefined) arrived.push(url)
    else next(url)
  })
  await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready))
  const { port } = listener.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${path}`,
    arrival: async () => arrived.shift() ?? (await new Promise<URL>((resolve) => waiting.push(resolve))),
    close: () => void listener.close(),
  }
}

/** A person at a browser of their own, who has never been here. */
export async function person(browser: Browser, options: { readonly javaScriptEnabled?: boolean } = {}) {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  return {
    page,
    context,
    /** Opens what a client asked the browser to open, and says yes at the consent page. Answers at the provider's own page. */
    async consent(url: URL | null, provider = 'oidc'): Promise<void> {
      await page.goto(url?.href ?? 'about:blank')
      await page.locator(`button[name=provider][value=${provider}]`).click()
    },
    /** The company issuer's page. */
    async signIn(name = 'Alice Archer'): Promise<void> {
      await page.getByRole('button', { name }).click()
    },
    close: async () => await context.close(),
  }
}
