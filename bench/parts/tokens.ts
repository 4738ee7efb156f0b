import { alternate, columns, jobOf, type Case, type Subject } from '../alternate.ts'
import { AUDIENCE, sharedToken, type Algorithm } from '../issuer.ts'
import type { Slice } from '../load.ts'
import type { Row } from '../row.ts'
import { spread } from '../statistics.ts'
import { ORDER_CALL } from './http.ts'
import type { Part } from './part.ts'

const PERSON = { sub: 'alice', email: 'alice@acme.test', email_verified: true }

/** So many tokens of one person, one a line; each is another token. */
const manyTokens = (count: number, token: (jti: string) => string): string =>
  Array.from({ length: count }, (_, index) => token(`j${index}`)).join('\n')

/** 100,000 tokens at random against one: more than the cache of verified tokens holds. */
export const tokens: Part = async ({ world, generator, pace, tokens }) => {
  const made = manyTokens(tokens, (jti) => world.issuer.token('ES256', { ...PERSON, jti }))
  const file = await world.file('many-tokens', made)
  const server = await world.gatehouse()
  const one = world.issuer.token('ES256', PERSON)
  const base: Case = {
    id: 'one-token',
    title: 'Gatehouse, one ES256 token',
    subject: async () => ({ server, call: ORDER_CALL, token: one }),
  }
  const many: Case = {
    id: 'many-tokens',
    title: `Gatehouse, ${tokens.toLocaleString('en')} ES256 tokens at random`,
    subject: async () => ({ server, call: ORDER_CALL, token: { file } }),
  }
  return [...(await alternate(generator, base, [many], pace)).values()].map(({ row }) => row)
}

/** So many tokens make one cold slice; it ends when each was sent once. */
const COLD = 6_000
const COLD_ROUNDS = 3

/**
 * What a token costs the first time and later: microseconds of the server's processor for a whole call, so that the difference is the
 * verification and all that comes with somebody new. API keys are warm only: nobody has thousands of them.
 */
export const verification: Part = async ({ world, generator, pace }) => {
  const server = await world.gatehouse()
  const signed = (algorithm: Algorithm) => (jti: string) => world.issuer.token(algorithm, { ...PERSON, jti })
  const subject = (token: Subject['token']): Subject => ({ server, call: ORDER_CALL, token })
  const row = (id: string, title: string, slices: readonly Slice[]): Row => {
    const figure = { ...spread(slices.map(({ cpu }) => cpu ?? Number.NaN)), unit: 'us' as const }
    return { id: `token-${id}`, title, of: 'CPU of a whole call', better: 'less', figure, ...columns(slices) }
  }
  const warm = async (id: string, title: string, token: string): Promise<Row> => {
    const slices = []
    for (let round = 0; round < pace.rounds; round++)
      slices.push(await generator.run(jobOf(subject(token), pace.seconds)))
    return row(`${id}-warm`, `${title}, the same token`, slices)
  }
  const cold = async (id: string, title: string, make: (jti: string) => string): Promise<Row> => {
    const slices = []
    for (let round = 0; round < Math.min(COLD_ROUNDS, pace.rounds); round++) {
      const made = manyTokens(COLD, (jti) => make(`${round}-${jti}`))
      const token = { file: await world.file(`cold-${id}`, made), once: true }
      slices.push(await generator.run(jobOf(subject(token), pace.seconds, 0)))
    }
    return row(`${id}-cold`, `${title}, each token new`, slices)
  }
  const shared = (jti: string): string =>
    sharedToken(world.secret, { iss: world.sharedIssuer, aud: AUDIENCE, tenant: 'acme', sub: 'carol', jti })
  const kinds = [
    ['rs256', 'RS256', signed('RS256')],
    ['es256', 'ES256', signed('ES256')],
    ['eddsa', 'EdDSA', signed('EdDSA')],
    ['hs256', 'HS256 of the shared secret', shared],
  ] as const
  const rows: Row[] = []
  for (const [id, title, make] of kinds) rows.push(await warm(id, title, make('warm')), await cold(id, title, make))
  rows.push(await warm('api-key', 'API key', (await world.registry.key('acme')).text))
  return [...rows, await warm('static-key', 'static key', world.staticKey)]
}
