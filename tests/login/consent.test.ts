import { expect, test } from 'vitest'
import { createConsents } from '#login/consent.ts'
import type { AuthorizationRequest } from '#login/flow.ts'
import { CHALLENGE, SECRET } from './support/sign-in-server.ts'

const DAY = 86_400_000
const REQUEST: AuthorizationRequest = {
  client_id: 'https://client.test/client.json',
  redirect_uri: 'https://client.test/cb',
  resource: 'https://mcp.test/mcp',
  code_challenge: CHALLENGE,
  state: 'a',
  scope: '',
}

function remembering() {
  let now = 1_800_000_000_000
  const consents = createConsents({ secrets: [SECRET], issuer: 'https://mcp.test', clock: { now: () => now } })
  return { consents, later: (ms: number) => void (now += ms) }
}

test('D27: an approval counts for its client, redirect and resource, whatever else the next request says', () => {
  const { consents } = remembering()
  const cookie = consents.remember(undefined, REQUEST, 'google')
  expect(consents.recall(cookie, { ...REQUEST, state: 'b', scope: 'x', code_challenge: 'y'.repeat(43) })).toBe('google')
  for (const other of [
    { client_id: 'https://client.test/other.json' },
    { redirect_uri: 'https://client.test/cb2' },
    { resource: 'https://mcp.test/t/acme/mcp' },
  ])
    expect(consents.recall(cookie, { ...REQUEST, ...other }), JSON.stringify(other)).toBeNull()
  expect(consents.recall(undefined, REQUEST)).toBeNull()
})

test('D27: each approval ends 30 days after it was given, however often others renew the cookie', () => {
  const { consents, later } = remembering()
  const other = { ...REQUEST, resource: 'https://mcp.test/t/acme/mcp' }
  let cookie = consents.remember(undefined, REQUEST, 'google')
  later(29 * DAY)
  cookie = consents.remember(cookie, other, 'github')
  expect([consents.recall(cookie, REQUEST), consents.recall(cookie, other)]).toEqual(['google', 'github'])
  later(DAY)
  expect([consents.recall(cookie, REQUEST), consents.recall(cookie, other)]).toEqual([null, 'github'])
})

test('a browser remembers the twelve newest, in a cookie that stays small', () => {
  const { consents } = remembering()
  const of = (number: number): AuthorizationRequest => ({ ...REQUEST, client_id: `https://client.test/${number}` })
  let cookie: string | undefined
  for (let number = 0; number < 20; number++) cookie = consents.remember(cookie, of(number), 'x'.repeat(64))
  const known = Array.from({ length: 20 }, (_, number) => number).filter((number) =>
    consents.recall(cookie, of(number)),
  )
  expect(known).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  expect(cookie?.length).toBeLessThan(2200)
  cookie = consents.remember(cookie, of(8), 'google')
  expect([8, 9].map((number) => consents.recall(cookie, of(number)))).toEqual(['google', 'x'.repeat(64)])
})
