import { seconds } from '#base/clock.ts'
import type { GithubConfig } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import { createOpaqueVerifier } from '#identity/opaque.ts'
import type { LoginDelegate, Provider } from '#identity/provider.ts'
import { asked, emailEvidence, identityOf, isRecord, text, type Claims, type ProviderParts } from './claims.ts'
import { explained } from './explained.ts'
import { GITHUB_PREFIXES } from './prefixes.ts'
import { ask, basic, bearer, objectOf } from './upstream.ts'

const ISSUER = 'https://github.com/login/oauth'
const APP_TOKENS = ['gho_', 'ghu_']
const PERSONAL_TOKENS = ['ghp_', 'github_pat_']
/** D11: what sign-in asks for, and the most a token may carry to be let in. */
const SCOPES = ['read:user', 'user:email']
const API_VERSION = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' }

interface GithubEndpoints {
  readonly api: string
  /** Where the browser and the code go. */
  readonly web?: string
}

export const GITHUB_ENDPOINTS: GithubEndpoints = { api: 'https://api.github.com' }

interface Checked {
  readonly user: Claims
  readonly scopes: readonly string[]
  readonly exp: number | null
  readonly iat: number | null
  readonly client_id: string | null
}

/**
 * GitHub: opaque user tokens, each asked about.
 *
 * How do we know this token was meant for us? `POST /applications/{client_id}/token` with our own credentials knows only the
 * tokens of our own app; another app's is 404, like a revoked one. Its scopes must lie within `read:user user:email` (D11).
 * A personal token belongs to no app, so nothing can prove it was meant for us: refused unless GITHUB_ALLOW_PERSONAL_TOKENS.
 *
 * Tenant evidence: the primary address of /user/emails if verified, which was true once (D7). The person is the numeric id;
 * a login can be renamed and taken by somebody else.
 */
