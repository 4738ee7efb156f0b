import { randomUUID } from 'node:crypto'
import { basicOf, bearerOf, type Claims } from './issuer.ts'
import type { Answer, FakeServer, Question } from './server.ts'

export const GITHUB_CLIENT = { clientId: 'Iv1.gatehouse', clientSecret: 'github-client-secret' } as const

interface GithubAddress {
  readonly email: string
  readonly primary: boolean
  readonly verified: boolean
}

interface GithubGrant {
  /** Default: GITHUB_CLIENT's. Another app's token is unknown to our app's check-token. */
  readonly clientId?: string
  readonly prefix?: 'gho_' | 'ghu_' | 'ghp_' | 'github_pat_'
  readonly id: number
  readonly login: string
  readonly emails: readonly GithubAddress[] | 'forbidden'
  readonly scopes?: readonly string[]
  readonly expires_at?: string | null
  readonly created_at?: string
  /** Changes what check-token answers. */
  readonly check?: Claims
}

/** GitHub-shaped. Endpoints: `github/check` (POST /applications/{id}/token), `github/user`, `github/emails`. */
export interface FakeGithub {
  readonly url: string
  grant(grant: GithubGrant): string
  revoke(token: string): void
}

const BAD_CREDENTIALS: Answer = { status: 401, body: { message: 'Bad credentials' } }

export function addGithub(server: FakeServer): FakeGithub {
  const granted = new Map<string, GithubGrant>()
  const person = ({ id, login }: GithubGrant) => ({
    id,
    login,
    avatar_url: `https://avatars.example/${id}`,
    type: 'User',
  })
  const asUser = (question: Question, answer: (grant: GithubGrant) => Answer): Answer => {
    const grant = granted.get(bearerOf(question))
    if (grant === undefined) return BAD_CREDENTIALS
    if (question.headers['user-agent'] === undefined)
      return { status: 403, body: 'Request forbidden by administrative rules.' }
    const right = answer(grant)
    const classic = grant.prefix !== 'github_pat_' && grant.prefix !== 'ghu_'
    return classic ? { ...right, headers: { 'x-oauth-scopes': (grant.scopes ?? ['user:email']).join(', ') } } : right
  }

  server.route('POST', `/applications/${GITHUB_CLIENT.clientId}/token`, 'github/check', (question): Answer => {
    if (basicOf(question) !== `${GITHUB_CLIENT.clientId}:${GITHUB_CLIENT.clientSecret}`) return BAD_CREDENTIALS
    const { access_token } = JSON.parse(question.body) as { access_token: string }
    const grant = granted.get(access_token)
    if (grant === undefined || (grant.clientId ?? GITHUB_CLIENT.clientId) !== GITHUB_CLIENT.clientId) {
      return { status: 404, body: { message: 'Not Found' } }
    }
    return {
      status: 200,
      body: {
        id: 1,
        app: { client_id: GITHUB_CLIENT.clientId, name: 'Gatehouse', url: 'https://gatehouse.example' },
        token: '',
        hashed_token: 'a'.repeat(64),
        scopes: grant.scopes ?? ['user:email'],
        expires_at: grant.expires_at ?? null,
        created_at: grant.created_at ?? '2026-11-20T09:00:00Z',
        user: person(grant),
        ...grant.check,
      },
    }
  })
  server.route('DELETE', `/applications/${GITHUB_CLIENT.clientId}/token`, 'github/delete', (question): Answer => {
    if (basicOf(question) !== `${GITHUB_CLIENT.clientId}:${GITHUB_CLIENT.clientSecret}`) return BAD_CREDENTIALS
    const { access_token } = JSON.parse(question.body) as { access_token: string }
    return granted.delete(access_token) ? { status: 204, body: '' } : { status: 404, body: { message: 'Not Found' } }
  })
  server.route('GET', '/user', 'github/user', (question) =>
    asUser(question, (grant) => ({ status: 200, body: { ...person(grant), name: null, email: null } })),
  )
  server.route('GET', '/user/emails', 'github/emails', (question) =>
    asUser(question, ({ emails }) =>
      emails === 'forbidden'
        ? { status: 403, body: { message: 'Resource not accessible by integration' } }
        : {
            status: 200,
            body: emails.map((address) => ({ ...address, visibility: address.primary ? 'private' : null })),
          },
    ),
  )

  return {
    url: server.url,
    grant(grant) {
      const token = `${grant.prefix ?? 'gho_'}${randomUUID().replaceAll('-', '')}`
      granted.set(token, grant)
      return token
    },
    revoke: (token) => void granted.delete(token),
  }
}
