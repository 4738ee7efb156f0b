import { expect, test } from 'vitest'
import { Refusal } from '#base/refusal.ts'
import { DatabaseUnavailable, type Database } from '#db/database.ts'
import type { Identity } from '#identity/identity.ts'
import { createSessionCutoffs } from '#login/session-cutoffs.ts'
import { createSessionFlows } from '#login/session-flow.ts'
import { createSessions, sessionIdentity } from '#login/session.ts'
import type { Upstream } from '#login/upstream.ts'

const MINUTE = 60_000
const SECRETS = ['a session secret of more than 32 characters']
const PUBLIC_URL = 'https://gatehouse.test'

const ALICE: Identity = {
  provider: 'google',
  iss: 'https://accounts.google.com',
  sub: '109876543210',
  client_id: 'gatehouse',
  scopes: null,
  exp: 1,
  iat: 1,
  email: 'alice@acme.test',
  email_verified: true,
  email_authority: 'live',
  name: 'Alice',
  picture: 'https://pictures.test/alice',
  organization: { kind: 'hd', value: 'acme.test' },
  key: null,
  tenant: null,
  claims: { secret: 'not for a cookie' },
}

function sessionsAt(start = 1_800_000_000_000) {
  const clock = { at: start, now: (): number => clock.at }
  return { clock, sessions: createSessions({ secrets: SECRETS, publicUrl: PUBLIC_URL, clock }) }
}

test('a session keeps of an identity what a membership can rest on, and nothing else of the token', () => {
  const { sessions } = sessionsAt()
  const session = sessions.begin(ALICE, null)
  const opened = sessions.open(sessions.seal(session))
  expect(opened).toEqual(session)
  const { provider, iss, sub, email, email_verified, email_authority, name, organization, tenant, scopes } = ALICE
  const kept = { provider, iss, sub, email, email_verified, email_authority, name, organization, tenant, scopes }
  expect(sessionIdentity(session)).toEqual({
    ...kept,
    client_id: null,
    exp: null,
    iat: 1_800_000_000,
    picture: null,
    key: null,
    claims: {},
  })
})

test('no two sessions have one id, and a sealed one of long names fits into a cookie', () => {
  const { sessions } = sessionsAt()
  const ids = Array.from({ length: 50 }, () => sessions.begin(ALICE, null).id)
  expect(new Set(ids).size).toBe(50)
  const long = { ...ALICE, iss: `https://${'i'.repeat(240)}`, sub: 's'.repeat(255), name: 'ä'.repeat(256) }
  const sealed = sessions.seal(sessions.begin({ ...long, email: `${'e'.repeat(300)}@acme.test` }, null))
  expect(sealed.length).toBeLessThan(4000)
})

test('D31: a sign-in is fresh for five minutes, and only if the provider was told to ask or says when it did', () => {
  const { clock, sessions } = sessionsAt()
  const now = clock.now()
  const statedAt = (at: number): Identity => ({ ...ALICE, claims: { auth_time: at / 1000 } })
  const freshFor = (identity: Identity, asked: number | null): boolean[] => {
    clock.at = now
    const session = sessions.begin(identity, asked)
    return [0, 5 * MINUTE - 1, 5 * MINUTE].map((later) => {
      clock.at = now + later
      return sessions.fresh(session)
    })
  }
  expect(freshFor(ALICE, null)).toEqual([false, false, false])
  expect(freshFor(ALICE, now - 30_000)).toEqual([true, true, false])
  expect(freshFor(statedAt(now), null)).toEqual([true, true, false])
  // It was told to ask and did not: what it says counts.
  expect(freshFor(statedAt(now - 5 * MINUTE), now)).toEqual([false, false, false])
  // A clock that is ahead gives no longer time.
  expect(freshFor(statedAt(now + 60 * MINUTE), null)).toEqual([true, true, false])
  expect(freshFor({ ...ALICE, claims: { auth_time: 'now' } }, null)).toEqual([false, false, false])
})

