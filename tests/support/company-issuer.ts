import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Configuration } from 'oidc-provider'

/** By subject; the page of the issuer has a button for each. */
type People = Readonly<Record<string, { readonly email: string; readonly name: string }>>

/** People of two companies. */
const PEOPLE: People = {
  alice: { email: 'alice@acme.test', name: 'Alice Archer' },
  bob: { email: 'bob@globex.test', name: 'Bob Brown' },
}

export interface CompanyIssuer {
  /** Of its discovery document; plain http on loopback. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** What Gatehouse is configured with to sign people in there. */
  readonly env: Readonly<Record<string, string>>
  /** Requests to its token endpoint so far. */
  tokenRequests(): number
  close(): Promise<void>
}

/**
 * A company's own OpenID issuer: the certified `oidc-provider`, as a Keycloak or Okta would stand there. It registers nobody: there is
 * one confidential client, Gatehouse. Its sign-in page has one button per person (`account`), works without JavaScript, and asks each time.
 */
export async function startCompanyIssuer({
  publicUrl,
  rotates = true,
  people = PEOPLE,
}: {
  /** Of the Gatehouse that signs people in there; its callbacks are registered. */
  readonly publicUrl: string | readonly string[]
  /** Does each refresh give a new refresh token and end the old one? */
  readonly rotates?: boolean
  /** Who has an account there. */
  readonly people?: People
}): Promise<CompanyIssuer> {
  let tokenRequests = 0
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined
  const server = createServer((request, response) => handle(request, response))
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const clientId = 'gatehouse'
  const clientSecret = 'a-secret-of-the-company-issuer-0123456789'

  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const configuration: Configuration = {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [publicUrl]
          .flat()
          .flatMap((url) => [`${url}/oauth/callback/oidc`, `${url}/console/callback/oidc`]),
        response_types: ['code'],
      },
    ],
    cookies: { keys: ['only-for-this-test'] },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'company', use: 'sig', alg: 'RS256' }] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    scopes: ['openid', 'offline_access', 'email', 'profile'],
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    interactions: { url: (_ctx, { uid }) => `/sign-in/${uid}` },
    issueRefreshToken: async (_ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    rotateRefreshToken: rotates,
    pkce: { required: () => true },
    ttl: { AccessToken: 3600, IdToken: 3600, RefreshToken: 86_400, Session: 600, Interaction: 600, Grant: 86_400 },
    findAccount: async (_ctx, sub) => {
      const person = people[sub]
      return person && { accountId: sub, claims: async () => ({ sub, ...person, email_verified: true }) }
    },
  }
  // It warns of the Node version and of keeping its state in memory; both are meant here.
  const { warn } = console
  console.warn = () => undefined
  const { Provider } = await import('oidc-provider')
  const provider = new Provider(issuer, configuration)
  console.warn = warn
  const serve = provider.callback()

  async function interaction(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params } = await provider.interactionDetails(request, response)
    if (prompt.name === 'consent') {
      const { accountId } = (await provider.interactionDetails(request, response)).session ?? {}
      const grant = new provider.Grant({ clientId, ...(accountId === undefined ? {} : { accountId }) })
      grant.addOIDCScope(typeof params['scope'] === 'string' ? params['scope'] : '')
      const consent = { grantId: await grant.save() }
      await provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true })
      return
    }
    if (request.method !== 'POST') {
      const buttons = Object.entries(people).map(
        ([sub, { name }]) => `<button name="account" value="${sub}">${name}</button>`,
      )
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end(
        `<!doctype html><html lang="en"><title>The company</title><h1>Sign in at the company</h1><form method="post" action="${request.url}">${buttons.join('')}<button name="account" value="">Cancel</button></form></html>`,
      )
      return
    }
    let body = ''
    for await (const piece of request) body += String(piece)
    const accountId = new URLSearchParams(body).get('account') ?? ''
    const result =
      accountId in people
        ? { login: { accountId } }
        : { error: 'access_denied', error_description: 'The person said no.' }
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
  }

  handle = (request, response) => {
    if (request.url === '/token') tokenRequests += 1
    if (request.url?.startsWith('/sign-in/') !== true) {
      void serve(request, response)
      return
    }
    interaction(request, response).catch((error: unknown) => {
      response.statusCode = 500
      response.end(String(error))
    })
  }

  return {
    issuer,
    clientId,
    clientSecret,
    env: {
      OIDC_ISSUER: issuer,
      OIDC_AUDIENCE: clientId,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
      OIDC_DOMAINS: '*',
    },
    tokenRequests: () => tokenRequests,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
