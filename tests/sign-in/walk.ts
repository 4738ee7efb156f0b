import { createHash, randomBytes } from 'node:crypto'

/**
 * A sign-in step by step, over plain HTTP with a cookie jar per browser, so that a test can do something between any two steps.
 * Every page is read as a browser without JavaScript reads it.
 */

/** Keeps cookies per origin and follows nothing by itself. */
export function createBrowser() {
  const jars = new Map<string, Map<string, string>>()
  const jarOf = (origin: string): Map<string, string> => {
    const jar = jars.get(origin) ?? new Map<string, string>()
    jars.set(origin, jar)
    return jar
  }
  async function visit(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const { origin } = new URL(url)
    const jar = jarOf(origin)
    const answer = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        'sec-fetch-site': init.method === 'POST' ? 'same-origin' : 'cross-site',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        ...(init.method === 'POST' ? { origin } : {}),
        ...Object.fromEntries(new Headers(init.headers)),
        ...(jar.size === 0 ? {} : { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }),
      },
    })
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';')
      const name = pair.slice(0, pair.indexOf('='))
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(cookie)) jar.delete(name)
      else jar.set(name, pair.slice(pair.indexOf('=') + 1))
    }
    return answer
  }
  return {
    visit,
    /** Presses a button of the page's one form. */
    async press(page: Response, at: string | URL, name: string, value: string): Promise<Response> {
      const html = await page.text()
      const action = /<form[^>]*action="([^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? String(at)
      const fields = [...html.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]): [string, string] => [
        /name="([^"]*)"/.exec(input)?.[1] ?? '',
        /value="([^"]*)"/.exec(input)?.[1] ?? '',
      ])
      if (!html.includes(`value="${value}"`)) throw new Error(`no button ${name}=${value} on ${String(at)}: ${html}`)
      return await visit(new URL(action, at), { method: 'POST', body: new URLSearchParams([...fields, [name, value]]) })
    },
    /** Follows redirects until a page, or an address of another origin than the given. */
    async follow(answer: Response, at: string | URL, within: string): Promise<{ url: URL; answer: Response }> {
      let url = new URL(at)
      let now = answer
      for (let hops = 0; hops < 10; hops += 1) {
        const to = now.headers.get('location')
        if (to === null) return { url, answer: now }
        url = new URL(to, url)
        if (url.origin !== within) return { url, answer: now }
        now = await visit(url)
      }
      throw new Error('redirects without end')
    },
  }
}

export type WalkingBrowser = ReturnType<typeof createBrowser>

export interface Asking {
  readonly url: URL
  readonly verifier: string
  readonly client_id: string
  readonly redirect_uri: string
}

/** Registers a client (RFC 7591). */
export async function register(server: string, redirect_uri: string, client_name = 'A test'): Promise<string> {
  const answer = await fetch(`${server}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name, redirect_uris: [redirect_uri], token_endpoint_auth_method: 'none' }),
  })
  const { client_id } = (await answer.json()) as { client_id?: string }
  if (answer.status !== 201 || client_id === undefined) throw new Error(`not registered: ${answer.status}`)
  return client_id
}

/** What the client opens in the browser. */
export function asking(
  server: string,
  client_id: string,
  redirect_uri: string,
  more: Readonly<Record<string, string>> = {},
): Asking {
  const verifier = randomBytes(32).toString('base64url')
  const url = new URL(`${server}/oauth/authorize`)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id,
    redirect_uri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource: `${server}/mcp`,
    state: 'the-clients-own-state',
    ...more,
  }).toString()
  return { url, verifier, client_id, redirect_uri }
}

/** From the client's URL through the consent to the provider's page; answers the address of the provider. */
export async function consent(browser: WalkingBrowser, { url }: Asking, provider = 'oidc'): Promise<URL> {
  const page = await browser.visit(url)
  if (page.status !== 200) throw new Error(`the consent page answered ${page.status}: ${await page.text()}`)
  const answer = await browser.press(page, url, 'provider', provider)
  return new URL(answer.headers.get('location') ?? '', url)
}

/** At the company issuer: signs in and answers where the browser is sent back to (our callback), not yet opened. */
export async function atCompany(browser: WalkingBrowser, url: URL, account = 'alice'): Promise<URL> {
  const page = await browser.follow(await browser.visit(url), url, url.origin)
  const pressed = await browser.press(page.answer, page.url, 'account', account)
  return (await browser.follow(pressed, page.url, url.origin)).url
}

/** The client's token request. */
export async function redeem(
  server: string,
  code: string,
  { verifier, client_id, redirect_uri }: Omit<Asking, 'url'>,
  more: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${server}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      client_id,
      redirect_uri,
      resource: `${server}/mcp`,
      ...more,
    }),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}