const upstream = (over: Partial<Upstream> = {}): { asked: string[]; upstream: Upstream } => {
  const asked: string[] = []
  return {
    asked,
    upstream: {
      id: 'google',
      label: 'Google',
      issuer: 'https://accounts.google.com',
      assertIssuer: async () => void asked.push('issuer'),
      authorizationUrl: async ({ state }) => `https://accounts.google.com/authorize?state=${state}`,
      redeem: async ({ code, redirect_uri }) => {
        asked.push(`redeem ${code} ${redirect_uri}`)
        return { token: 'token', identity: ALICE, refresh_token: null, expires_in: 60 }
      },
      refresh: async () => await Promise.reject(new Error('nobody asks for that')),
      revoke: async () => await Promise.reject(new Error('nobody asks for that')),
      ...over,
    },
  }
}

const flowsOf = (...upstreams: readonly Upstream[]) =>
  createSessionFlows({ publicUrl: PUBLIC_URL, secrets: SECRETS, clock: { now: () => Date.now() }, upstreams })

test('D24: nothing is asked of the provider until everything that can be judged here was', async () => {
  const google = upstream()
  const other = upstream({ id: 'github' })
  const flows = flowsOf(google.upstream, other.upstream)
  const begun = await flows.begin({ provider: 'google', return_to: '/console', fresh: false })
  const state = new URL(begun.url).searchParams.get('state') ?? ''
  const second = await flows.begin({ provider: 'google', return_to: '/console', fresh: false })
  const arrival = { state, code: 'code', iss: null, error: null }
  for (const [provider, given, sealed] of [
    ['github', arrival, begun.sealed],
    ['nobody', arrival, begun.sealed],
    ['google', arrival, ''],
    ['google', arrival, second.sealed],
    ['google', { ...arrival, state: 'other' }, begun.sealed],
  ] as const)
    await expect(flows.finish(provider, given, sealed)).rejects.toThrow('sign_in_lost')
  expect([google.asked, other.asked]).toEqual([[], []])
  expect(await flows.finish('google', arrival, begun.sealed)).toEqual({
    identity: ALICE,
    return_to: '/console',
    asked: null,
  })
  expect(google.asked).toEqual(['issuer', `redeem code ${PUBLIC_URL}/console/callback/google`])
})

test('an answer of another issuer is no answer, also when it is an error', async () => {
  const { upstream: google } = upstream({
    assertIssuer: async () => {
      throw new Refusal('sign_in_lost')
    },
  })
  const flows = flowsOf(google)
  const begun = await flows.begin({ provider: 'google', return_to: '/console', fresh: true })
  const state = new URL(begun.url).searchParams.get('state') ?? ''
  const arrival = { state, code: null, iss: 'https://evil.test', error: 'access_denied' }
  await expect(flows.finish('google', arrival, begun.sealed)).rejects.toThrow('sign_in_lost')
})

test('over https the cookie of a sign-in is bound to the host', () => {
  expect(flowsOf().cookie('state')).toMatch(/^__Host-gh_console_[\w-]{22}$/)
})

test('without the database nobody can say that a session was not ended: 503, not signed in', async () => {
  const gone = async (): Promise<never> => await Promise.reject(new DatabaseUnavailable('gone'))
  const database = { control: gone } as unknown as Database
  const { clock, sessions } = sessionsAt()
  const session = sessions.begin(ALICE, null)
  const from = { requestId: 'request', ip: null }
  const unready = { control: async () => await Promise.reject(new Error('there is no such table yet')) }
  const notYet = createSessionCutoffs({
    database: unready as unknown as Database,
    clock,
    ready: () => false,
    auditKey: Buffer.alloc(32),
  })
  await expect(notYet.isCut(session)).rejects.toThrow('database_unavailable')
  const cutoffs = createSessionCutoffs({ database, clock, ready: () => true, auditKey: Buffer.alloc(32) })
  for (const work of [
    async () => await cutoffs.isCut(session),
    async () => await cutoffs.cut(session, from),
    async () => await cutoffs.began(session, from),
  ])
    await expect(work()).rejects.toThrow('database_unavailable')
})
