import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc, type RpcAnswer } from '../support/rpc.ts'
import { until } from '../support/until.ts'

/** Calls that run into a limit, and callers who leave in the middle of an answer. */
describe.each(databaseKinds)('on %s', (kind) => {
  let server: RunningGatehouse
  let alice: string
  beforeAll(async () => {
    server = await startGatehouse({ kind, env: { TOOLS_DIR: fileURLToPath(new URL('tools', import.meta.url)) } })
    alice = await server.token('alice@acme.test')
    await until(async () => (await call('whoami', {})).status === 200)
  })
  afterAll(async () => await server.close())

  const call = async (name: string, args: object): Promise<RpcAnswer> =>
    await rpc(server.mcp, alice, 'tools/call', { name, arguments: args })
  const sql = async <Row extends object>(text: string): Promise<readonly Row[]> => {
    const [tenant] = await server.database.sql<{ schema: string }>(
      "SELECT schema FROM gatehouse.tenants WHERE slug = 'acme_test'",
    )
    return await server.database.sql<Row>(text.replaceAll('acme.', `${tenant?.schema}.`))
  }
  const isThere = async (id: string): Promise<boolean> =>
    (await sql(`SELECT 1 FROM acme.projects WHERE id = '${id}'`)).length > 0
  const audited = async (action: string, reason: string): Promise<number> =>
    (await sql(`SELECT 1 FROM acme.audit WHERE action = '${action}' AND detail->>'reason' = '${reason}'`)).length

  test('a query beyond its time limit is ended, says so, is in the audit, and leaves the tenant its connections', async () => {
    const started = performance.now()
    const answers = await Promise.all(Array.from({ length: 3 }, async () => await call('long_query', {})))
    // 0.8 s is the limit of the tool; the rest is for a busy machine.
    expect(performance.now() - started).toBeLessThan(10_000)
    for (const { status, json } of answers) {
      expect(status).toBe(200)
      expect(json).toMatchObject({ result: { isError: true } })
    }
    await until(async () => (await call('list_projects', {})).text.includes('"items"'))
    await until(async () => (await audited('long_query', 'timeout')) > 0)
  })

  test('an answer beyond 1 MiB is none, and what its call wrote is gone', async () => {
    const [large, small] = [randomUUID(), randomUUID()]
    const refused = await call('large_answer', { id: large, bytes: 1_048_577 })
    expect(refused.status).toBe(200)
    expect(refused.json).toMatchObject({
      result: { isError: true, content: [{ text: expect.stringContaining('larger than 1 MiB') as string }] },
    })
    expect((await call('large_answer', { id: small, bytes: 1_000_000 })).text.length).toBeGreaterThan(1_000_000)
    expect([await isThere(large), await isThere(small)]).toEqual([false, true])
  })

  /** Reads an answer until the tool tells of its progress, and is gone. */
  async function leave(id: string): Promise<void> {
    const gone = new AbortController()
    const answer = await fetch(server.mcp, {
      method: 'POST',
      signal: gone.signal,
      headers: {
        authorization: `Bearer ${alice}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'hold', arguments: { id, ms: 14_000 }, _meta: { progressToken: 'p' } },
      }),
    })
    const reader = answer.body?.getReader()
    let text = ''
    while (!text.includes('notifications/progress')) text += Buffer.from((await reader?.read())?.value ?? []).toString()
    gone.abort()
  }

  test('a client that is cut off in mid-stream: its write is undone, its call is in the audit, its connection is free', async () => {
    // One after another, more than the tenant may hold connections: each has to come back.
    const ids = Array.from({ length: 12 }, () => randomUUID())
    for (const id of ids) await leave(id)
    expect((await call('create_project', { name: 'after' })).text).toContain('structuredContent')
    await until(async () => (await audited('hold', 'cancelled')) === ids.length)
    for (const id of ids) expect(await isThere(id)).toBe(false)
  })
})
