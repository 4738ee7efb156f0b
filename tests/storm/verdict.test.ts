import { expect, test } from 'vitest'
import type { Seen } from './calls.ts'
import { Ledger } from './ledger.ts'
import { newMark } from './mark.ts'
import { MUST_BE_ZERO, report } from './report.ts'
import { judge } from './verdict.ts'
import type { StormTenant, Token, World } from './world.ts'

const token: Token = { kind: 'oidc', text: '', id: null, closed: [] }

/** A tenant, what its tables hold, and one call of it. */
function scene({ rows = [] as object[], audit = ['r1'] } = {}) {
  const tenant: StormTenant = { slug: 'a', mark: newMark(), ledger: new Ledger(), tokens: [token], closed: [] }
  const stored = (text: string): object[] => {
    if (text.includes('tenant_a.audit')) return audit.map((id) => ({ id }))
    return text.includes('.projects') ? rows : []
  }
  const world = { tenants: [tenant], replicas: [], sql: async (text: string) => stored(text) } as unknown as World
  const call = { tenant, token, tool: 'whoami', sent: 5_000, answered: 5_010, status: 200, served: true }
  const seen: Seen = { ...call, failure: null, requestId: 'r1', rows: 0, foreign: 0 }
  const rings = async (changed: Partial<Seen> = {}) => {
    const counts = { suspensions: 0, revocations: 0 }
    return report(await judge({ world, seen: [{ ...seen, ...changed }], counts, seconds: 1 })).wrong
  }
  return { tenant, rings }
}

test('a storm in which nothing is wrong rings no alarm, and each wrong rings its own', async () => {
  const rung = new Set<string>()
  const expectRing = (wrong: readonly string[], name: (typeof MUST_BE_ZERO)[number]): void => {
    expect(wrong).toEqual([name])
    rung.add(name)
  }
  expect(await scene().rings()).toEqual([])

  expectRing(await scene().rings({ rows: 1, foreign: 1 }), 'foreignRowsRead')
  expectRing(await scene().rings({ status: 500, served: false }), 'unexpected')
  expectRing(await scene({ audit: [] }).rings(), 'auditDifference')
  expectRing(await scene({ audit: ['r1', 'r1'] }).rings(), 'auditDifference')
  expectRing(await scene({ audit: ['r1', 'r2'] }).rings(), 'auditDifference')

  const strange = scene({ rows: [{ id: 'p', text: 'x', whole: `x ${newMark()}` }] })
  expectRing(await strange.rings(), 'foreignRowsStored')

  const lost = scene()
  lost.tenant.ledger.created('projects', 'p', 'x')
  expectRing(await lost.rings(), 'acknowledgedWritesMissing')

  const shut = scene()
  shut.tenant.closed.push({ from: 3_990, to: 6_000 })
  expectRing(await shut.rings(), 'servedAfterCutOff')
  // Within the second, and after it was let in again, it may be served.
  expect(await shut.rings({ sent: 4_900, answered: 4_950 })).toEqual([])
  expect(await shut.rings({ sent: 6_100, answered: 6_150 })).toEqual([])

  expect([...rung].sort()).toEqual([...MUST_BE_ZERO].sort())
})
