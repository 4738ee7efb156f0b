import { createHash, randomUUID } from 'node:crypto'
import { basicOf, type Claims, type FakeIssuer } from './issuer.ts'
import type { Answer, FakeServer, Question } from './server.ts'

/** What the provider would ask people for: who signs in next, with the claims of the ID token. */
type Person = Claims & { readonly sub: string }

/** What stands behind a code or a refresh token. */
export interface Grant {
  readonly person: Person
  readonly client_id: string
  readonly redirect_uri: string
  readonly nonce: string | null
  readonly code_challenge: string | null
  readonly scope: string
  readonly audience: string | null
  readonly resource: string | null
}

export interface SignInOptions {
  /** First part of the endpoints' names: `<path>/authorize`, `<path>/token`, `<path>/revoke`. */
  readonly path: string
  readonly authorize: string
  readonly token: string
  /** null: it has none. */
  readonly revoke: string | null
  /** Client id to secret. */
  readonly clients: Readonly<Record<string, string>>
  /** Sent with every answer to the browser (RFC 9207); null: not sent. */
  readonly iss: string | null
  /** The token answer without refresh_token. */
  mint(grant: Grant, how: 'code' | 'refresh'): Promise<Claims>
  /** A refresh token: none, one for good (Google), or a new one each time (Auth0, GitHub Apps). */
  readonly refresh: 'none' | 'lasting' | 'rotating'
  /** Errors as GitHub writes them: status 200, and words of its own. */
  readonly errors?: 'github'
}

/** Authorization, token and revocation endpoint of a provider at which everyone says yes at once. */
export interface FakeSignIn {
  /** Who signs in from now on. */
  person(person: Person): void
  /** From now on the person says no, or the provider fails: what it sends the browser back with. */
  deny(error: string | null): void
  /** Changes every further token answer. */
  change(how: ((answer: Claims, grant: Grant) => Claims | Promise<Claims>) | null): void
  /** Grants redeemed so far. */
  readonly grants: readonly Grant[]
  /** Tokens taken back. */
  readonly revoked: readonly string[]
  /** Refresh tokens that still work. */
  readonly alive: () => readonly string[]
  /** Ends every refresh token, as a person does who removes the app's access. */
  forget(): void
}

const GITHUB_WORDS: Readonly<Record<string, string>> = {
  invalid_grant: 'bad_verification_code',
  invalid_client: 'incorrect_client_credentials',
}

export function addSignIn(server: FakeServer, options: SignInOptions): FakeSignIn {
  const codes = new Map<string, Grant>()
  const refreshTokens = new Map<string, Grant>()
  const grants: Grant[] = []
  const revoked: string[] = []
  let person: Person | null = null
  let denied: string | null = null
  let change: Parameters<FakeSignIn['change']>[0] = null

  const failed = (error: string): Answer =>
    options.errors === 'github'
      ? {
          status: 200,
          body: { error: GITHUB_WORDS[error] ?? error, error_description: 'The code passed is incorrect.' },
        }
      : { status: error === 'invalid_client' ? 401 : 400, body: { error } }

  /** The client that asks, if it proved itself by basic or post. */
  function clientOf(question: Question, form: URLSearchParams): string | null {
    const [id = '', secret = ''] = basicOf(question).split(':').map(decodeURIComponent)
    const named = id === '' ? [form.get('client_id') ?? '', form.get('client_secret') ?? ''] : [id, secret]
    return named[0] !== undefined && options.clients[named[0]] === named[1] ? named[0] : null
  }

  server.route('GET', options.authorize, `${options.path}/authorize`, ({ query }): Answer => {
    const redirect_uri = query.get('redirect_uri') ?? ''
    const client_id = query.get('client_id') ?? ''
    if (options.clients[client_id] === undefined || query.get('response_type') !== 'code' || person === null)
      return { status: 400, body: 'no such client, or nobody signs in' }
    const back = new URL(redirect_uri)
    back.searchParams.set('state', query.get('state') ?? '')
    if (options.iss !== null) back.searchParams.set('iss', options.iss)
    if (denied === null) {
      const code = `code-${randomUUID()}`
      codes.set(code, {
        person,
        client_id,
        redirect_uri,
        nonce: query.get('nonce'),
        code_challenge: query.get('code_challenge_method') === 'S256' ? query.get('code_challenge') : null,
        scope: query.get('scope') ?? '',
        audience: query.get('audience'),
        resource: query.get('resource'),
      })
      back.searchParams.set('code', code)
    } else back.searchParams.set('error', denied)
    return { status: 302, headers: { location: back.href }, body: '' }
  })

  server.route('POST', options.token, `${options.path}/token`, async (question): Promise<Answer> => {
    const form = new URLSearchParams(question.body)
    const client_id = clientOf(question, form)
    if (client_id === null) return failed('invalid_client')
    const how = form.get('grant_type') === 'refresh_token' ? 'refresh' : 'code'
    const grant = how === 'code' ? takeCode(form, client_id) : takeRefresh(form, client_id)
    if (grant === null) return failed('invalid_grant')
    grants.push(grant)
    const answer: Record<string, unknown> = { token_type: 'bearer', ...(await options.mint(grant, how)) }
    if (options.refresh === 'rotating' || (options.refresh === 'lasting' && how === 'code')) {
      const token = `refresh-${randomUUID()}`
      refreshTokens.set(token, grant)
      answer['refresh_token'] = token
    }
    return { status: 200, body: change === null ? answer : await change(answer, grant) }
  })

  function takeCode(form: URLSearchParams, client_id: string): Grant | null {
    const code = form.get('code') ?? ''
    const grant = codes.get(code)
    codes.delete(code)
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    const fits =
      grant?.client_id === client_id &&
      grant.redirect_uri === form.get('redirect_uri') &&
      grant.code_challenge === challenge
    return grant !== undefined && fits ? grant : null
  }

  function takeRefresh(form: URLSearchParams, client_id: string): Grant | null {
    const token = form.get('refresh_token') ?? ''
    const grant = refreshTokens.get(token)
    if (options.refresh === 'rotating') refreshTokens.delete(token)
    return grant?.client_id === client_id ? grant : null
  }

  if (options.revoke !== null) {
    server.route('POST', options.revoke, `${options.path}/revoke`, (question): Answer => {
      const form = new URLSearchParams(question.body)
      if (clientOf(question, form) === null) return failed('invalid_client')
      const token = form.get('token') ?? ''
      revoked.push(token)
      refreshTokens.delete(token)
      return { status: 200, body: {} }
    })
  }

  return {
    person: (next) => void (person = next),
    deny: (error) => void (denied = error),
    change: (how) => void (change = how),
    grants,
    revoked,
    alive: () => [...refreshTokens.keys()],
    forget: () => refreshTokens.clear(),
  }
}

/** `at_hash` of OIDC Core section 3.1.3.6 under a 256-bit algorithm. */
const atHash = (accessToken: string): string =>
  createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url')

/** A token answer of an OpenID issuer: an ID token for the client, and an access token that `access` makes. */
export const openidMint =
  (issuer: FakeIssuer, access: (grant: Grant) => string | Promise<string>) =>
  async (grant: Grant): Promise<Claims> => {
    const access_token = await access(grant)
    const { person, client_id, nonce, scope } = grant
    const id_token = await issuer.sign({
      ...person,
      aud: client_id,
      azp: client_id,
      nonce: nonce ?? undefined,
      at_hash: atHash(access_token),
    })
    return { access_token, id_token, expires_in: 3600, scope }
  }
