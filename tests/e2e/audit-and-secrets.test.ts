import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'

interface Row {
  readonly action: string
  readonly outcome: string
  readonly sub: string | null
}

/** A whole run with every kind of ending; then the audit is counted and everything written anywhere is searched for secrets. */
describe.each(upperKinds)('after a whole run on %s', (kind) => {
  let server: RunningGatehouse
  const tokens: string[] = []
  const secret = 'gh_key_AAAAAAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB_00000000'

  beforeAll(async () => {
    server = await startGatehouse({ kind })
    const alice = await server.token('alice@acme.test')
    const carol = await server.token('carol@acme.test')
    tokens.push(alice, carol, `${alice.slice(0, -4)}AAAA`)
    const made = await rpc(server.mcp, alice, 'tools/call', { name: 'create_project', arguments: { name: 'Apollo' } })
    const { id } = (made.json as { result: { structuredContent: { id: string } } }).result.structuredContent
    for (let i = 0; i < 7; i++) await rpc(server.mcp, alice, 'tools/call', { name: 'get_project', arguments: { id } })
    await rpc(server.mcp, alice, 'tools/call', {
      name: 'get_project',
      arguments: { id: '00000000-0000-7000-8000-000000000000' },
    })
    await rpc(server.mcp, carol, 'tools/call', { name: 'list_projects', arguments: {} })
    await rpc(server.mcp, carol, 'tools/call', { name: 'whoami', arguments: {} })
    await rpc(server.mcp, tokens[2] ?? '', 'tools/call', { name: 'whoami', arguments: {} })
    await rpc(`${server.url}/t/nowhere/mcp`, alice, 'tools/call', { name: 'whoami', arguments: {} })
    await fetch(`${server.mcp}?access_token=${alice}`, { method: 'POST' })
    await rpc(server.mcp, secret, 'tools/call', { name: 'whoami', arguments: {} })
    await server.stop()
  })
  afterAll(async () => await server.close())

  const rows = async (schema: string): Promise<Row[]> =>
    await server.database.sql<Row>(`SELECT action, outcome, sub FROM ${schema}.audit`)

  test('the audit holds one row for each call, nothing more', async () => {
    const [tenant] = await server.database.sql<{ schema: string }>(
      "SELECT schema FROM gatehouse.tenants WHERE slug = 'acme_test'",
    )
    const found = await rows(tenant?.schema ?? '')
    const count = (action: string, outcome: string): number =>
      found.filter((row) => row.action === action && row.outcome === outcome).length
    expect(count('create_project', 'ok')).toBe(1)
    expect(count('get_project', 'ok')).toBe(7)
    expect(count('get_project', 'failed')).toBe(1)
    expect(count('list_projects', 'ok')).toBe(1)
    expect(count('whoami', 'ok')).toBe(1)
    expect(found).toHaveLength(11)
  })

  test('refusals that belong to no tenant are in the registry’s audit', async () => {
    const refused = (await rows('gatehouse')).filter((row) => row.outcome === 'refused').map((row) => row.action)
    expect(refused).toContain('refused.signature_invalid')
    expect(refused).toContain('refused.tenant_foreign')
    expect(refused).toContain('refused.token_malformed')
  })

  test('no log line and no row of any table holds a token, a part of one, or a secret', async () => {
    const everything = [...server.lines]
    const tables = await server.database.sql<{ name: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'gatehouse' OR schemaname LIKE 'tenant%'",
    )
    expect(tables.length).toBeGreaterThan(10)
    for (const { name } of tables)
      everything.push(JSON.stringify(await server.database.sql(`SELECT t::text FROM ${name} t`)))
    const text = everything.join('\n')
    expect(text.length).toBeGreaterThan(5_000)
    for (const token of [...tokens, secret, ...server.config.sessionSecrets]) {
      expect(text).not.toContain(token)
      for (const part of token.split('.')) if (part.length > 20) expect(text).not.toContain(part)
    }
    expect(text).not.toContain('BBBBBBBBBB')
  })

  test('each request has a log line with its id, status and duration', () => {
    const lines = server.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    const requests = lines.filter((line) => line['status'] !== undefined)
    expect(requests.length).toBeGreaterThanOrEqual(15)
    for (const line of requests)
      expect(line).toMatchObject({ request_id: expect.any(String), status: expect.any(Number) })
  })
})
