import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createCallback } from '#login/callback.ts'
import { createExchange, type Exchange } from '#login/exchange.ts'
import { createTokens, type Tokens } from '#login/tokens.ts'
import type { Client } from '#login/client.ts'
import { people } from '../support/fake-provider.ts'
import { MCP_URL } from '../providers/support.ts'
import { NOBODY, PUBLIC_URL, REQUEST, VERIFIER, codeForm, ending, openRoom, type Room } from './support/room.ts'

const SIGNING: Client = {
  client_id: 'https://app.test/client.json',
  name: null,
  redirect_uris: [REQUEST.redirect_uri],
  kind: 'document',
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [] },
}

let room: Room
let exchange: Exchange
beforeAll(async () => {
  room = await openRoom([
    { ...SIGNING, client_id: REQUEST.client_id, kind: 'registered', token_endpoint_auth_method: 'none', jwks: null },
    SIGNING,
  ])
  exchange = createExchange({ publicUrl: PUBLIC_URL, ...room })
})
afterAll(async () => await room.close())
beforeEach(() => {
  room.company.signIn.change(null)
  room.fake.reset()
})

async function codeFor(request = REQUEST): Promise<string> {
  const { query, jar } = await room.arrival({ request })
  const callback = createCallback({ publicUrl: PUBLIC_URL, ...room })
  const location = await callback.arrive({ provider: 'company', query, cookie: (name) => jar.get(name) })
  return new URL(location).searchParams.get('code') ?? ''
}

test('a code becomes the provider token, with what is left of its life, and a sealed refresh token', async () => {
  const { granted, identity } = await exchange(codeForm(await codeFor()), NOBODY)
  expect(identity).toMatchObject({ provider: 'company', sub: people.alice.sub })
  expect(granted.exp).toBe(identity.exp)
  expect(granted.scope).toBe('projects:read')
  const refresh = room.seals.refresh.open(granted.refresh_token ?? '')
  expect(refresh).toMatchObject({
    generation: 0,
    client_id: REQUEST.client_id,
    resource: MCP_URL,
    provider: 'company',
    iss: room.company.iss,
    sub: people.alice.sub,
  })
  expect(room.company.signIn.alive()).toContain(refresh?.refresh_token)
})

test('D28: everything local is checked before the provider is asked, so a wrong guess does not burn the code', async () => {
  const code = await codeFor()
  const guesses: Record<string, [Parameters<typeof codeForm>[1], string]> = {
    'another client': [{ client_id: 'https://app.test/client.json' }, 'grant_invalid'],
    'no client': [{ client_id: undefined }, 'grant_invalid'],
    'another redirect': [{ redirect_uri: 'https://client.test/callback' }, 'grant_invalid'],
    'another verifier': [{ code_verifier: VERIFIER.replace('a', 'b') }, 'grant_invalid'],
    'no verifier': [{ code_verifier: undefined }, 'grant_invalid'],
    'the challenge as verifier': [{ code_verifier: REQUEST.code_challenge }, 'grant_invalid'],
    'a verifier of wrong form': [{ code_verifier: `${VERIFIER}\n` }, 'grant_invalid'],
    'a tenant of the resource': [{ resource: `${PUBLIC_URL}/t/acme/mcp` }, 'target_invalid'],
    'another resource': [{ resource: 'https://elsewhere.test/mcp' }, 'target_invalid'],
    'another code': [{ code: `${code.slice(0, -2)}AA` }, 'grant_invalid'],
    'no code': [{ code: undefined }, 'authorization_malformed'],
    'a refresh token as code': [{ code: room.seals.flow.seal({} as never) }, 'grant_invalid'],
  }
  for (const [what, [change, expected]] of Object.entries(guesses))
    expect(await ending(exchange(codeForm(code, change), NOBODY)), what).toBe(expected)
  expect(room.fake.hits('company/token')).toBe(0)
  expect(await ending(exchange(codeForm(code), NOBODY))).toBe('done')
})

test('redirect_uri may be left out, as OAuth 2.1 does (section 4.1.3): the verifier says whose code it is', async () => {
  const code = await codeFor()
  const bare = { redirect_uri: undefined }
  expect(await ending(exchange(codeForm(code, { ...bare, code_verifier: 'x'.repeat(43) }), NOBODY))).toBe(
    'grant_invalid',
  )
  expect(await ending(exchange(codeForm(code, { ...bare, client_id: 'other' }), NOBODY))).toBe('grant_invalid')
  expect(await ending(exchange(codeForm(code, bare), NOBODY))).toBe('done')
})

test('D26: resource may be left out at the token endpoint, and be written with a slash at the end', async () => {
  expect(await ending(exchange(codeForm(await codeFor(), { resource: undefined }), NOBODY))).toBe('done')
  expect(await ending(exchange(codeForm(await codeFor(), { resource: `${MCP_URL}/` }), NOBODY))).toBe('done')
})

test('D28: a code lives 60 seconds', async () => {
  const young = await codeFor()
  const old = await codeFor()
  room.clock.advance(58_000)
  expect(await ending(exchange(codeForm(young), NOBODY))).toBe('done')
  room.clock.advance(3_000)
  expect(await ending(exchange(codeForm(old), NOBODY))).toBe('grant_invalid')
})

