import { SignJWT } from 'jose'
import { seconds, type Clock } from '#base/clock.ts'
import type { ProvidersConfig } from '#base/config.ts'
import { createGuardedFetch, type GuardedFetch } from '#base/fetch.ts'
import { createLog } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import { createAuthenticator } from '#identity/authenticate.ts'
import type { Identity } from '#identity/identity.ts'
import type { VerifyContext } from '#identity/provider.ts'
import type { ApiKeyRecord } from '#identity/api-key.ts'
import { createProviders, type ProviderOptions } from '#providers/index.ts'
import {
  GITHUB_CLIENT,
  INTROSPECTOR,
  startFakeProvider,
  type Claims,
  type FakeProvider,
} from '../support/fake-provider.ts'

export const MCP_URL = 'https://gatehouse.test/mcp'
export const GOOGLE_CLIENT_ID = '1234-gatehouse.apps.googleusercontent.com'
export const CLIENT_ID = 'gatehouse-client'
export const SECRET = 'a shared secret that is long enough for HS256'

/** Real time, moved forward by hand. */
export interface TestClock extends Clock {
  advance(milliseconds: number): void
}

export function testClock(): TestClock {
  let ahead = 0
  return { now: () => Date.now() + ahead, advance: (milliseconds) => void (ahead += milliseconds) }
}

/** One complete, careful configuration per provider; tests change what they are about. */
export const configs = {
  google: { clientIds: [GOOGLE_CLIENT_ID], clientSecret: null, carriesScopes: false },
  auth0: {
    domain: 'acme.eu.auth0.com',
    audience: [MCP_URL],
    login: { clientId: CLIENT_ID, clientSecret: null },
    emailDomains: ['acme.test'],
    emailClaim: 'https://acme.test/email',
    carriesScopes: false,
  },
  github: { ...GITHUB_CLIENT, allowPersonalTokens: false },
  oidc: (issuer: string) => ({
    id: 'oidc',
    issuer,
    audience: [MCP_URL],
    login: { clientId: CLIENT_ID, clientSecret: null },
    tokenUse: 'any' as const,
    carriesScopes: false,
    domains: ['acme.test'] as readonly string[] | '*',
    tenant: null,
    organizationClaim: null,
    tenantIds: [] as readonly string[],
    introspection: null,
    algorithms: ['ES256'],
  }),
  introspection: { endpoint: null, ...INTROSPECTOR },
  sharedSecret: {
    secrets: [SECRET],
    issuer: 'https://portal.acme.test',
    audience: [],
    subjectClaim: 'sub',
    domains: ['acme.test'],
    trustTenantClaim: false,
    carriesScopes: false,
  },
  staticKey: { key: 'a-static-key-of-forty-characters-or-more', tenant: 'acme', role: 'member' },
} as const

export interface Gate {
  readonly fake: FakeProvider
  readonly clock: TestClock
  readonly fetch: GuardedFetch
  /** Real authenticator over the real providers; a new one each time, so nothing is cached. */
  readonly open: (
    providers: Partial<ProvidersConfig>,
    options?: Partial<ProviderOptions>,
  ) => (token: string, ip?: string) => Promise<Identity>
  close(): Promise<void>
}

export const NO_PROVIDERS: ProvidersConfig = {
  google: null,
  auth0: null,
  github: null,
  oidc: [],
  sharedSecret: null,
  staticKey: null,
}

export async function openGate({ keys = [] }: { readonly keys?: readonly ApiKeyRecord[] } = {}): Promise<Gate> {
  const clock = testClock()
  const fake = await startFakeProvider({ clock })
  const fetch = createGuardedFetch({ allowPrivate: true })
  return {
    fake,
    clock,
    fetch,
    open(providers, options = {}) {
      const list = createProviders({
        config: { providers: { ...NO_PROVIDERS, ...providers }, production: false },
        mcpUrl: MCP_URL,
        keyLookup: async (id) => keys.find((key) => key.id === id) ?? null,
        endpoints: fake.endpoints,
        fetch,
        clock,
        log: createLog('silent'),
        ...options,
      })
      const authenticator = createAuthenticator({ providers: list, clock })
      return async (token, ip) => await authenticator.authenticate(token, { ip: ip ?? null } satisfies VerifyContext)
    },
    async close() {
      await fetch.close()
      await fake.close()
    },
  }
}

/** How an attempt ended: 'accepted', or the refusal's code, HTTP status and Retry-After. Any other error is a bug and stays one. */
export async function outcomeOf(attempt: Promise<Identity>): Promise<string> {
  try {
    await attempt
    return 'accepted'
  } catch (error) {
    if (error instanceof Refusal) {
      return `${error.code} ${error.status}${error.retryAfter === null ? '' : `, retry after ${error.retryAfter}`}`
    }
    throw error
  }
}

export async function refusalOf(attempt: Promise<Identity>): Promise<Refusal> {
  const error: unknown = await attempt.then(
    () => 'accepted',
    (reason: unknown) => reason,
  )
  if (error instanceof Refusal) return error
  throw new Error('not refused', { cause: error })
}

/** An HS256 token of the shared-secret system. */
export async function signShared(clock: Clock, claims: Claims, secret: string = SECRET): Promise<string> {
  const now = seconds(clock)
  return await new SignJWT({ iss: configs.sharedSecret.issuer, aud: MCP_URL, iat: now, exp: now + 3600, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(secret))
}
