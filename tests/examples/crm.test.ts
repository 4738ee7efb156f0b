import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { connectClient } from '../support/mcp-clients.ts'
import { gatehouse } from '../support/command.ts'
import { until } from '../support/until.ts'

const at = (path: string): string => join(packageRoot, 'examples/crm', path)

let api: Server
let server: RunningGatehouse
beforeAll(async () => {
  const { startSampleApi } = (await import(pathToFileURL(at('api/server.js')).href)) as {
    startSampleApi: (port: number) => Promise<Server>
  }
  api = await startSampleApi(0)
  server = await startGatehouse({
    kind: 'postgres',
    env: {
      TOOLS_DIR: at('tools'),
      UPSTREAM_CRM_URL: `http://127.0.0.1:${(api.address() as AddressInfo).port}/v1`,
      UPSTREAM_CRM_AUTH: 'login',
      UPSTREAM_CRM_USERNAME: 'gatehouse',
      UPSTREAM_CRM_PASSWORD: 'shared-password',
    },
  })
})
afterAll(async () => {
  await server.close()
  api.close()
  api.closeAllConnections()
})

test('the example tools find, read and add contacts at the sample API, with the credentials of the configuration', async () => {
  const alice = await connectClient('v2 client, 2026-07-28', server.mcp, await server.token('alice@acme.test'))
  const carol = await connectClient('v2 client, 2026-07-28', server.mcp, await server.token('carol@acme.test'))
  const found = await carol.callTool('find_contacts', { q: 'ADA' })
  const [{ id }] = (found.structuredContent as { items: [{ id: string }] }).items
  expect((await carol.callTool('get_contact', { id })).structuredContent).toMatchObject({ name: 'Ada Lovelace' })
  const added = await alice.callTool('add_contact', { name: 'Alan Turing', email: 'alan@example.com' })
  expect(added.structuredContent).toMatchObject({ name: 'Alan Turing' })
  const again = await alice.callTool('add_contact', { name: 'Alan Turing', email: 'alan@example.com' })
  expect([again.isError, JSON.stringify(again)]).toEqual([true, expect.stringContaining('already')])
  for (const odd of ['../contacts', '..', 'a/../../auth/login'])
    expect(JSON.stringify(await carol.callTool('get_contact', { id: odd }))).toMatch(/contact not found|was not sent/)
  // A viewer is offered what reads.
  const names = (await carol.listTools()).tools.map(({ name }) => name)
  expect([names.includes('find_contacts'), names.includes('add_contact')]).toEqual([true, false])
  await alice.close()
  await carol.close()
})

test("a company's own account is used for it alone, and neither its password nor a token is in the log or the audit", async () => {
  const alice = await connectClient('v2 client, 2026-07-28', server.mcp, await server.token('alice@acme.test'))
  const bob = await connectClient('v2 client, 2026-07-28', server.mcp, await server.token('bob@globex.test'))
  const find = async (who: typeof alice): Promise<string> =>
    JSON.stringify(await who.callTool('find_contacts', { q: 'a' }))
  const fields = 'username=acme\npassword=acme-password\n'
  const set = await gatehouse({ env: { ...server.env, TOOLS_DIR: at('tools') } }, 'upstream set acme_test crm', fields)
  expect(set).toMatchObject({ exit: 0 })
  await until(async () => (await find(alice)).includes('Grace'))
  expect(await find(alice)).not.toContain('Ada')
  expect(await find(bob)).toContain('Ada')
  expect(await find(bob)).not.toContain('Grace')

  await gatehouse({ env: server.env }, 'upstream set acme_test crm', 'username=acme\npassword=a-wrong-password\n')
  await until(async () => (await find(alice)).includes('does not accept the credentials'))
  await until(() => server.lines.some((line) => line.includes('an upstream does not accept')))
  const [tenant] = await server.database.sql<{ schema: string }>(
    `SELECT schema FROM gatehouse.tenants WHERE slug = 'acme_test'`,
  )
  const kept = JSON.stringify([
    server.lines,
    await server.database.sql('SELECT * FROM gatehouse.audit'),
    await server.database.sql('SELECT * FROM gatehouse.upstreams'),
    await server.database.sql(`SELECT * FROM ${tenant?.schema}.audit`),
  ])
  expect(kept).toContain('upstream.set')
  for (const secret of ['shared-password', 'acme-password', 'a-wrong-password', 'Bearer '])
    expect(kept).not.toContain(secret)
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  expect(metrics).toContain('gatehouse_upstream_request_duration_seconds_count{upstream="crm",outcome="200"}')
  await alice.close()
  await bob.close()
})
