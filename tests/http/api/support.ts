import { SignJWT } from 'jose'
import { startGatehouse, type RunningGatehouse } from '../../support/gatehouse.ts'

/** What came back. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Parsed; null: no body. */
  readonly json: any
}

export type Ask = (
  token: string | null,
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>

const SECRET = 'a secret that the portal of these tests signs with'
const ISSUER = 'https://portal.test'
const ENV = {
  RATE_LIMIT: 'off',
  // Nobody answers at the discard port: what is checked stays unjudged.
  DNS_SERVERS: '127.0.0.1:9',
  JWT_SECRET_KEY: SECRET,
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: 'https://mcp.test/mcp',
  JWT_DOMAINS: 'acme.test,globex.test',
} as const

/** A server with two companies, and who is who in acme_test. */
export interface World {
  readonly server: RunningGatehouse
  /** Of another replica beside it. */
  readonly env: Readonly<Record<string, string>>
  readonly ask: Ask
  /** Of somebody, who joins by their domain at their first request. */
  readonly token: (email: string) => Promise<string>
  /** `key`: an API key of the owner with all that a key can have. `stranger`: the owner of globex_test. */
  readonly tokens: Readonly<Record<Role | 'stranger', string>>
  /** Id of the stranger's membership in globex_test. */
  readonly stranger: string
  /** A name that was not used before. */
  readonly name: (what: string, ending?: string) => string
  /** Who asked to join acme_test; the id. */
  readonly asker: () => Promise<string>
  /** Who asked and was let in. */
  readonly newcomer: () => Promise<string>
  /** A claim, by name. */
  readonly domain: (slug: Slug) => Promise<string>
  /** An open invitation, by id. */
  readonly invitation: (slug: Slug) => Promise<string>
  readonly key: (slug: Slug) => Promise<{ readonly id: string; readonly key: string }>
}

export const ROLES = ['owner', 'admin', 'member', 'viewer', 'key'] as const
export type Role = (typeof ROLES)[number]
type Slug = 'acme_test' | 'globex_test'

/** Requests to one server. */
export const asking =
  ({ url: at }: Pick<RunningGatehouse, 'url'>): Ask =>
  async (token, method, path, body, headers = {}) => {
    const answer = await fetch(`${at}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, json: parsed(text) }
  }

export async function startWorld(): Promise<World> {
  const server = await startGatehouse({ kind: 'postgres', env: ENV })
  const token = async (email: string): Promise<string> =>
    await new SignJWT({ email, email_verified: true })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setAudience(ENV.JWT_AUDIENCE)
      .setSubject(email)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(SECRET))
  const ask = asking(server)
  const tokens = {
    owner: await token('alice@acme.test'),
    admin: await token('dan@acme.test'),
    member: await token('erin@acme.test'),
    viewer: await token('carol@acme.test'),
    stranger: await token('bob@globex.test'),
  }
  for (const token of Object.values(tokens)) await ask(token, 'GET', '/api/v1/whoami')
  /** A good answer's body; anything else ends the test. */
  async function done(as: keyof typeof tokens, method: string, path: string, body?: unknown): Promise<any> {
    const answer = await ask(tokens[as], method, `/api/v1${path}`, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.json)}`)
    return answer.json
  }
  await done('owner', 'PATCH', '/members/dan@acme.test', { role: 'admin' })
  await done('owner', 'PATCH', '/members/carol@acme.test', { role: 'viewer' })
  const scopes = ['*', 'tenant:admin', 'audit:read']
  const { key } = await done('owner', 'POST', '/keys', { name: 'all that a key can have', scopes })
  const [stranger] = (await done('stranger', 'GET', '/members')).items

  let made = 0
  const name = (what: string, ending?: string): string => {
    made += 1
    return `${what}-${made}${ending === undefined ? '' : `.${ending}`}`
  }
  const ownerOf = (slug: Slug): 'owner' | 'stranger' => (slug === 'acme_test' ? 'owner' : 'stranger')
  async function asker(): Promise<string> {
    for (;;) {
      const email = `${name('guest')}@acme.test`
      // Until the domain's new rule is everywhere, who comes is let in.
      const { status } = await ask(await token(email), 'GET', '/api/v1/whoami')
      if (status === 403) return (await done('owner', 'GET', `/members/${email}`)).id
    }
  }
  await done('owner', 'PATCH', '/domains/acme.test', { join_mode: 'request' })
  return {
    server,
    env: ENV,
    ask,
    token,
    tokens: { ...tokens, key },
    stranger: stranger.id,
    name,
    asker,
    async newcomer() {
      return (await done('owner', 'POST', `/requests/${await asker()}/approve`)).id
    },
    async domain(slug) {
      return (await done(ownerOf(slug), 'POST', '/domains', { domain: name(slug.replace('_', '-'), 'com') })).domain
    },
    async invitation(slug) {
      const email = `${name('invited')}@example.com`
      return (await done(ownerOf(slug), 'POST', '/invitations', { email })).id
    },
    key: async (slug) => await done(ownerOf(slug), 'POST', '/keys', { name: name('key') }),
  }
}

function parsed(text: string): any {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
