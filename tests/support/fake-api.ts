import { startFakeServer, type Answer, type FakeServer, type Question } from './fake-provider/server.ts'

/** Who may sign in at the fake API, and what its users see. Each user sees their own contacts. */
export const API_USERS = { gatehouse: 'pass word ä', acme: 'acme-password', globex: 'globex-password' } as const
export const API_CLIENT = { id: 'a client:id', secret: 'a+client/secret&%' } as const
export const API_KEY = 'key-of-the-fake-api'

export interface FakeApi extends FakeServer {
  /** Ends every access token; the next request with one is 401. */
  expire(): void
  /** Ends every refresh token too. */
  forget(): void
  /** Every question to /v1/, in order. */
  readonly asked: readonly Question[]
  /** Every secret it handed out. */
  readonly issued: readonly string[]
}

/**
 * An API as companies have them: `POST /v1/auth/login {username, password}`, `POST /v1/auth/refresh {refresh_token}` with rotation (a refresh
 * token works once), `POST /oauth/token` (RFC 6749 section 4.4), and `/v1/contacts` behind a bearer token or the header X-Api-Key.
 */
export async function startFakeApi({ life = 3600 }: { readonly life?: number } = {}): Promise<FakeApi> {
  const server = await startFakeServer()
  const access = new Map<string, string>()
  const refresh = new Map<string, string>()
  const asked: Question[] = []
  const issued: string[] = []
  let serial = 0

  const grant = (user: string, refreshes: boolean): Answer => {
    serial += 1
    const [token, again] = [`access-${serial}-of-${user}`, `refresh-${serial}-of-${user}`]
    access.set(token, user)
    issued.push(token)
    if (refreshes) {
      refresh.set(again, user)
      issued.push(again)
    }
    const body = {
      access_token: token,
      token_type: 'Bearer',
      expires_in: life,
      ...(refreshes ? { refresh_token: again } : {}),
    }
    return { status: 200, body }
  }
  const refused: Answer = { status: 401, body: { error: 'unauthorized', secret: 'body-of-a-refusal' } }
  const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>

  server.route('POST', '/v1/auth/login', 'login', ({ body }) => {
    const { username, password } = json(body)
    const known = Object.entries(API_USERS).find(([name, secret]) => name === username && secret === password)
    return known === undefined ? refused : grant(known[0], true)
  })
  server.route('POST', '/v1/auth/refresh', 'refresh', ({ body }) => {
    const token = String(json(body)['refresh_token'])
    const user = refresh.get(token)
    refresh.delete(token)
    return user === undefined ? refused : grant(user, true)
  })
  server.route('POST', '/oauth/token', 'token', ({ headers, body }) => {
    const form = new URLSearchParams(body)
    const [id, secret] =
      headers.authorization === undefined
        ? [form.get('client_id'), form.get('client_secret')]
        : Buffer.from(headers.authorization.slice('Basic '.length), 'base64')
            .toString()
            .split(':')
            .map((part) => decodeURIComponent(part.replaceAll('+', ' ')))
    const good = form.get('grant_type') === 'client_credentials' && id === API_CLIENT.id && secret === API_CLIENT.secret
    return good ? grant(`client ${form.get('scope')} ${form.get('audience')}`, false) : refused
  })
  const userOf = ({ headers }: Question): string | undefined =>
    headers['x-api-key'] === API_KEY ? 'key' : access.get((headers.authorization ?? '').replace('Bearer ', ''))
  const contacts = (question: Question): Answer => {
    asked.push(question)
    const user = userOf(question)
    if (user === undefined) return refused
    return { status: question.method === 'POST' ? 201 : 200, body: { user, method: question.method } }
  }
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) server.route(method, '/v1/contacts', 'contacts', contacts)
  server.route('GET', '/v1/contacts/a%2Fb%3F', 'one', contacts)
  return {
    ...server,
    asked,
    issued,
    expire: () => access.clear(),
    forget() {
      access.clear()
      refresh.clear()
    },
  }
}
