import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCallback, type Callback } from '#login/callback.ts'
import { createSeals, flowCookie } from '#login/seals.ts'
import { FLOW, PUBLIC_URL, REQUEST, SECRETS, ending, openRoom, type Room } from './support/room.ts'

let room: Room
let callback: Callback
beforeAll(async () => {
  room = await openRoom()
  callback = createCallback({ publicUrl: PUBLIC_URL, upstreams: room.upstreams, seals: room.seals })
})
afterAll(async () => await room.close())

const arrive = async (
  query: Readonly<Record<string, unknown>>,
  jar: ReadonlyMap<string, string>,
  provider = 'company',
): Promise<string> => await callback.arrive({ provider, query, cookie: (name) => jar.get(name) })

test('D24: with the cookie of this browser the client gets our code, its own state and our iss', async () => {
  const { query, jar } = await room.arrival()
  const location = await arrive(query, jar)
  expect(location.startsWith(`${REQUEST.redirect_uri}&`)).toBe(true)
  const answer = new URL(location).searchParams
  expect(Object.fromEntries(answer)).toMatchObject({ keep: 'this', state: 'of the client', iss: PUBLIC_URL })
  const code = answer.get('code') ?? ''
  expect(code).not.toContain(query['code'] ?? 'nothing')
  expect(room.seals.code.open(code)).toMatchObject({ provider: 'company', code: query['code'], nonce: FLOW.nonce })
  expect(room.fake.hits('company/token')).toBe(0)
})

test('D24: a client that sent no state gets none', async () => {
  const { query, jar } = await room.arrival({ request: { ...REQUEST, state: '' } })
  expect(new URL(await arrive(query, jar)).searchParams.has('state')).toBe(false)
})

test('D24: without the cookie, with an empty one, a changed one or another flow there is no redirect', async () => {
  const { query, jar } = await room.arrival()
  const name = flowCookie(PUBLIC_URL, FLOW.state)
  const sealed = jar.get(name) ?? ''
  const foreign = createSeals({
    secrets: ['another secret of another server 0123456'],
    issuer: PUBLIC_URL,
    clock: room.clock,
  })
  const jars: Record<string, Map<string, string>> = {
    'no cookie': new Map(),
    'an empty cookie': new Map([[name, '']]),
    'a changed cookie': new Map([[name, `${sealed.slice(0, -2)}AA`]]),
    'a cookie of another secret': new Map([[name, foreign.flow.seal(FLOW)]]),
    'a flow of another state under this name': new Map([[name, room.seals.flow.seal({ ...FLOW, state: 'other' })]]),
    'a code instead of a flow': new Map([
      [name, room.seals.code.seal({ ...FLOW, request: { ...REQUEST, state: undefined } as never, code: 'x' })],
    ]),
  }
  for (const [what, cookies] of Object.entries(jars))
    expect(await ending(arrive(query, cookies)), what).toBe('sign_in_lost')
})

test('D24: a flow is over after ten minutes', async () => {
  const { query, jar } = await room.arrival()
  room.clock.advance(599_000)
  expect(await ending(arrive(query, jar))).toBe('done')
  room.clock.advance(2_000)
  expect(await ending(arrive(query, jar))).toBe('sign_in_lost')
})

test('D24: mix-up: another provider in the path, another iss, no iss where one is promised', async () => {
  const { query, jar } = await room.arrival()
  const { iss = '', ...without } = query
  expect(iss).toBe(room.company.iss)
  expect(await ending(arrive(query, jar, 'other'))).toBe('sign_in_lost')
  expect(await ending(arrive(query, jar, 'google'))).toBe('sign_in_lost')
  expect(await ending(arrive({ ...query, iss: `${iss}/` }, jar))).toBe('sign_in_lost')
  expect(await ending(arrive({ ...query, iss: iss.replace('company', 'other') }, jar))).toBe('sign_in_lost')
  expect(await ending(arrive({ ...query, iss: '' }, jar))).toBe('sign_in_lost')
  expect(await ending(arrive(without, jar))).toBe('sign_in_lost')
  expect(await ending(arrive({ ...without, error: 'access_denied' }, jar))).toBe('sign_in_lost')
})

test('nothing may come twice (B8), and neither a code nor an error is nothing', async () => {
  const { query, jar } = await room.arrival()
  for (const name of ['code', 'state', 'iss', 'error'])
    expect(await ending(arrive({ ...query, [name]: ['a', 'b'] }, jar)), name).toBe('authorization_malformed')
  const { code: _, ...rest } = query
  expect(await ending(arrive(rest, jar))).toBe('sign_in_lost')
  expect(await ending(arrive({ ...query, code: 'x'.repeat(5000) }, jar))).toBe('sign_in_lost')
  expect(await ending(arrive({}, jar))).toBe('sign_in_lost')
})

test("a provider's error goes to the client in our own words (B7)", async () => {
  const { query, jar } = await room.arrival()
  const { code: _, ...rest } = query
  const words = {
    access_denied: 'access_denied',
    login_required: 'access_denied',
    temporarily_unavailable: 'temporarily_unavailable',
    server_error: 'server_error',
    invalid_scope: 'server_error',
    '<script>alert(1)</script>': 'server_error',
  }
  for (const [error, told] of Object.entries(words)) {
    const location = await arrive({ ...rest, error, error_description: '<script>alert(2)</script>' }, jar)
    const { searchParams } = new URL(location)
    expect(searchParams.get('error'), error).toBe(told)
    expect(searchParams.get('state')).toBe('of the client')
    expect(searchParams.get('iss')).toBe(PUBLIC_URL)
    expect(location).not.toContain('alert')
  }
  // A code beside an error is not used.
  expect(new URL(await arrive({ ...query, error: 'access_denied' }, jar)).searchParams.has('code')).toBe(false)
})

test('D24: the cookie to delete is the one of this state, with prefix only on https', () => {
  expect(callback.cookieOf({ state: 'a' })).toMatch(/^__Host-gh_flow_[\w-]{22}$/)
  expect(flowCookie('http://127.0.0.1:3000', 'a')).toMatch(/^gh_flow_[\w-]{22}$/)
  expect(callback.cookieOf({ state: 'a' })).not.toBe(callback.cookieOf({ state: 'b' }))
  for (const state of [undefined, '', ['a', 'b']]) expect(callback.cookieOf({ state })).toBeNull()
  expect(SECRETS).toHaveLength(1)
})
