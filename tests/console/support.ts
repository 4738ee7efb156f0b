import { systemClock } from '#base/clock.ts'
import { createSessions } from '#login/session.ts'
import type { RunningGatehouse } from '../support/gatehouse.ts'

/** What came back, redirects not followed. */
interface Page {
  readonly status: number
  readonly location: string | null
  readonly headers: Headers
  readonly cookies: readonly string[]
  readonly text: string
}

/** A browser as far as the console needs one: keeps cookies, sends what browsers send with a form, and follows nothing by itself. */
export interface Visitor {
  readonly jar: Map<string, string>
  get(path: string, headers?: Record<string, string>): Promise<Page>
  post(path: string, form: Record<string, string> | URLSearchParams, headers?: Record<string, string>): Promise<Page>
  /** Through the login page, the development sign-in and back; answers the page of the callback. */
  signIn(person: string, more?: Record<string, string>): Promise<Page>
  /** The same up to the callback's address, which is not opened. */
  untilCallback(person: string, more?: Record<string, string>): Promise<string>
  /** The form token of a page. */
  csrf(): Promise<string>
}

export const SESSION = 'gh_session'

export function visitor(server: Pick<RunningGatehouse, 'url'>, at = server.url): Visitor {
  const jar = new Map<string, string>()

  async function ask(url: string, init: RequestInit): Promise<Page> {
    const answer = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: {
        ...Object.fromEntries(new Headers(init.headers)),
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    })
    const cookies = answer.headers.getSetCookie()
    for (const cookie of cookies) {
      const [pair = ''] = cookie.split(';')
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(cookie)) jar.delete(name)
      else jar.set(name, value)
    }
    return {
      status: answer.status,
      location: answer.headers.get('location'),
      headers: answer.headers,
      cookies,
      text: await answer.text(),
    }
  }

  const get: Visitor['get'] = async (path, headers = {}) => await ask(new URL(path, at).href, { headers })
  const post: Visitor['post'] = async (path, form, headers = { origin: server.url, 'sec-fetch-site': 'same-origin' }) =>
    await ask(new URL(path, at).href, { method: 'POST', headers, body: new URLSearchParams(form) })

  const untilCallback: Visitor['untilCallback'] = async (person, more = {}) => {
    let page = await post('/console/login', { provider: 'development', ...more })
    // The provider's pages, until it sends people back.
    for (let steps = 0; steps < 10; steps++) {
      const to = page.location
      if (to?.includes('/console/callback/')) return to
      if (to !== null) page = await get(to)
      else {
        const action = /action="([^"]+)"/.exec(page.text)?.[1]
        if (action === undefined) throw new Error(`no way on: ${page.status} ${page.text}`)
        page = await post(action, { account: person })
      }
    }
    throw new Error('the sign-in never came back')
  }

  return {
    jar,
    get,
    post,
    untilCallback,
    signIn: async (person, more) => await get(await untilCallback(person, more)),
    csrf: async () => /name="csrf"\s+value="([^"]+)"/.exec((await get('/console/account')).text)?.[1] ?? '',
  }
}

/** Somebody whom the development sign-in has no button for. */
export interface Somebody {
  readonly sub: string
  readonly email: string | null
  readonly name?: string
}

/** A browser in which this person signed in just now, as their provider would have said it. @param fresh did they prove who they are? */
export function signedInAs(
  server: Pick<RunningGatehouse, 'url' | 'config'>,
  { sub, email, name }: Somebody,
  { fresh = true, verified = true }: { readonly fresh?: boolean; readonly verified?: boolean } = {},
): Visitor {
  const sessions = createSessions({
    secrets: server.config.sessionSecrets,
    publicUrl: server.config.publicUrl,
    clock: systemClock,
  })
  const identity = {
    provider: 'development',
    iss: `${server.url}/dev`,
    sub,
    email,
    email_verified: verified,
    email_authority: 'live' as const,
    name: name ?? null,
    scopes: null,
    organization: null,
    tenant: null,
    client_id: null,
    exp: null,
    iat: null,
    picture: null,
    key: null,
    claims: {},
  }
  const who = visitor(server)
  who.jar.set(SESSION, sessions.seal(sessions.begin(identity, fresh ? Date.now() : null)))
  return who
}

/** The text of a page as somebody reads it: no markup, and spaces as they show. */
export const readable = (page: string): string =>
  page
    .replaceAll(/<(?:style|script|head)\b[\s\S]*?<\/(?:style|script|head)>/g, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll(/\s+/g, ' ')
