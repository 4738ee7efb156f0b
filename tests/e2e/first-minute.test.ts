import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { clientKinds, connectClient } from '../support/mcp-clients.ts'

/** What a stranger does first: sign in as Alice, make a project, and look whether Bob of another company sees it. */
describe.each(databaseKinds)('on %s', (kind) => {
  let server: RunningGatehouse
  beforeAll(async () => {
    server = await startGatehouse({ kind })
  })
  afterAll(async () => await server.close())

  test.each(clientKinds)('Alice makes a project with the %s, and Bob cannot see that it exists', async (client) => {
    const alice = await connectClient(client, server.mcp, await server.token('alice@acme.test'))
    const bob = await connectClient(client, server.mcp, await server.token('bob@globex.test'))
    const { tools } = await alice.listTools()
    expect(tools.map((tool) => tool.name)).toContain('create_project')
    const made = await alice.callTool('create_project', { name: `Apollo by ${client}` })
    expect(made.isError ?? false).toBe(false)
    const id = made.structuredContent?.['id']
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    const seen = await bob.callTool('get_project', { id })
    expect(seen.isError).toBe(true)
    expect(JSON.stringify(seen)).not.toContain('Apollo')
    expect((await bob.callTool('list_projects', {})).structuredContent).toEqual({ items: [], next_cursor: null })
    expect((await alice.callTool('get_project', { id })).structuredContent).toMatchObject({
      id,
      name: `Apollo by ${client}`,
    })
    await alice.close()
    await bob.close()
  })

  test('Carol reads what Alice made and is offered no tool that writes', async () => {
    const carol = await connectClient('v1 client', server.mcp, await server.token('carol@acme.test'))
    const names = (await carol.listTools()).tools.map((tool) => tool.name)
    expect(names).toContain('list_projects')
    expect(names).not.toContain('create_project')
    expect((await carol.callTool('whoami', {})).structuredContent).toMatchObject({
      email: 'carol@acme.test',
      tenant: { slug: 'acme_test' },
      role: 'viewer',
    })
    expect((await carol.callTool('list_projects', {})).structuredContent?.['items']).not.toEqual([])
    await carol.close()
  })
})