test('D28: a code used twice, also at the same moment, gives tokens once', async () => {
  const code = await codeFor()
  const endings = await Promise.all([1, 2, 3].map(async () => await ending(exchange(codeForm(code), NOBODY))))
  expect(endings.toSorted()).toEqual(['done', 'grant_invalid', 'grant_invalid'])
})

test('D28: with the provider away a code is not judged, and works afterwards if it was not seen there', async () => {
  const code = await codeFor()
  room.fake.behave('company/token', { status: 503, body: 'away' })
  expect(await ending(exchange(codeForm(code), NOBODY))).toBe('provider_unavailable')
  room.fake.behave('company/token', 'ok')
  expect(await ending(exchange(codeForm(code), NOBODY))).toBe('done')
})

test('a client whose document states private_key_jwt signs, and a public one does not', async () => {
  const request = { ...REQUEST, client_id: SIGNING.client_id }
  const form = codeForm(await codeFor(request), { client_id: SIGNING.client_id })
  const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  expect(await ending(exchange(form, NOBODY))).toBe('client_invalid')
  expect(await ending(exchange({ ...form, client_assertion: 'forged', client_assertion_type: type }, NOBODY))).toBe(
    'client_invalid',
  )
  expect(await ending(exchange({ ...form, client_assertion: 'signed' }, NOBODY))).toBe('client_invalid')
  expect(room.fake.hits('company/token')).toBe(0)
  expect(await ending(exchange({ ...form, client_assertion: 'signed', client_assertion_type: type }, NOBODY))).toBe(
    'done',
  )
  const own = codeForm(await codeFor(), { client_assertion: 'signed', client_assertion_type: type })
  expect(await ending(exchange(own, NOBODY))).toBe('client_invalid')
})

test('a provider that gives no refresh token: neither do we', async () => {
  room.company.signIn.change((answer) => ({ ...answer, refresh_token: undefined }))
  const { granted } = await exchange(codeForm(await codeFor()), NOBODY)
  expect(granted.refresh_token).toBeNull()
})

test('D28: expires_in is what is left of the token', async () => {
  room.company.signIn.change(async (answer, { nonce, client_id }) => ({
    ...answer,
    expires_in: 3600,
    id_token: await room.company.sign({
      ...people.alice,
      aud: client_id,
      nonce,
      exp: Math.floor(room.clock.now() / 1000) + 120,
    }),
  }))
  const tokens = tokensOf()
  const { answer } = await tokens.grant(
    { parameters: codeForm(await codeFor()), basic: null },
    { ...NOBODY, requestId: 'r' },
  )
  expect(answer.expires_in).toBeGreaterThan(110)
  expect(answer.expires_in).toBeLessThanOrEqual(120)
  expect(Object.keys(answer).toSorted()).toEqual(['access_token', 'expires_in', 'refresh_token', 'scope', 'token_type'])
})

const tokensOf = (): Tokens =>
  createTokens({
    people: { exchange, renewal: async () => await Promise.reject(new Error('not in this test')) },
    services: {
      issue: async (key) => ({ access_token: JSON.stringify(key), token_type: 'Bearer', expires_in: 900, scope: '' }),
      jwks: { keys: [] },
    },
    clock: room.clock,
  })

test('each grant type to its own; none, and one nobody serves, are errors', async () => {
  const tokens = tokensOf()
  const from = { ...NOBODY, requestId: 'r' }
  const grant = async (parameters: Record<string, string>, basic: { id: string; secret: string } | null = null) =>
    await ending(tokens.grant({ parameters, basic }, from))
  expect(await grant({})).toBe('authorization_malformed')
  expect(await grant({ grant_type: 'password' })).toBe('grant_unsupported')
  expect(await grant({ grant_type: 'authorization_code' }, { id: 'a-client', secret: 'x' })).toBe('client_invalid')
  expect(await grant({ grant_type: 'authorization_code', client_secret: 'x' })).toBe('client_invalid')
  expect(await grant({ grant_type: 'client_credentials' })).toBe('client_invalid')
  const basic = { id: 'key', secret: 'gh_key' }
  expect(await grant({ grant_type: 'client_credentials' }, basic)).toBe('done')
  expect(await grant({ grant_type: 'client_credentials', client_id: 'key', client_secret: 'gh_key' })).toBe('done')
  expect(await grant({ grant_type: 'client_credentials', client_secret: 'x' }, basic)).toBe('authorization_malformed')
  expect(await grant({ grant_type: 'client_credentials', client_id: 'other' }, basic)).toBe('authorization_malformed')
})

test('a public client may say its client_id by Basic with an empty secret (RFC 6749 section 2.3.1), and then says no other', async () => {
  const tokens = tokensOf()
  const code = await codeFor()
  const grant = async (change: Record<string, string | undefined>, id: string): Promise<string> =>
    await ending(
      tokens.grant({ parameters: codeForm(code, change), basic: { id, secret: '' } }, { ...NOBODY, requestId: 'r' }),
    )
  expect(await grant({ client_id: undefined }, 'other')).toBe('grant_invalid')
  expect(await grant({}, 'other')).toBe('authorization_malformed')
  expect(await grant({ client_id: undefined }, REQUEST.client_id)).toBe('done')
})
