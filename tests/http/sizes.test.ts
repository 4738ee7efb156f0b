/** A whole server whose operator set the sizes, and tenants whose plan narrows them while it runs. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc, type RpcAnswer } from '../support/rpc.ts'
import { until } from '../support/until.ts'

const SMALL = 64 * 1024
let server: RunningGatehouse
let alice: string
beforeAll(async () => {
  server = await startGatehouse({
    kind: 'postgres',
    env: {
      TOOLS_DIR: fileURLToPath(new URL('sizes-tools', import.meta.url)),
      RATE_LIMIT_PER_PRINCIPAL: '12',
      RATE_LIMIT_PER_TENANT: '16',
      BODY_LIMIT: String(SMALL),
      RESULT_LIMIT: String(SMALL),
      CALL_TIMEOUT: '1',
    },
  })
  alice = await server.token('alice@acme.test')
})
afterAll(async () => await server.close())

const call = async (token: string, name: string, args: object = {}): Promise<RpcAnswer> =>
  await rpc(server.mcp, token, 'tools/call', { name, arguments: args })
const left = ({ status, headers }: RpcAnswer): string =>
  `${status} ${headers.get('ratelimit')?.replace(/;t=\d+$/, '') ?? ''}`
/** The text of a result, and whether it tells of a failure. */
function told({ json }: RpcAnswer): readonly [failed: boolean, text: string] {
  const { result } = json as { result: { isError?: boolean; content: { text: string }[] } }
  return [result.isError === true, result.content[0]?.text ?? '']
}

test('a tool with cost 5 takes 5 of the limit and is refused when they do not fit; a list and an unknown tool take 1', async () => {
  const bob = await server.token('bob@globex.test')
  expect(left(await call(bob, 'whoami'))).toBe('200 "principal";r=11')
  expect(left(await rpc(server.mcp, bob, 'tools/list'))).toBe('200 "principal";r=10')
  expect(left(await call(bob, 'no_such_tool'))).toBe('200 "principal";r=9')
  expect(left(await call(bob, 'costly'))).toBe('200 "principal";r=4')
  const refused = await call(bob, 'costly')
  expect(left(refused)).toBe('429 "principal";r=0')
  expect(refused.json).toMatchObject({ error: 'rate_limited' })
  // Nothing but the asking was counted of it, so what costs less still fits.
  expect(left(await call(bob, 'whoami'))).toBe('200 "principal";r=2')
  // The organisation has paid as much: 10 of 16 so far, and 5 for this key, which has 7 of 12 left.
  const made = await gatehouse(server, ['key', 'create', 'globex_test', '--json'])
  const { key } = made.json() as { key: string }
  expect(left(await call(key, 'costly'))).toBe('200 "tenant";r=1')
  expect(left(await call(key, 'costly'))).toBe('429 "tenant";r=0')
})

test('BODY_LIMIT: a longer body is 413, and one of that length is read', async () => {
  const sent = async (octets: number): Promise<number> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} })
    const answer = await fetch(server.mcp, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${alice}`,
      },
      body: body.padEnd(octets),
    })
    await answer.text()
    return answer.status
  }
  expect([await sent(SMALL), await sent(SMALL + 1)]).toEqual([200, 413])
})

test('RESULT_LIMIT: a longer result is not sent, and the caller is told how much is too much', async () => {
  expect(told(await call(alice, 'answer_bytes', { bytes: SMALL - 100 }))).toEqual([false, 'x'.repeat(SMALL - 100)])
  expect(told(await call(alice, 'answer_bytes', { bytes: SMALL }))).toEqual([
    true,
    expect.stringContaining('The answer is larger than 64 KiB.'),
  ])
})

test('CALL_TIMEOUT ends the call of a tool that names no time of its own', async () => {
  const [rest, longer] = await Promise.all(
    ['rest', 'rest_longer'].map(async (name) => told(await call(alice, name, { milliseconds: 1200 }))),
  )
  expect(rest).toEqual([true, expect.stringContaining('The call took too long and was ended')])
  expect(longer).toEqual([false, 'Rested.'])
})

test('result_bytes and call_seconds of a plan hold while the server runs, as soon as the plan has them', async () => {
  const carol = await server.token('carol@acme.test')
  const run = async (line: string): Promise<void> => {
    const ran = await gatehouse(server, line)
    if (ran.exit !== 0) throw new Error(ran.stderr)
  }
  // Of those many calls are made that wait for the next line.
  await run('plan set small --calls-per-minute 10000 --calls-per-minute-principal 10000')
  await run('tenant plan acme_test small')
  expect(told(await call(carol, 'answer_bytes', { bytes: 2000 }))).toEqual([false, 'x'.repeat(2000)])
  await run('plan set small --result-bytes 1024 --call-seconds 1')
  await until(async () => told(await call(carol, 'answer_bytes', { bytes: 2000 }))[0])
  expect(told(await call(alice, 'answer_bytes', { bytes: 2000 }))).toEqual([
    true,
    expect.stringContaining('The answer is larger than 1 KiB.'),
  ])
  // The tool itself would have 2.5 s.
  expect(told(await call(alice, 'rest_longer', { milliseconds: 1200 }))).toEqual([
    true,
    expect.stringContaining('The call took too long and was ended'),
  ])
})
