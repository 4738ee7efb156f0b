import type { AdapterFactory, Configuration, Provider, errors as Errors } from 'oidc-provider'
import { DEV_CLIENT_ID, devClientRedirects } from './dev-client.ts'
import { devErrorPage } from './dev-page.ts'
import { people, personClaims } from './dev-people.ts'
import type { DevState } from './dev-state.ts'
import { DEV_PREFIX, DEV_TOKEN_TTL } from './dev-token.ts'
import { endpointPath, slugOf } from './endpoints.ts'

export interface DevProviderOptions {
  readonly issuer: string
  readonly publicUrl: string
  readonly clientSecret: string
  readonly state: DevState
  readonly adapter: AdapterFactory
}

const DAY = 86_400
const SCOPES = 'openid offline_access email profile'

/** oidc-provider, set up for MCP clients. The package is loaded here and nowhere else, so production never loads it. */
export async function createDevProvider({
  issuer,
  publicUrl,
  clientSecret,
  state,
  adapter,
}: DevProviderOptions): Promise<Provider> {
  const oidc = await loadQuietly()
  const policy = oidc.interactionPolicy.base()
  // One page only. The prompt itself must stay known: MCP clients send prompt=consent.
  policy.get('consent')?.checks.clear()
  return new oidc.Provider(issuer, {
    ...configuration(publicUrl, state, oidc.errors),
    clients: [
      {
        client_id: DEV_CLIENT_ID,
        client_secret: clientSecret,
        redirect_uris: devClientRedirects(publicUrl),
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    adapter,
    interactions: { policy, url: interactionUrl },
  })
}

const interactionUrl = (_ctx: unknown, { uid }: { readonly uid: string }): string => `${DEV_PREFIX}/interaction/${uid}`

/** On Node 20 it warns on the console that it would like a newer one; it is tested here on 20 and 24, so that line helps nobody. */
async function loadQuietly(): Promise<typeof import('oidc-provider')> {
  const { warn } = console
  console.warn = () => undefined
  try {
    return await import('oidc-provider')
  } finally {
    console.warn = warn
  }
}

function configuration(
  publicUrl: string,
  { key, cookieKeys }: DevState,
  { InvalidTarget }: Pick<typeof Errors, 'InvalidTarget'>,
): Configuration {
  const home = `${publicUrl}/mcp`
  const served = (resource: string): boolean =>
    resource.startsWith(publicUrl) &&
    resource === `${publicUrl}${endpointPath(slugOf(resource.slice(publicUrl.length)))}`
  const cookie = { path: DEV_PREFIX, sameSite: 'lax', httpOnly: true } as const
  return {
    jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256' }] },
    cookies: { keys: cookieKeys, long: cookie, short: cookie },
    // What a client that registers does not say: native, so that any loopback port and an editor's own scheme may be redirected to.
    clientDefaults: {
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
    },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    responseTypes: ['code'],
    scopes: SCOPES.split(' '),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      registration: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => home,
        useGrantedResource: () => true,
        // Every endpoint of this server is one resource server: the tenant is chosen by membership, not by the token.
        getResourceServerInfo: async (_ctx, resource) => {
          if (!served(resource)) throw new InvalidTarget('only the MCP endpoints of this server are served')
          return {
            scope: SCOPES,
            audience: home,
            accessTokenFormat: 'jwt',
            accessTokenTTL: DEV_TOKEN_TTL,
            jwt: { sign: { alg: 'ES256' } },
          }
        },
      },
    },
    ttl: {
      Session: DAY,
      Interaction: 600,
      Grant: 30 * DAY,
      IdToken: DEV_TOKEN_TTL,
      AccessToken: DEV_TOKEN_TTL,
      RefreshToken: 30 * DAY,
    },
    // There is no session to end with: who signs in is asked each time.
    expiresWithSession: () => false,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    // A browser client (the MCP inspector) may be served from any port of this machine; other origins were refused before.
    clientBasedCORS: () => true,
    pkce: { required: () => true },
    findAccount: async (_ctx, sub) => {
      const person = people.get(sub)
      return person && { accountId: sub, claims: async () => ({ sub, ...personClaims(person) }) }
    },
    extraTokenClaims: async (_ctx, token) => {
      const person = 'accountId' in token && token.accountId !== undefined ? people.get(token.accountId) : undefined
      return person && personClaims(person)
    },
    // Everything asked for is granted: there is no consent page to give it on.
    loadExistingGrant: async (ctx) => {
      const { client, session, provider, params } = ctx.oidc
      if (client === undefined || session?.accountId === undefined) return undefined
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope(SCOPES)
      for (const resource of [params?.['resource'] ?? home].flat())
        if (typeof resource === 'string') grant.addResourceScope(resource, SCOPES)
      await grant.save()
      return grant
    },
    renderError: async (ctx, out) => {
      const { headers, text } = devErrorPage(out.error_description ?? out.error)
      ctx.set({ ...headers })
      ctx.body = text
    },
  }
}
