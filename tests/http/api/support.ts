import { SignJWT } from 'jose'
import { startGatehouse, type RunningGatehouse } from '../../support/gatehouse.ts'

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
  readonly tokens: Readonly<Record<'owner' | 'admin' | 'member' | 'viewer' | 'stranger', string>>
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
  const ask: Ask = async (token, method, path, body, headers = {}) => {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, json: text === '' ? null : JSON.parse(text) }
  }
  const tokens = {
    owner: await token('alice@acme.test'),
    admin: await token('dan@acme.test'),
    member: await token('erin@acme.test'),
    viewer: await token('carol@acme.test'),
    stranger: await token('bob@globex.test'),
  }
  for (const token of Object.values(tokens)) await ask(token, 'GET', '/api/v1/whoami')
  for (const [name, role] of [
    ['dan', 'admin'],
    ['carol', 'viewer'],
  ]) {
    const made = await ask(tokens.owner, 'PATCH', `/api/v1/members/${name}@acme.test`, { role })
    if (made.status !== 200) throw new Error(`${name} is no ${role}: ${JSON.stringify(made.json)}`)
  }
  return { server, env: ENV, ask, tokens, token }
}
