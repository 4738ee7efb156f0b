import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFakeProvider, type FakeProvider } from '../support/fake-provider.ts'
import { GITHUB_CLIENT } from '../support/fake-provider/github.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'

let fake: FakeProvider
let server: RunningGatehouse
beforeAll(async () => {
  fake = await startFakeProvider()
  server = await startGatehouse({
    kind: 'postgres',
    env: { GITHUB_CLIENT_ID: GITHUB_CLIENT.clientId, GITHUB_CLIENT_SECRET: GITHUB_CLIENT.clientSecret },
    parts: { endpoints: { github: fake.endpoints.github } },
  })
})
afterAll(async () => {
  await server.close()
  await fake.close()
})

test('garbage from one address cannot use up the quota that all our people share at a provider', async () => {
  const statuses: number[] = []
  for (let i = 0; i < 60; i++) statuses.push((await rpc(server.mcp, `gho_garbage${i}`, 'tools/list')).status)
  expect(statuses.filter((status) => status === 401)).toHaveLength(30)
  expect(statuses.filter((status) => status === 429)).toHaveLength(30)
  expect(fake.hits('github/check')).toBe(30)
  // While the machine is busy each 429 is held back for up to two seconds.
}, 90_000)
