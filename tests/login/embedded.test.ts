import { afterAll, beforeAll, expect, test } from 'vitest'
import { LOGIN_SECRET, people, startFakeProvider, type FakeProvider } from '../support/fake-provider.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { refresh, signIn, whoami } from './support/journey.ts'

/** The embedded database has one connection, which a renewal holds while the provider answers: nothing may wait for itself. */

let fake: FakeProvider
let server: RunningGatehouse
beforeAll(async () => {
  fake = await startFakeProvider()
  const company = fake.company({ path: 'company' })
  company.signIn.person(people.alice)
  server = await startGatehouse({
    kind: 'embedded',
    env: {
      OIDC_ISSUER: company.iss,
      OIDC_CLIENT_ID: 'gatehouse-client',
      OIDC_CLIENT_SECRET: LOGIN_SECRET,
    },
  })
}, 60_000)
afterAll(async () => {
  await server.close()
  await fake.close()
})

test('a sign-in and its renewals work beside calls', async () => {
  const { journey, tokens } = await signIn(server.url, 'oidc')
  expect(await whoami(server.url, tokens.access_token)).toEqual({ status: 200, user_id: 'oidc:alice-1' })
  fake.behave('company/token', { slow: 300 })
  const [renewed, once, more] = await Promise.all([
    refresh(server.url, journey, tokens.refresh_token),
    refresh(server.url, journey, tokens.refresh_token),
    whoami(server.url, tokens.access_token),
  ])
  expect([renewed.status, once.status, more.status]).toEqual([200, 200, 200])
  expect(once.body['refresh_token']).toBe(renewed.body['refresh_token'])
  expect(await whoami(server.url, String(renewed.body['access_token']))).toMatchObject({ status: 200 })
})
