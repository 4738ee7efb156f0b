import { systemClock, type Clock } from '#base/clock.ts'
import { addGithub, GITHUB_CLIENT, type FakeGithub } from './fake-provider/github.ts'
import { addGoogle, type FakeGoogle } from './fake-provider/google.ts'
import { addIssuer, type FakeIssuer, type IssuerOptions } from './fake-provider/issuer.ts'
import { startFakeServer, type FakeServer } from './fake-provider/server.ts'
import { addSignIn, openidMint, type FakeSignIn, type SignInOptions } from './fake-provider/sign-in.ts'

export { GITHUB_CLIENT } from './fake-provider/github.ts'
export { INTROSPECTOR, type Claims, type FakeIssuer } from './fake-provider/issuer.ts'

/** People the tests share. Their `sub` is the same at every fake issuer. */
export const people = {
  alice: { sub: 'alice-1', email: 'alice@acme.test', email_verified: true, name: 'Alice Archer' },
  bob: { sub: 'bob-1', email: 'bob@globex.test', email_verified: true, name: 'Bob Brown' },
} as const

/** Our client at every fake: where a provider has a client id of its own form, the tests' configuration says it. */
export const LOGIN_SECRET = 'the-secret-of-our-client'
/** Client ids that may sign people in, GitHub's aside. */
const LOGIN_CLIENTS = ['gatehouse-client', '1234-gatehouse.apps.googleusercontent.com', 'another-client'] as const

export interface FakeProvider extends FakeServer {
  readonly google: FakeGoogle & { readonly signIn: FakeSignIn }
  readonly github: FakeGithub & { readonly signIn: FakeSignIn }
  /** Stands for `https://acme.eu.auth0.com/`, RS256, with its keys and userinfo here (`auth0/jwks`, `auth0/userinfo`). */
  readonly auth0: FakeIssuer & { readonly signIn: FakeSignIn }
  /** What `createProviders` takes as `endpoints`, so that Google, Auth0 and GitHub are asked here. */
  readonly endpoints: {
    readonly google: {
      readonly jwks: string
      readonly tokeninfo: string
      readonly userinfo: string
      readonly login: Login
    }
    readonly auth0: { readonly jwks: string; readonly userinfo: string; readonly login: Login }
    readonly github: { readonly api: string; readonly web: string }
  }
  /** Another OpenID issuer on the same server; `path` is its name, for example `oidc` or `entra/<tid>/v2.0`. */
  issuer(options: IssuerOptions): FakeIssuer
  /** The same with people who sign in there; it promises `iss` (RFC 9207) and offers offline_access. */
  company(options: IssuerOptions): FakeIssuer & { readonly signIn: FakeSignIn }
}

interface Login {
  readonly authorization: string
  readonly token: string
  readonly revocation: string
  readonly jwks: null
}

/**
 * Every sign-in provider we know, on one loopback port: real HTTP, real keys, real signatures, and on demand every failure
 * that a real one will not produce (`behave`), with a counter per endpoint (`hits`).
 *
 *     const fake = await startFakeProvider()
 *     const oidc = fake.issuer({ path: 'oidc' })
 *     const token = await oidc.sign({ ...people.alice, aud: 'https://gatehouse.test/mcp' })
 *     fake.behave('oidc/jwks', 'error')
 *     await fake.close()
 */
export async function startFakeProvider({
  clock = systemClock,
}: { readonly clock?: Clock } = {}): Promise<FakeProvider> {
  const server = await startFakeServer()
  const google = addGoogle(server, clock)
  const auth0 = addIssuer(server, clock, {
    path: 'auth0',
    iss: 'https://acme.eu.auth0.com/',
    jwksPath: '/auth0/.well-known/jwks.json',
    algorithm: 'RS256',
  })
  const github = addGithub(server)
  const clients = Object.fromEntries(LOGIN_CLIENTS.map((id) => [id, LOGIN_SECRET]))
  const at = (path: string): Pick<SignInOptions, 'path' | 'authorize' | 'token' | 'revoke' | 'clients'> => ({
    path,
    authorize: `/${path}/authorize`,
    token: `/${path}/token`,
    revoke: `/${path}/revoke`,
    clients,
  })
  const login = (path: string): Login => ({
    authorization: `${server.url}/${path}/authorize`,
    token: `${server.url}/${path}/token`,
    revocation: `${server.url}/${path}/revoke`,
    jwks: null,
  })
  const googleSignIn = addSignIn(server, {
    ...at('google'),
    iss: null,
    refresh: 'lasting',
    mint: openidMint(google, ({ person, client_id }) => google.grant({ aud: client_id, sub: person.sub })),
  })
  const auth0SignIn = addSignIn(server, {
    ...at('auth0'),
    iss: null,
    refresh: 'rotating',
    mint: openidMint(
      auth0,
      async ({ person, audience, client_id, scope }) =>
        await auth0.sign({ ...person, aud: audience ?? undefined, azp: client_id, scope }),
    ),
  })
  const githubSignIn = addSignIn(server, {
    path: 'github',
    authorize: '/login/oauth/authorize',
    token: '/login/oauth/access_token',
    revoke: null,
    clients: { [GITHUB_CLIENT.clientId]: GITHUB_CLIENT.clientSecret },
    iss: null,
    refresh: 'none',
    errors: 'github',
    mint: async ({ person, scope }) => ({
      access_token: github.grant({
        id: Number(person.sub),
        login: 'octo',
        emails: [{ email: String(person['email']), primary: true, verified: true }],
        scopes: scope.split(' '),
      }),
      scope: scope.replaceAll(' ', ','),
    }),
  })
  return {
    ...server,
    google: { ...google, signIn: googleSignIn },
    auth0: { ...auth0, signIn: auth0SignIn },
    github: { ...github, signIn: githubSignIn },
    endpoints: {
      google: {
        jwks: google.jwksUri,
        tokeninfo: `${server.url}/tokeninfo`,
        userinfo: `${server.url}/v1/userinfo`,
        login: login('google'),
      },
      auth0: { jwks: auth0.jwksUri, userinfo: `${auth0.url}/userinfo`, login: login('auth0') },
      github: { api: server.url, web: `${server.url}/login/oauth` },
    },
    issuer: (options) => addIssuer(server, clock, options),
    company(options) {
      const issuer = addIssuer(server, clock, {
        ...options,
        metadata: {
          revocation_endpoint: `${server.url}/${options.path}/revoke`,
          authorization_response_iss_parameter_supported: true,
          scopes_supported: ['openid', 'email', 'profile', 'offline_access'],
          ...options.metadata,
        },
      })
      const signIn = addSignIn(server, {
        ...at(options.path),
        iss: issuer.iss,
        refresh: 'rotating',
        mint: openidMint(
          issuer,
          async ({ person, resource, audience, client_id, scope }) =>
            await issuer.sign(
              { ...person, aud: resource ?? audience ?? issuer.iss, client_id, scope },
              { typ: 'at+jwt' },
            ),
        ),
      })
      return { ...issuer, signIn }
    },
  }
}
