import { expect, test } from 'vitest'
import type { JwtClaims } from '#identity/jwt.ts'
import { audienceOf, audienceRule } from '#providers/audience.ts'
import { refused } from '../identity/support/refused.ts'

const OURS = 'https://gatehouse.test/mcp'
const rule = audienceRule({ audience: [OURS, 'second'], clientIds: ['web', 'desktop'] })
const judged = async (claims: Record<string, unknown>, typ: string | null = 'jwt'): Promise<string> =>
  await refused(() => rule(claims as unknown as JwtClaims, typ))

test('aud is one string or a list of strings, and anything else names nobody', () => {
  expect(audienceOf({ aud: 'a' })).toEqual(['a'])
  expect(audienceOf({ aud: ['a', 'b'] })).toEqual(['a', 'b'])
  for (const aud of [undefined, null, 7, {}, ['a', 7], [['a']]]) expect(audienceOf({ aud })).toEqual([])
})

test.each([
  ['our resource', { aud: OURS }, 'accepted'],
  ['our other resource', { aud: 'second' }, 'accepted'],
  ['our resource among others, obtained by anybody', { aud: ['x', OURS], azp: 'x' }, 'accepted'],
  ['our client', { aud: 'web' }, 'accepted'],
  ['our client, obtained by itself', { aud: 'web', azp: 'web' }, 'accepted'],
  ['our client, obtained by another of ours', { aud: 'web', azp: 'desktop' }, 'accepted'],
  ['our client, obtained by a stranger', { aud: 'web', azp: 'x' }, 'client_mismatch'],
  ['our client among others, obtained by a stranger', { aud: ['x', 'web'], azp: 'x' }, 'client_mismatch'],
  ['our client, obtained by nobody in words', { aud: 'web', azp: null }, 'client_mismatch'],
  ['nobody', {}, 'audience_mismatch'],
  ['somebody else', { aud: 'x', azp: 'web' }, 'audience_mismatch'],
  ['our resource, of an event', { aud: OURS, events: {} }, 'type_refused'],
  ['our resource, of an event of nothing', { aud: OURS, events: undefined }, 'type_refused'],
])('a token for %s is judged: %j: %s', async (_what, claims, ends) => {
  expect(await judged(claims)).toBe(ends)
})

test('an access token by its type must name our resource: a client id is no audience (RFC 9068 section 4)', async () => {
  expect(await judged({ aud: 'web', azp: 'web' }, 'at+jwt')).toBe('audience_mismatch')
  expect(await judged({ aud: OURS }, 'at+jwt')).toBe('accepted')
  expect(await judged({ aud: 'web' }, null)).toBe('accepted')
})
