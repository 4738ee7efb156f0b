import { SignJWT, exportJWK, generateKeyPair, type CryptoKey, type JWTPayload } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { Refusal } from '#base/refusal.ts'
import { createClientAssertion } from '#login/client-assertion.ts'
import type { Client } from '#login/client.ts'

const ID = 'https://client.test/client.json'
const NOW = 1_800_000_000
const GOOD = { iss: ID, sub: ID, aud: 'https://mcp.test', exp: NOW + 60, iat: NOW, jti: 'a' }
const check = createClientAssertion({ publicUrl: 'https://mcp.test', clock: { now: () => NOW * 1000 } })

let ours: { privateKey: CryptoKey; publicKey: CryptoKey }
let theirs: typeof ours
let client: Client
beforeAll(async () => {
  ;[ours, theirs] = await Promise.all([
    generateKeyPair('ES256', { extractable: true }),
    generateKeyPair('ES256', { extractable: true }),
  ])
  client = {
    client_id: ID,
    name: null,
    redirect_uris: ['https://client.test/cb'],
    kind: 'document',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(ours.publicKey)), kid: 'first' }] },
  }
})

const sign = async (
  claims: JWTPayload | Record<string, unknown>,
  header: Record<string, unknown> = {},
  key: CryptoKey | Uint8Array = ours.privateKey,
): Promise<string> => await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'first', ...header }).sign(key)

async function judged(assertion: string, of = client): Promise<string> {
  try {
    await check(assertion, of)
    return 'good'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

test('an assertion of a key of the document, for our issuer or our token endpoint, is good (RFC 7523 section 3)', async () => {
  expect(await judged(await sign(GOOD))).toBe('good')
  for (const aud of ['https://mcp.test/oauth/token', ['https://mcp.test']])
    expect(await judged(await sign({ ...GOOD, aud })), String(aud)).toBe('good')
  for (const typ of ['JWT', 'client-authentication+jwt'])
    expect(await judged(await sign(GOOD, { typ })), typ).toBe('good')
  const { iat: _iat, jti: _jti, ...least } = GOOD
  expect(await judged(await sign(least))).toBe('good')
})

test('an assertion of somebody else, for somebody else, too old, too long or of another kind is client_invalid', async () => {
  const wrong: [string, Record<string, unknown>, Record<string, unknown>?][] = [
    ['another iss', { ...GOOD, iss: 'https://evil.test/client.json' }],
    ['another sub', { ...GOOD, sub: `${ID}/` }],
    ['no sub', { ...GOOD, sub: undefined }],
    ['another audience', { ...GOOD, aud: 'https://other.test' }],
    ['a trailing slash', { ...GOOD, aud: 'https://mcp.test/' }],
    ['another audience beside ours', { ...GOOD, aud: ['https://mcp.test', 'https://other.test'] }],
    ['no audience', { ...GOOD, aud: undefined }],
    ['an empty list', { ...GOOD, aud: [] }],
    ['no end', { ...GOOD, exp: undefined }],
    ['ended', { ...GOOD, exp: NOW - 30 }],
    ['an end more than five minutes ahead', { ...GOOD, exp: NOW + 331 }],
    ['not yet', { ...GOOD, nbf: NOW + 31 }],
    ['made in the future', { ...GOOD, iat: NOW + 31 }],
    ['an access token', GOOD, { typ: 'at+jwt' }],
    ['a key of its own', GOOD, { jwk: { kty: 'oct', k: 'x' } }],
    ['the address of a key', GOOD, { jku: 'https://evil.test/jwks' }],
    ['an unknown kid', GOOD, { kid: 'second' }],
  ]
  for (const [what, claims, header] of wrong)
    expect(await judged(await sign(claims, header)), what).toBe('client_invalid')
  expect(await judged(await sign(GOOD, {}, theirs.privateKey))).toBe('client_invalid')
  const good = await sign(GOOD)
  for (const text of [
    '',
    'x',
    `${good}A`,
    good.slice(0, -2),
    good.replace(/^[^.]+/, 'eyJhbGciOiJub25lIn0'),
    `${good}.x.y`,
  ])
    expect(await judged(text), text).toBe('client_invalid')
})

test('a key that is public, weak, symmetric or missing proves nothing', async () => {
  const publicKey = new TextEncoder().encode(JSON.stringify(client.jwks?.keys[0]))
  expect(await judged(await sign(GOOD, { alg: 'HS256' }, publicKey))).toBe('client_invalid')
  const good = await sign(GOOD)
  const secret = { ...(await exportJWK(ours.privateKey)), kid: 'first' } as Record<string, unknown>
  for (const jwks of [
    null,
    { keys: [] },
    { keys: [secret] },
    { keys: [{ kty: 'oct', k: 'eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg' }] },
  ])
    expect(await judged(good, { ...client, jwks })).toBe('client_invalid')
})

test('what the log reads of a bad assertion holds nothing of it', async () => {
  const bad = await sign({ ...GOOD, exp: NOW - 100 })
  const error = await check(bad, client).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(Refusal)
  expect((error as Refusal).detail).toBe('the client assertion: its exp')
  expect(JSON.stringify(error)).not.toContain(bad.split('.')[2])
})
