import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatehouse, type Ran } from '../support/command.ts'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'

/** Milliseconds from the end of the command to its effect at the server (D21). */
const SECOND = 1_000

describe.each(upperKinds)('cut off at night on %s', (kind) => {
  let server: RunningGatehouse
  let alice: string
  beforeAll(async () => {
    server = await startGatehouse({ kind })
    alice = await server.token('alice@acme.test')
    await until(async () => (await whoami(alice)) === 200)
  })
  afterAll(async () => await server.close())

  const whoami = async (token: string): Promise<number> =>
    (await rpc(server.mcp, token, 'tools/call', { name: 'whoami', arguments: {} })).status
  const run = async (line: string, input = ''): Promise<Ran> => {
    const ran = await gatehouse(server, line, input)
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    return ran
  }
  const becomes = async (token: string, status: number): Promise<void> =>
    await until(async () => (await whoami(token)) === status, SECOND)

  test('D22: a revoked token is refused within a second, another of the same person is not', async () => {
    const [stolen, other] = [await server.token('alice@acme.test'), alice]
    expect(await whoami(stolen)).toBe(200)
    await run('token revoke --json', stolen)
    await becomes(stolen, 401)
    expect(await whoami(other)).toBe(200)
  })

  test('D22: a revoked ES256 token does not come back with the twin of its signature', async () => {
    const stolen = await server.token('alice@acme.test')
    const other = twin(stolen)
    // RFC 7515 does not ask for the lower s: both signatures are true.
    expect([await whoami(stolen), await whoami(other)]).toEqual([200, 200])
    await run('token revoke --json', stolen)
    await becomes(stolen, 401)
    expect(await whoami(other)).toBe(401)
  })

  test('D22: a blocked person is refused within a second, everyone else is not, and unblocked let in again', async () => {
    const person = `development:${subOf(alice)}`
    const carol = await server.token('carol@acme.test')
    expect(await whoami(carol)).toBe(200)
    await run(`person block ${person} --yes --json`)
    await becomes(alice, 401)
    expect(await whoami(carol)).toBe(200)
    await run(`person unblock ${person} --json`)
    await becomes(alice, 200)
  })

  test('D22, D23: a key stops with its blocked or removed maker, and works again when operators adopt it', async () => {
    const carol = await server.token('carol@acme.test')
    const { key, id }: { key: string; id: string } = (await run('key create acme_test --json')).json()
    await server.database.sql(
      `UPDATE gatehouse.api_keys SET creator_member_id = m.id FROM gatehouse.members m WHERE api_keys.id = $1 AND m.sub = $2`,
      [id, subOf(carol)],
    )
    expect(await whoami(key)).toBe(200)
    const person = `development:${subOf(carol)}`
    await run(`person block ${person} --yes --json`)
    await becomes(key, 401)
    await run(`person unblock ${person} --json`)
    await becomes(key, 200)
    await run(`member remove acme_test ${person} --yes --json`)
    await until(async () => (await whoami(key)) !== 200, SECOND)
    await run(`key adopt acme_test ${id} --json`)
    await becomes(key, 200)
  })
})

function subOf(token: string): string {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }
  return claims.sub
}

/** The same token under (r, n - s), n the order of P-256. */
function twin(token: string): string {
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const [header, payload, signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const s = (n - BigInt(`0x${bytes.subarray(32).toString('hex')}`)).toString(16).padStart(64, '0')
  return `${header}.${payload}.${Buffer.concat([bytes.subarray(0, 32), Buffer.from(s, 'hex')]).toString('base64url')}`
}
