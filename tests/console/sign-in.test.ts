import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { SESSION, visitor } from './support.ts'

let server: RunningGatehouse
beforeAll(async () => void (server = await startGatehouse({ kind: 'postgres' })), 60_000)
afterAll(async () => await server?.close())

test('a person signs in at the provider and sees who they are, where they belong and what they may do', async () => {
  const alice = visitor(server)
  const first = await alice.get('/console')
  expect([first.status, first.location]).toEqual([303, '/console/login?return_to=%2Fconsole'])
  const login = await alice.get(first.location ?? '')
  expect(login.text).toContain('Continue with')
  const back = await alice.signIn('alice', { return_to: '/console' })
  expect([back.status, back.location]).toEqual([303, '/console'])
  const home = await alice.get('/console')
  expect(home.status).toBe(200)
  for (const piece of ['Alice Archer', 'alice@acme.test', 'development:alice', 'acme_test', 'owner', 'projects:write'])
    expect(home.text).toContain(piece)
  expect(home.headers.get('cache-control')).toBe('no-store')
})
