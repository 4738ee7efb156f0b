import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseJws } from '#identity/jwt-parse.ts'
import { verifySignature } from '#identity/jwt.ts'
import { forge, startIssuer, type Issuer } from './support/issuer.ts'
import { refused } from './support/refused.ts'

let issuer: Issuer

beforeAll(async () => {
  issuer = await startIssuer()
})
afterAll(async () => {
  await issuer.close()
})

/** The seam that published test vectors use: their payloads are no claims. */
const prove = async (token: string): Promise<string> =>
  await refused(async () => await verifySignature(token, parseJws(token).header, issuer.keySet()))

test('a signature is proved over any payload', async () => {
  const token = forge(issuer.key, { alg: 'RS256', kid: 'k1' }, 'foo')
  expect(Buffer.from(parseJws(token).payload).toString()).toBe('foo')
  expect(await prove(token)).toBe('accepted')
})

test.each([
  ['another payload', 1],
  ['another signature', 2],
])('%s under the same header is not proved', async (_, part) => {
  const parts = forge(issuer.key, { alg: 'RS256', kid: 'k1' }, 'foo').split('.')
  parts[part] = forge(issuer.key, { alg: 'RS256', kid: 'k1' }, 'bar').split('.')[part] ?? ''
  expect(await prove(parts.join('.'))).toBe('signature_invalid')
})
