import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { decodeJwt } from 'jose'
import { people, startFakeProvider, type FakeProvider } from '../support/fake-provider.ts'

let fake: FakeProvider
beforeAll(async () => void (fake = await startFakeProvider()))
beforeEach(() => fake.reset())
afterAll(async () => await fake.close())

test('the fake issuer serves discovery and keys and counts who asks', async () => {
  const oidc = fake.issuer({ path: 'oidc' })
  const document = (await (await fetch(`${oidc.iss}/.well-known/openid-configuration`)).json()) as Record<
    string,
    string
  >
  expect(document['issuer']).toBe(oidc.iss)
  const keys = (await (await fetch(document['jwks_uri']!)).json()) as { keys: unknown[] }
  expect(keys.keys).toHaveLength(1)
  expect(decodeJwt(await oidc.sign({ ...people.alice, aud: 'x' }))).toMatchObject({
    iss: oidc.iss,
    aud: 'x',
    ...people.alice,
  })
  expect([fake.hits('oidc/discovery'), fake.hits('oidc/jwks'), fake.hits()]).toEqual([1, 1, 2])
})

test('an endpoint misbehaves on demand and behaves again after a reset', async () => {
  fake.behave('google/jwks', 'limited')
  const limited = await fetch(fake.endpoints.google.jwks)
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7'])
  fake.behave('google/jwks', 'cut')
  await expect(fetch(fake.endpoints.google.jwks)).rejects.toThrow('fetch failed')
  fake.reset()
  expect((await fetch(fake.endpoints.google.jwks)).status).toBe(200)
})

test('a misspelt endpoint is an error, so that no test switches off nothing', () => {
  expect(() => fake.behave('google/jwsk', 'error')).toThrow('no endpoint google/jwsk')
})
