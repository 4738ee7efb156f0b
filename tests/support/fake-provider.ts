import { systemClock, type Clock } from '#base/clock.ts'
import { addGithub, type FakeGithub } from './fake-provider/github.ts'
import { addGoogle, type FakeGoogle } from './fake-provider/google.ts'
import { addIssuer, type FakeIssuer, type IssuerOptions } from './fake-provider/issuer.ts'
import { startFakeServer, type FakeServer } from './fake-provider/server.ts'

export { GITHUB_CLIENT } from './fake-provider/github.ts'
export { INTROSPECTOR, type Claims, type FakeIssuer } from './fake-provider/issuer.ts'

/** People the tests share. Their `sub` is the same at every fake issuer. */
export const people = {
  alice: { sub: 'alice-1', email: 'alice@acme.test', email_verified: true, name: 'Alice Archer' },
  bob: { sub: 'bob-1', email: 'bob@globex.test', email_verified: true, name: 'Bob Brown' },
} as const

export interface FakeProvider extends FakeServer {
  readonly google: FakeGoogle
  readonly github: FakeGithub
  /** Stands for `https://acme.eu.auth0.com/`, RS256, with its keys and userinfo here (`auth0/jwks`, `auth0/userinfo`). */
  readonly auth0: FakeIssuer
  /** What `createProviders` takes as `endpoints`, so that Google, Auth0 and GitHub are asked here. */
  readonly endpoints: {
    readonly google: { readonly jwks: string; readonly tokeninfo: string; readonly userinfo: string }
    readonly auth0: { readonly jwks: string; readonly userinfo: string }
    readonly github: { readonly api: string }
  }
  /** Another OpenID issuer on the same server; `path` is its name, for example `oidc` or `entra/<tid>/v2.0`. */
  issuer(options: IssuerOptions): FakeIssuer
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
  return {
    ...server,
    google,
    auth0,
    github,
    endpoints: {
      google: { jwks: google.jwksUri, tokeninfo: `${server.url}/tokeninfo`, userinfo: `${server.url}/v1/userinfo` },
      auth0: { jwks: auth0.jwksUri, userinfo: `${auth0.url}/userinfo` },
      github: { api: server.url },
    },
    issuer: (options) => addIssuer(server, clock, options),
  }
}
