import { expect } from 'vitest'
import { makeKey } from '../../identity/support/issuer.ts'
import { presented, type Expected, type Row } from '../answers.ts'
import { alice, AUDIENCE, GOOGLE_CLIENT, type Fragile, type World } from '../world.ts'
import type { Answer } from '../wire.ts'

/** security.md 3d: what providers and networks do. The order matters: the clock only goes forward. */
const of = async (world: World, name: Fragile, header: Record<string, unknown> = {}): Promise<string> =>
  await world.fragile[name].sign({ ...alice(world.fragile[name].iss), aud: AUDIENCE }, header)

const broken = (id: string, what: string, name: Fragile, more: Pick<Row, 'also'> = {}): Row =>
  presented(id, what, 'A4', async (world) => await of(world, name), { outbound: { atMost: 2 }, ...more })

/** An opaque token; `behaviour` is how the introspection endpoint answers meanwhile. */
const introspected = (
  id: string,
  what: string,
  answer: Expected,
  granted: Record<string, unknown>,
  behaviour: Parameters<World['fake']['behave']>[1] = 'ok',
): Row => ({
  id,
  what,
  answer,
  send: async (world) => {
    world.fake.behave('opaque/introspect', behaviour)
    const sent = await world.call(world.opaque.grantOpaque({ sub: 'alice-1', aud: AUDIENCE, ...granted }))
    world.fake.behave('opaque/introspect', 'ok')
    return sent
  },
  // The first of them asks for the discovery document too.
  outbound: { atMost: 2 },
})

const githubToken = (world: World, more: Partial<Parameters<World['fake']['github']['grant']>[0]> = {}): string =>
  world.fake.github.grant({ id: 13, login: 'x', emails: [], ...more })

const limitedGithub = (
  what: string,
  answer: { status: number; headers?: Record<string, string>; body: unknown },
  wait: string,
): Row => ({
  id: 'N13',
  what,
  answer: 'A4',
  send: async (world) => {
    const token = githubToken(world)
    world.fake.behave('github/check', answer)
    const refused = await world.call(token)
    world.fake.behave('github/check', 'ok')
    expect(refused.headers.get('retry-after')).toBe(wait)
    // It was no judgement, so nothing is remembered: known now, and of no tenant.
    expect((await world.call(token)).status).toBe(403)
    return refused
  },
  outbound: 3,
})

const all = async (world: World, tokens: readonly string[]): Promise<Answer[]> =>
  await Promise.all(tokens.map(async (token) => await world.call(token)))
const statuses = (answers: readonly Answer[]): number[] =>
  [...new Set(answers.map(({ status }) => status))].toSorted((a, b) => a - b)

const keptWhen = (what: string, behaviour: Parameters<World['fake']['behave']>[1]): Row => ({
  id: 'N7',
  what: `${what} after a good key set: the good one stays`,
  answer: 'served',
  send: async (world) => {
    world.fake.behave('emptied/jwks', behaviour)
    world.advance(31_000)
    // Makes it ask now.
    expect((await world.call(await of(world, 'emptied', { kid: `new-${what}` }))).status).toBe(503)
    return await world.call(await of(world, 'emptied'))
  },
  outbound: 1,
})

const notFollowed: Row['also'] = (_, world) =>
  expect(world.fake.questions.filter(({ path }) => path === '/redirected')).toEqual([])

