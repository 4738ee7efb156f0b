import type { Clock } from '#base/clock.ts'
import { FetchFailed, type FetchInit, type GuardedFetch } from '#base/fetch.ts'
import { HEADER_VALUE, type UpstreamAuth, type UpstreamFields } from '#base/upstream.ts'
import { UpstreamError } from './error.ts'

/** A token of an upstream. In memory only. */
export interface Grant {
  readonly access: string
  readonly refresh: string | null
  /** When it ends, in milliseconds since the epoch; null: it was not said. */
  readonly until: number | null
}

export interface GrantOptions {
  readonly upstream: string
  /** Base URL of the API. */
  readonly url: string
  /** The base URL is a tenant's own (D30). */
  readonly untrusted: boolean
  readonly fields: UpstreamFields
  readonly fetch: Pick<GuardedFetch, 'bytes'>
  readonly clock: Clock
  /** Milliseconds for one exchange. */
  readonly timeout: number
}

export type TokenAuth = Extract<UpstreamAuth, { kind: 'client_credentials' | 'login' }>

/** How a token is got. Each throws UpstreamError: credentials_refused (judged and refused), unavailable, timeout, refused (by the outbound guard). */
export interface Grants {
  /** With the credentials themselves. */
  readonly fresh: () => Promise<Grant>
  /** With the refresh token; null: this upstream has none. A refresh token that does not come back stays. */
  readonly refreshed: ((refresh: string) => Promise<Grant>) | null
}

const LONGEST_TOKEN = 16_384
/** A token is not believed to live longer than this. */
const LONGEST_LIFE = 86_400

export function createGrants(auth: TokenAuth, options: GrantOptions): Grants {
  return auth.kind === 'login' ? login(auth, options) : clientCredentials(auth, options)
}

function login(auth: Extract<TokenAuth, { kind: 'login' }>, options: GrantOptions): Grants {
  const { names, loginPath, refreshPath } = auth
  const ask = async (path: string, body: Record<string, unknown>, refresh: string | null): Promise<Grant> => {
    const answer = await exchange(options, `${options.url}${path}`, options.untrusted, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const grant = {
      access: at(answer, names.access_token),
      refresh: at(answer, names.refresh_token) ?? refresh,
      expires: at(answer, names.expires_in),
    }
    return grantOf(options, grant)
  }
  return {
    fresh: async () =>
      await ask(
        loginPath,
        { [names.username]: options.fields['username'], [names.password]: options.fields['password'] },
        null,
      ),
    refreshed:
      refreshPath === null
        ? null
        : async (refresh) =>
            await ask(refreshPath, { [names.refresh_token.split('.').at(-1) ?? '']: refresh }, refresh),
  }
}

/** RFC 6749 section 4.4; the client by section 2.3.1. Such a grant has no refresh token worth keeping (4.4.3). */
function clientCredentials(auth: Extract<TokenAuth, { kind: 'client_credentials' }>, options: GrantOptions): Grants {
  return {
    refreshed: null,
    async fresh() {
      const { client_id = '', client_secret = '' } = options.fields
      const body = new URLSearchParams({ grant_type: 'client_credentials' })
      for (const name of ['scope', 'audience', 'resource'] as const) if (auth[name] !== null) body.set(name, auth[name])
      if (auth.method === 'post') {
        body.set('client_id', client_id)
        body.set('client_secret', client_secret)
      }
      const basic = `${formEncoded(client_id)}:${formEncoded(client_secret)}`
      // The token endpoint is the operator's word, also where the base URL is a tenant's.
      const answer = await exchange(options, auth.tokenUrl, false, {
        method: 'POST',
        headers: {
          accept: 'application/json',
          ...(auth.method === 'basic' ? { authorization: `Basic ${Buffer.from(basic).toString('base64')}` } : {}),
        },
        body,
      })
      const type = at(answer, 'token_type')
      // RFC 6749 section 7.1: a token of a type that is not understood must not be used.
      if (typeof type === 'string' && !['bearer', auth.scheme.toLowerCase()].includes(type.toLowerCase()))
        throw new UpstreamError('unavailable', options.upstream, { status: 200, detail: 'a token of another type' })
      return grantOf(options, { access: at(answer, 'access_token'), refresh: null, expires: at(answer, 'expires_in') })
    },
  }
}

const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)

/** A member by its path; undefined when it is not there. Only own members: an answer is a stranger's. */
function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inside, name) => {
    if (typeof inside !== 'object' || inside === null || !Object.hasOwn(inside, name)) return undefined
    return Reflect.get(inside, name) as unknown
  }, value)
}

function grantOf(
  { upstream, clock }: GrantOptions,
  { access, refresh, expires }: { readonly access: unknown; readonly refresh: unknown; readonly expires: unknown },
): Grant {
  const usable = (token: unknown): token is string =>
    typeof token === 'string' && token.length <= LONGEST_TOKEN && HEADER_VALUE.test(token)
  if (!usable(access))
    throw new UpstreamError('unavailable', upstream, { status: 200, detail: 'an answer without a token' })
  const life = Number(expires)
  const known = (typeof expires === 'number' || typeof expires === 'string') && life > 0
  return {
    access,
    refresh: usable(refresh) ? refresh : null,
    until: known ? clock.now() + Math.min(life, LONGEST_LIFE) * 1000 : null,
  }
}

async function exchange(options: GrantOptions, url: string, untrusted: boolean, init: FetchInit): Promise<unknown> {
  const { upstream, fetch, timeout } = options
  try {
    const { status, headers, body } = await fetch.bytes(url, { ...init, timeout, untrusted, maxBytes: 64 * 1024 })
    if (status >= 200 && status < 300) return JSON.parse(new TextDecoder().decode(body)) as unknown
    // 408, 425 and 429 say nothing about the credentials; a redirect leads to a page for people.
    const judged = status >= 400 && status < 500 && ![404, 405, 408, 425, 429].includes(status)
    const wait = headers.get('retry-after') ?? ''
    throw new UpstreamError(judged ? 'credentials_refused' : 'unavailable', upstream, {
      status,
      detail: `signing in answered ${status}`,
      ...(/^\d{1,6}$/.test(wait) ? { retryAfter: Number(wait) } : {}),
    })
  } catch (error) {
    if (error instanceof UpstreamError) throw error
    if (error instanceof FetchFailed) {
      const code = error.kind === 'timeout' || error.kind === 'refused' ? error.kind : 'unavailable'
      throw new UpstreamError(code, upstream, { detail: `signing in: ${error.kind}` })
    }
    throw new UpstreamError('unavailable', upstream, { status: 200, detail: 'signing in answered no JSON' })
  }
}
