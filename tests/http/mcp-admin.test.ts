import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Principal } from '#tenancy/tenant.ts'
import { createCatalogue, existsFor } from '#toolkit/catalogue.ts'
import { InvalidArguments } from '#toolkit/arguments.ts'
import type { Tool } from '#toolkit/tool.ts'
import { principal, rpc, startApp } from './support.ts'

const tool = (name: string, scope: string): Tool => ({
  name,
  title: name,
  description: name,
  scopes: [scope],
  access: 'read',
  input: z.object({}),
  run: async () => 'done',
})
const tools = new Map(
  [tool('list_projects', 'projects:read'), tool('rename', 'tenant:admin'), tool('end', 'tenant:owner')].map((each) => [
    each.name,
    each,
  ]),
)
const scopes = new Set(['projects:read', 'tenant:admin', 'tenant:owner'])

async function owner(mcpAdmin: boolean) {
  const caller: Principal = {
    ...principal,
    tenant: { ...principal.tenant, mcpAdmin },
    role: 'owner',
    scopes,
    role_scopes: scopes,
  }
  const { url } = await startApp({
    principal: async () => caller,
    catalogue: createCatalogue(tools),
    caller: {
      call: async (who, name) => {
        const found = tools.get(name)
        if (found === undefined || !existsFor(who, found)) throw new InvalidArguments(`Unknown tool: ${name}`)
        return { content: [{ type: 'text', text: [...who.scopes].join(' ') }] }
      },
    },
  })
  const ask = async (path: string, method: string, params: object = {}): Promise<object> => {
    const answer = await rpc(`${url}${path}`, { jsonrpc: '2.0', id: 1, method, params })
    expect(answer.status).toBe(200)
    return JSON.parse(/^data: (.+)$/m.exec(await answer.text())?.[1] ?? '') as object
  }
  const api = await fetch(`${url}/api/v1/whoami`, { headers: { authorization: 'Bearer alice' } })
  return { ask, api: (await api.json()) as object }
}

test.each(['/mcp', '/t/acme_test/mcp'])(
  'D32: at %s an owner has no tool with power over the tenant, by the API they have',
  async (path) => {
    const { ask, api } = await owner(false)
    expect(await ask(path, 'tools/list')).toMatchObject({ result: { tools: [{ name: 'list_projects' }] } })
    for (const name of ['rename', 'end'])
      expect(await ask(path, 'tools/call', { name, arguments: {} })).toMatchObject({
        error: { message: expect.stringContaining(`Unknown tool: ${name}`) },
      })
    const called = await ask(path, 'tools/call', { name: 'list_projects', arguments: {} })
    expect(called).toMatchObject({ result: { content: [{ text: 'projects:read' }] } })
    expect(api).toMatchObject({ scopes: [...scopes] })
  },
)

test('D32: turned on by an owner, those tools are there', async () => {
  const { ask } = await owner(true)
  expect(await ask('/mcp', 'tools/list')).toMatchObject({
    result: { tools: [{ name: 'end' }, { name: 'list_projects' }, { name: 'rename' }] },
  })
  const called = await ask('/mcp', 'tools/call', { name: 'rename', arguments: {} })
  expect(called).toMatchObject({ result: { content: [{ text: [...scopes].join(' ') }] } })
})
