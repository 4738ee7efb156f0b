import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'vitest'

/** One sign-in over plain HTTP, step by step, as a client and a browser without JavaScript take it. */

export const CALLBACK = 'http://127.0.0.1:4711/callback'

export interface Journey {
  readonly client_id: string
  readonly verifier: string
  readonly resource: string
  /** Of the browser, for our origin. */
  readonly cookies: Map<string, string>
}

export async function begin(server: string, resource = `${server}/mcp`): Promise<Journey> {
  const answer = await fetch(`${server}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [CALLBACK], client_name: 'A test' }),
  })
  expect(answer.status).toBe(201)
  const { client_id } = (await answer.json()) as { client_id: string }
  return { client_id, verifier: randomBytes(32).toString('base64url'), resource, cookies: new Map() }
}

export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

/** A request of the browser, with its cookies; redirects are not followed. */
export async function browse(journey: Journey, url: string, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(url, {
    ...init,
    redirect: 'manual',
    headers: {
      ...Object.fromEntries(new Headers(init.headers)),
      cookie: [...journey.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    },
  })
  for (const cookie of answer.headers.getSetCookie()) {
    const [pair = ''] = cookie.split(';')
    const at = pair.indexOf('=')
    if (/max-age=0/i.test(cookie)) journey.cookies.delete(pair.slice(0, at))
    else journey.cookies.set(pair.slice(0, at), pair.slice(at + 1))
  }
  return answer
}

/** The consent page, approved: where the browser is sent at the provider. */
export async function approve(server: string, journey: Journey, provider: string, scope?: string): Promise<URL> {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: journey.client_id,
    redirect_uri: CALLBACK,
    code_challenge: challengeOf(journey.verifier),
    code_challenge_method: 'S256',
    resource: journey.resource,
    state: 'of the client',
    ...(scope === undefined ? {} : { scope }),
  })
  const page = await browse(journey, `${server}/oauth/authorize?${query.toString()}`)
  const form = /name="form"[^>]*value="([^"]+)"/.exec(await page.text())?.[1] ?? ''
  const answer = await browse(journey, `${server}/oauth/authorize`, {
    method: 'POST',
    headers: { origin: server, 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ form, provider }),
  })
  expect(answer.status).toBe(303)
  return new URL(answer.headers.get('location') ?? '')
}

/** What the provider sends the browser back to: our callback. */
export async function atProvider(journey: Journey, url: URL): Promise<URL> {
  const answer = await fetch(url, { redirect: 'manual' })
  expect(answer.status, await answer.clone().text()).toBe(302)
  expect(journey.cookies.size).toBeGreaterThan(0)
  return new URL(answer.headers.get('location') ?? '')
}

/** The whole way to the client's redirect: what it received. */
export async function toClient(server: string, journey: Journey, provider: string): Promise<URLSearchParams> {
  const back = await atProvider(journey, await approve(server, journey, provider))
  const answer = await browse(journey, `${server}${back.pathname}${back.search}`)
  expect(answer.status, await answer.clone().text()).toBe(303)
  const location = answer.headers.get('location') ?? ''
  expect(location.startsWith(`${CALLBACK}?`)).toBe(true)
  return new URL(location).searchParams
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** A form to an endpoint; undefined leaves a parameter out. */
export async function post(
  url: string,
  parameters: Readonly<Record<string, string | undefined>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined)
  const answer = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(given) })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answered['body'] }
}

export const codeForm = (journey: Journey, code: string): Record<string, string> => ({
  grant_type: 'authorization_code',
  code,
  client_id: journey.client_id,
  redirect_uri: CALLBACK,
  code_verifier: journey.verifier,
  resource: journey.resource,
})

export interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string
  readonly expires_in?: number
}

export async function signIn(
  server: string,
  provider: string,
): Promise<{ readonly journey: Journey; readonly tokens: Tokens }> {
  const journey = await begin(server)
  const code = (await toClient(server, journey, provider)).get('code') ?? ''
  const { status, body } = await post(`${server}/oauth/token`, codeForm(journey, code))
  expect(status, JSON.stringify(body)).toBe(200)
  return { journey, tokens: body as unknown as Tokens }
}

export const refresh = async (
  server: string,
  { client_id }: Journey,
  refresh_token: string | undefined,
  more: Readonly<Record<string, string | undefined>> = {},
): Promise<Answered> =>
  await post(`${server}/oauth/token`, { grant_type: 'refresh_token', refresh_token, client_id, ...more })

/** Status of /api/v1/whoami with a token, and who it is there. */
export async function whoami(server: string, token: string): Promise<{ status: number; user_id: unknown }> {
  const answer = await fetch(`${server}/api/v1/whoami`, { headers: { authorization: `Bearer ${token}` } })
  const body = (await answer.json()) as { user_id?: unknown }
  return { status: answer.status, user_id: body.user_id }
}
