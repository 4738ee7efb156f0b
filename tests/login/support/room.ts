import { createGuardedFetch } from '#base/fetch.ts'
import { uuidv7 } from '#base/id.ts'
import { createLog } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import { createClientAuthentication, type Parameters } from '#login/client-authentication.ts'
import type { Client } from '#login/client.ts'
import type { Refresh } from '#login/flow.ts'
import { createSeals, flowCookie, type Seals } from '#login/seals.ts'
import type { Upstream } from '#login/upstream.ts'
import { createUpstreams } from '#login/upstreams.ts'
import { createProviders } from '#providers/index.ts'
import { LOGIN_SECRET, people, startFakeProvider, type FakeProvider } from '../../support/fake-provider.ts'
import { configs, MCP_URL, NO_PROVIDERS, testClock, type TestClock } from '../../providers/support.ts'
import { challengeOf } from './journey.ts'

export const PUBLIC_URL = 'https://gatehouse.test'
export const VERIFIER = 'a-verifier-of-the-client-that-is-43-characters-long'
export const SECRETS = ['a session secret of the sign-in tests, 0123456789']

export const REQUEST = {
  client_id: 'a-client',
  redirect_uri: 'https://client.test/callback?keep=this',
  resource: MCP_URL,
  code_challenge: challengeOf(VERIFIER),
  state: 'of the client',
  scope: 'projects:read',
}

const CLIENT: Client = {
  client_id: REQUEST.client_id,
  name: 'A client',
  redirect_uris: [REQUEST.redirect_uri],
  kind: 'registered',
  token_endpoint_auth_method: 'none',
  jwks: null,
}

/** The sign-in room over one fake company whose people sign in, without HTTP and without a database. */
export interface Room {
  readonly fake: FakeProvider
  readonly company: ReturnType<FakeProvider['company']>
  readonly clock: TestClock
  readonly seals: Seals
  readonly upstreams: readonly Upstream[]
  readonly client: ReturnType<typeof createClientAuthentication>
  /** The provider's answer to the browser, for a flow of ours. */
  arrival(flow?: Partial<typeof FLOW>): Promise<{ query: Record<string, string>; jar: Map<string, string> }>
  close(): Promise<void>
}

export const FLOW = {
  request: REQUEST,
  provider: 'company',
  state: 'our-state',
  nonce: 'our-nonce',
  code_verifier: 'a-verifier-of-ours-towards-the-provider-43-long',
}

export async function openRoom(clients: readonly Client[] = [CLIENT]): Promise<Room> {
  const clock = testClock()
  const fake = await startFakeProvider({ clock })
  const fetching = createGuardedFetch({ allowPrivate: true })
  const company = fake.company({ path: 'company' })
  company.signIn.person(people.alice)
  const parts = { fetch: fetching, clock, log: createLog('silent') }
  const login = { clientId: 'gatehouse-client', clientSecret: LOGIN_SECRET }
  const other = fake.company({ path: 'other' })
  other.signIn.person(people.alice)
  const providers = createProviders({
    config: {
      providers: {
        ...NO_PROVIDERS,
        oidc: [
          { ...configs.oidc(company.iss), id: 'company', login },
          { ...configs.oidc(other.iss), id: 'other', login },
        ],
      },
      production: false,
    },
    mcpUrl: MCP_URL,
    keyLookup: async () => null,
    ...parts,
  })
  const upstreams = createUpstreams({ providers, scopes: [], ...parts })
  const seals = createSeals({ secrets: SECRETS, issuer: PUBLIC_URL, clock })
  return {
    fake,
    company,
    clock,
    seals,
    upstreams,
    client: createClientAuthentication({
      clients: async (client_id) => {
        const found = clients.find((one) => one.client_id === client_id)
        if (found === undefined) throw new Refusal('client_invalid', { detail: 'unknown' })
        return found
      },
      assertion: async (assertion) => {
        if (assertion !== 'signed') throw new Refusal('client_invalid', { detail: 'not signed' })
      },
    }),
    async arrival(change = {}) {
      const flow = { ...FLOW, ...change }
      const upstream = upstreams.find(({ id }) => id === flow.provider)
      if (upstream === undefined) throw new Error(`no ${flow.provider}`)
      const redirect_uri = `${PUBLIC_URL}/oauth/callback/${flow.provider}`
      const answer = await fetch(await upstream.authorizationUrl({ ...flow, redirect_uri }), { redirect: 'manual' })
      const { searchParams } = new URL(answer.headers.get('location') ?? '')
      const jar = new Map([[flowCookie(PUBLIC_URL, flow.state), seals.flow.seal(flow)]])
      return { query: Object.fromEntries(searchParams), jar }
    },
    async close() {
      await fetching.close()
      await fake.close()
    },
  }
}

export const NOBODY = { ip: '127.0.0.1' }

export const codeForm = (code: string, change: Parameters = {}): Parameters => ({
  grant_type: 'authorization_code',
  code,
  client_id: REQUEST.client_id,
  redirect_uri: REQUEST.redirect_uri,
  code_verifier: VERIFIER,
  resource: REQUEST.resource,
  ...change,
})

/** How it ended: a refusal's code, or 'done'. Any other error is a bug and stays one. */
export async function ending(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt
    return 'done'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

/** A sign-in a moment ago: what its first refresh token holds. */
export async function signedInAt({ upstreams, clock }: Room, change: Partial<Refresh> = {}): Promise<Refresh> {
  const [upstream] = upstreams
  if (upstream === undefined) throw new Error('nobody to sign in with')
  const redirect_uri = `${PUBLIC_URL}/oauth/callback/company`
  const asked = { redirect_uri, state: 's', nonce: 'n', code_verifier: VERIFIER }
  const answer = await fetch(await upstream.authorizationUrl(asked), { redirect: 'manual' })
  const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const { identity, refresh_token } = await upstream.redeem({ ...asked, code })
  return {
    family: uuidv7(),
    generation: 0,
    client_id: REQUEST.client_id,
    resource: REQUEST.resource,
    provider: 'company',
    iss: identity.iss,
    sub: identity.sub,
    signed_in: Math.floor(clock.now() / 1000),
    refresh_token: refresh_token ?? '',
    ...change,
  }
}
