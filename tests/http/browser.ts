/** Where a walk through redirects ended. */
export interface Place {
  readonly url: URL
  readonly answer: Response
}

/** A browser, as far as a sign-in needs one: follows redirects inside the server and keeps cookies. */
export function browser(origin: string): {
  go(url: URL, init?: RequestInit): Promise<Place>
  signIn(url: URL, person: string): Promise<URL>
} {
  const jar = new Map<string, string>()
  const visit = async (url: URL, init: RequestInit = {}): Promise<Response> => {
    const answer = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        ...Object.fromEntries(new Headers(init.headers)),
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    })
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';')
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    return answer
  }
  const go = async (url: URL, init?: RequestInit): Promise<Place> => {
    const answer = await visit(url, init)
    const to = answer.headers.get('location')
    if (to === null) return { url, answer }
    const next = new URL(to, url)
    return next.origin === origin ? await go(next) : { url: next, answer }
  }
  return {
    go,
    /** Opens a client's authorization URL, is that person, and answers where the client is called back. */
    async signIn(url, person) {
      const page = await go(url)
      if (page.url.origin !== origin) return page.url
      const action = /action="([^"]+)"/.exec(await page.answer.text())?.[1] ?? ''
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      return (await go(new URL(action, origin), { method: 'POST', headers, body: `account=${person}` })).url
    },
  }
}