export function createGithub(
  config: GithubConfig,
  parts: ProviderParts,
  { api, web = ISSUER } = GITHUB_ENDPOINTS,
): Provider {
  const tokens = createOpaqueVerifier({ provider: 'github', check, ...asked(parts) })
  const accepted = config.allowPersonalTokens ? [...APP_TOKENS, ...PERSONAL_TOKENS] : APP_TOKENS

  async function check(token: string): Promise<{ value: Identity; exp: number | null }> {
    const { user, scopes, exp, iat, client_id } = await (isPersonal(token) ? checkPersonal(token) : checkApp(token))
    const excess = scopes.filter((scope) => !SCOPES.includes(scope))
    if (excess.length > 0) throw new Refusal('scopes_excessive', { detail: `more than ${SCOPES.join(' ')}` })
    if (exp !== null && exp <= seconds(parts.clock)) throw new Refusal('token_expired')
    const { id } = user
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id <= 0) throw misunderstood('a user without id')
    const { email, verified } = await primaryAddress(token)
    const value = identityOf({
      provider: 'github',
      iss: ISSUER,
      sub: String(id),
      client_id,
      exp,
      iat,
      ...emailEvidence(email, verified, () => 'once'),
      name: text(user['name']) ?? text(user['login']),
      picture: text(user['avatar_url']),
      claims: { login: user['login'] },
    })
    return { value, exp }
  }

  async function checkApp(token: string): Promise<Checked> {
    const answer = await ask(parts, `${api}/applications/${encodeURIComponent(config.clientId)}/token`, {
      method: 'POST',
      headers: { ...API_VERSION, ...basic(config.clientId, config.clientSecret), 'content-type': 'application/json' },
      body: JSON.stringify({ access_token: token }),
      judged: [404],
    })
    if (answer.status === 404)
      throw new Refusal('token_inactive', { detail: "unknown to our app: revoked, or another app's" })
    const { app, user, scopes: told, expires_at, created_at } = objectOf(answer, 'check-token')
    // A GitHub App's tokens have permissions instead, and GitHub's schema lets their scopes be null.
    const scopes = told === null && token.startsWith('ghu_') ? [] : told
    if (!isRecord(app) || !isRecord(user) || !isStrings(scopes)) throw misunderstood('check-token')
    if (app['client_id'] !== config.clientId)
      throw new Refusal('client_mismatch', { detail: 'check-token names another app' })
    return { user, scopes, exp: time(expires_at), iat: time(created_at), client_id: config.clientId }
  }

  async function checkPersonal(token: string): Promise<Checked> {
    const answer = await ask(parts, `${api}/user`, { headers: { ...API_VERSION, ...bearer(token) }, judged: [401] })
    if (answer.status === 401) throw new Refusal('token_inactive', { detail: 'GitHub refused the token' })
    // Fine-grained tokens have permissions instead of scopes, and do not say which.
    const scopes = (answer.headers.get('x-oauth-scopes') ?? '').split(',').map((scope) => scope.trim())
    return {
      user: objectOf(answer, 'user'),
      scopes: scopes.filter((scope) => scope !== ''),
      exp: null,
      iat: null,
      client_id: null,
    }
  }

  /** The primary address; nothing when the token may not read addresses (403, 404). */
  async function primaryAddress(token: string): Promise<{ email?: unknown; verified?: unknown }> {
    const headers = { ...API_VERSION, ...bearer(token) }
    const answer = await ask(parts, `${api}/user/emails?per_page=100`, { headers, judged: [401, 403, 404] })
    if (answer.status === 401) throw new Refusal('token_inactive', { detail: 'GitHub refused the token' })
    if (answer.status !== 200) return {}
    if (!Array.isArray(answer.body)) throw misunderstood('emails')
    const addresses: unknown[] = answer.body
    return addresses.filter(isRecord).find((address) => address['primary'] === true) ?? {}
  }

  /** RFC 7009 as GitHub has it; 404: gone already. A refresh token ends with the sign-in's own 6 months only. */
  async function revoke(token: string, hint: 'access_token' | 'refresh_token'): Promise<boolean> {
    if (hint === 'refresh_token') return false
    await parts.fetch.text(`${api}/applications/${encodeURIComponent(config.clientId)}/token`, {
      method: 'DELETE',
      headers: { ...API_VERSION, ...basic(config.clientId, config.clientSecret), 'content-type': 'application/json' },
      body: JSON.stringify({ access_token: token }),
      accept: [204, 404],
    })
    return true
  }

  return {
    id: 'github',
    // Claimed whole, so that a kind we refuse never reaches anybody else either (D14).
    tokens: [{ prefix: GITHUB_PREFIXES }],
    authorization_server: ISSUER,
    challenge_scopes: SCOPES,
    grants_scopes: false,
    login: loginOf(config, web, revoke),
    async verify(token, { ip, redeemed = false, trace }) {
      if (accepted.some((prefix) => token.startsWith(prefix))) {
        return await explained(trace, 'check-token, scopes and addresses', tokens.verify(token, ip, !redeemed))
      }
      throw new Refusal('type_refused', { detail: 'this kind of GitHub token proves no sign-in at our app' })
    },
  }
}

const isPersonal = (token: string): boolean => PERSONAL_TOKENS.some((prefix) => token.startsWith(prefix))
const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
const misunderstood = (what: string): Refusal =>
  new Refusal('provider_unavailable', { detail: `GitHub answered something unexpected: ${what}` })

/** NumericDate of what GitHub writes as RFC 3339; null when it says nothing. */
function time(value: unknown): number | null {
  if (value === null || value === undefined) return null
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) throw misunderstood('a time')
  return Math.floor(at / 1000)
}

/** No discovery, no ID token. A refresh token comes from GitHub Apps only; an OAuth app's token has no end. */
const loginOf = (
  { clientId, clientSecret }: GithubConfig,
  web: string,
  revoke: NonNullable<LoginDelegate['revoke']>,
): LoginDelegate => ({
  label: 'GitHub',
  issuer: ISSUER,
  protocol: 'oauth',
  endpoints: { authorization: `${web}/authorize`, token: `${web}/access_token`, revocation: null, jwks: null },
  clientId,
  clientSecret,
  clientAuth: 'client_secret_post',
  scopes: SCOPES,
  authorizationParams: {},
  freshParams: { prompt: 'select_account' },
  revoke,
  token: 'access_token',
})
