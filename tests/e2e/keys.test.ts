import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { upperKinds } from '../support/database.ts'
import { gatehouse } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'

describe.each(upperKinds)('keys on %s', (kind) => {
  let server: RunningGatehouse
  beforeAll(async () => {
    server = await startGatehouse({ kind })
    await rpc(server.mcp, await server.token('alice@acme.test'), 'tools/call', { name: 'whoami', arguments: {} })
  })
  afterAll(async () => await server.close())

  const create = async (...more: string[]): Promise<{ id: string; key: string }> => {
    const made = await gatehouse(server, ['key', 'create', 'acme_test', '--name', 'ci', '--json', ...more])
    expect(made.stderr).toBe('')
    return made.json()
  }
  const whoami = async (key: string): Promise<number> =>
    (await rpc(server.mcp, key, 'tools/call', { name: 'whoami', arguments: {} })).status

  test('D23: wrong secrets for a key are limited, and never shut out the right one', async () => {
    const { key } = await create()
    const { key: other } = await create()
    // Well formed and with its own checksum: only the secret is another key's.
    const wrong = withSecretOf(key, other)
    const statuses: number[] = []
    for (let i = 0; i < 12; i++) statuses.push(await whoami(wrong))
    expect(statuses).toEqual([...Array<number>(10).fill(401), 429, 429])
    expect(await whoami(key)).toBe(200)
  })

  test('a key does what its scopes say and is offered nothing else', async () => {
    const { key } = await create('--scopes', 'projects:read')
    const listed = await rpc(server.mcp, key, 'tools/list')
    const { result } = listed.json as { result: { tools: { name: string }[] } }
    expect(result.tools.map((tool) => tool.name).sort()).toEqual(['get_project', 'list_projects', 'whoami'])
    const refused = await rpc(server.mcp, key, 'tools/call', { name: 'create_project', arguments: { name: 'no' } })
    expect(refused.json).toMatchObject({ error: { code: -32602 } })
  })

  test('a key of another network, an expired and a rotated one are refused alike', async () => {
    const elsewhere = await create('--cidr', '10.0.0.0/8')
    const { key, id } = await create()
    const rotated: { key: string } = (await gatehouse(server, `key rotate acme_test ${id} --overlap 0 --json`)).json()
    expect(await whoami(rotated.key)).toBe(200)
    expect(await whoami(key)).toBe(401)
    expect(await whoami(elsewhere.key)).toBe(401)
  })
})

function withSecretOf(key: string, other: string): string {
  const [id, secret] = [key.split('_')[2] ?? '', other.split('_')[3] ?? '']
  const body = `gh_key_${id}_${secret}`
  return `${body}_${crc32(body).toString(16).padStart(8, '0')}`
}