export const provider: readonly Row[] = [
  {
    id: 'N1',
    what: '300 tokens with unknown kids: one request for keys',
    answer: 'A1',
    send: async (world) => {
      world.advance(31_000)
      const tokens = await Promise.all(
        Array.from({ length: 300 }, async (_, n) => await of(world, 'flood', { kid: `random-${n}` })),
      )
      let last: Answer | undefined
      for (let at = 0; at < tokens.length; at += 100) {
        const answers = await all(world, tokens.slice(at, at + 100))
        expect(statuses(answers)).toEqual([401])
        last = answers[0]
      }
      return last ?? (await world.call(''))
    },
    outbound: 1,
  },
  presented(
    'N1',
    'the issuer of those goes on serving good tokens',
    'served',
    async (world) => await of(world, 'flood'),
  ),
  {
    id: 'N3',
    what: 'no keys were ever had: attempts 1, 2, 4, 8 seconds apart, however many ask',
    answer: 'served',
    send: async (world) => {
      const { fake } = world
      const twenty = async (): Promise<number> => {
        const before = fake.hits('cold/jwks')
        const token = await of(world, 'cold')
        expect(statuses(await all(world, Array<string>(20).fill(token)))).toEqual([503])
        return fake.hits('cold/jwks') - before
      }
      const attempts = [await twenty()]
      for (const wait of [2_100, 4_100, 8_100]) {
        attempts.push(await twenty())
        world.advance(wait)
        attempts.push(await twenty())
      }
      expect(attempts).toEqual([1, 0, 1, 0, 1, 0, 1])
      fake.behave('cold/jwks', 'ok')
      world.advance(16_100)
      return await world.call(await of(world, 'cold'))
    },
    outbound: 5,
  },
  broken('N4', 'keys behind a redirect', 'redirect', { also: notFollowed }),
  broken('N5', 'a key set of 60 MB', 'huge'),
  broken('N5', 'a key set that unpacks to 60 MB', 'bomb'),
  broken('N5', 'a key set of 101 keys', 'crowd'),
  {
    id: 'N6',
    what: 'keys that come a byte each 100 ms: given up after 5 seconds, and nobody else waits',
    answer: 'A4',
    send: async (world) => {
      const started = performance.now()
      const slow = world.call(await of(world, 'trickle'))
      expect((await world.call(world.token())).status).toBe(200)
      expect(performance.now() - started).toBeLessThan(4_000)
      const answer = await slow
      expect(performance.now() - started).toBeLessThan(9_000)
      return answer
    },
    outbound: { atMost: 2 },
  },
  keptWhen('an empty key set', { status: 200, body: { keys: [] } }),
  keptWhen('HTML', 'html'),
  keptWhen('half a JSON document', 'garbage'),
  keptWhen('an object without keys', 'empty'),
  keptWhen('only keys that cannot be used', { status: 200, body: { keys: [{ kty: 'oct', k: 'x' }] } }),
  broken('N8', 'keys at a metadata service, by plain http', 'inward'),
  broken('C3', 'a discovery document of another issuer', 'namesake'),
  introspected('N9', 'active', 'served', {}),
  introspected('N9', 'active is "true"', 'A1', { active: 'true' }),
  introspected('N9', 'active is 1', 'A1', { active: 1 }),
  introspected('N9', 'no active', 'A1', { active: undefined }),
  introspected('N9', 'not active', 'A1', { active: false }),
  introspected('N9', 'an array', 'A4', {}, { status: 200, body: [{ active: true }] }),
  introspected('N9', 'HTML', 'A4', {}, 'html'),
  introspected('N9', 'status 500', 'A4', {}, 'error'),
  introspected('N9', 'a redirect', 'A4', {}, 'redirect'),
  introspected('N9', 'our own credentials refused', 'A4', {}, { status: 401, body: { error: 'invalid_client' } }),
  introspected('N10', 'another aud', 'A1', { aud: 'https://other.test' }),
  introspected('N10', 'no aud, and another client', 'A1', { aud: undefined, client_id: 'other' }),
  introspected('N10', 'another iss', 'A1', { iss: 'https://other.test' }),
  introspected('N10', 'a refresh token', 'A1', { token_type: 'refresh_token' }),
  introspected('N10', 'exp in the past', 'A1', { exp: 1 }),
  introspected('N10', 'exp is a string', 'A1', { exp: '9999999999' }),
  introspected('N10', 'nbf in the future', 'A1', { nbf: 9_999_999_999 }),
  introspected('N10', 'bound to a key', 'A1', { cnf: { jkt: 'x' } }),
  introspected('N10', 'no sub', 'A1', { sub: undefined }),
  introspected('N14', 'an answer of 60 MB', 'A4', {}, 'huge'),
  presented(
    'N11',
    'a token of Google for another client: userinfo is not even asked',
    'A1',
    (world) => world.fake.google.grant({ sub: 'n', aud: 'other' }),
    { outbound: 1 },
  ),
  presented(
    'N11',
    'a token that another client obtained for us',
    'A1',
    (world) => world.fake.google.grant({ sub: 'n', aud: GOOGLE_CLIENT }, { info: { azp: 'other' } }),
    { outbound: 1 },
  ),
  presented('N11', 'a token that Google does not know', 'A1', () => 'ya29.unknown', { outbound: 1 }),
  presented(
    'N12',
    'userinfo of somebody else',
    'A1',
    (world) =>
      world.fake.google.grant(
        { sub: 'n', aud: GOOGLE_CLIENT, email: 'n@acme.test', hd: 'acme.test' },
        { user: { sub: 'root' } },
      ),
    { outbound: 2 },
  ),
  presented('N11', 'a token of another GitHub app', 'A1', (world) => githubToken(world, { clientId: 'Iv1.other' }), {
    outbound: 1,
  }),
  presented('N11', 'a GitHub token that may write', 'A1', (world) => githubToken(world, { scopes: ['repo'] }), {
    outbound: 1,
  }),
  presented('N11', 'a personal token of GitHub', 'A1', (world) => githubToken(world, { prefix: 'ghp_' })),
  presented('N11', 'a fine-grained token of GitHub', 'A1', (world) => githubToken(world, { prefix: 'github_pat_' })),
  limitedGithub(
    'GitHub limits by 403',
    { status: 403, headers: { 'retry-after': '17' }, body: { message: 'secondary rate limit' } },
    '17',
  ),
  limitedGithub('GitHub limits by 429', { status: 429, headers: { 'retry-after': '7' }, body: {} }, '7'),
  {
    id: 'N15',
    what: '100 at once with one new token: one question',
    answer: 'served',
    send: async (world) => {
      const token = world.opaque.grantOpaque({ sub: 'alice-1', aud: AUDIENCE })
      const answers = await all(world, Array<string>(100).fill(token))
      expect(statuses(answers)).toEqual([200])
      return answers[0] ?? (await world.call(token))
    },
    outbound: 1,
  },
  {
    id: 'N16',
    what: '400 unknown tokens at once: at most 50 questions at a time, and who is known stays so',
    answer: 'served',
    send: async (world) => {
      const known = world.opaque.grantOpaque({ sub: 'alice-1', aud: AUDIENCE })
      expect((await world.call(known)).status).toBe(200)
      world.fake.behave('opaque/introspect', { slow: 30 })
      const answers = await all(
        world,
        Array.from({ length: 400 }, (_, n) => `garbage-${n}`),
      )
      world.fake.behave('opaque/introspect', 'ok')
      expect(statuses(answers).filter((status) => status !== 401 && status !== 503)).toEqual([])
      expect(world.fake.mostAtOnce('opaque/introspect')).toBeLessThanOrEqual(50)
      const before = world.fake.hits()
      const again = await world.call(known)
      expect(world.fake.hits()).toBe(before)
      return again
    },
    outbound: { atMost: 401 },
  },
  {
    id: 'N2',
    what: 'keys that cannot be fetched any more: held for an hour, then 503',
    answer: 'A4',
    send: async (world) => {
      world.fake.behave('held/jwks', 'error')
      for (let minutes = 0; minutes < 50; minutes += 10) {
        world.advance(600_000)
        expect((await world.call(await of(world, 'held'))).status).toBe(200)
      }
      world.advance(660_000)
      return await world.call(await of(world, 'held'))
    },
    outbound: { atMost: 8 },
  },
  presented(
    'J22',
    'the key that left the set is no key any more',
    'A1',
    async (world) => {
      const token = await of(world, 'flood')
      await world.fragile.flood.serveKeys([makeKey('next', 'ES256').jwk])
      world.advance(31_000)
      // The keys are 61 minutes old by now, so this fetches them.
      return token
    },
    { outbound: { atMost: 2 } },
  ),
]
