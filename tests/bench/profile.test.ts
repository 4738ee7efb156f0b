import { expect, test } from 'vitest'
import { authOrTenancy, hottest, workOf, type Profile } from '../../bench/parts/profile.ts'

const node = (id: number, url: string, children: readonly number[] = [], functionName = 'f') => ({
  id,
  callFrame: { functionName, url },
  children,
})
const DIST = 'file:///app/dist/src'

test('a sample belongs to the innermost file that has a place, and so does what a library does for it', () => {
  const profile: Profile = {
    startTime: 0,
    nodes: [
      node(1, '', [2, 9, 10], '(root)'),
      node(2, 'file:///app/node_modules/fastify/lib/route.js', [3, 7]),
      node(3, `${DIST}/http/gate.js`, [4, 5]),
      node(4, 'node:crypto'),
      // The gate hands on: what comes after it is not its own.
      node(5, 'file:///app/node_modules/fastify/lib/hooks.js', [6]),
      node(6, `${DIST}/http/mcp.js`),
      node(7, `${DIST}/identity/jwt.js`, [8]),
      node(8, 'file:///app/node_modules/jose/verify.js'),
      node(9, '', [], '(idle)'),
      node(10, '', [], '(garbage collector)'),
    ],
    samples: [2, 4, 6, 5, 8, 9, 10, 8],
    timeDeltas: [10, 20, 25, 5, 40, 1000, 500, 7],
  }
  expect(workOf(profile, { from: 0, to: 1_601 }, authOrTenancy)).toEqual({ ours: 60, all: 100 })
  expect(workOf(profile, { from: 0, to: 31 }, authOrTenancy)).toEqual({ ours: 20, all: 30 })
})

test('auth and tenancy are their rooms and the gate, not the audit that lies beside them', () => {
  for (const file of ['src/identity/bearer.js', 'src/tenancy/resolve.js', 'providers/oidc.js', 'src/http/gate.js'])
    expect(authOrTenancy(`file:///app/dist/${file}`), file).toBe('ours')
  for (const file of ['src/tenancy/audit.js', 'src/toolkit/call.js', 'src/http/mcp.js'])
    expect(authOrTenancy(`file:///app/dist/${file}`), file).toBe('other')
  expect(authOrTenancy('node:internal/crypto/hash')).toBeNull()
})

test('the hottest functions are named with their part of the work, garbage collection included, waiting not', () => {
  const profile: Profile = {
    startTime: 0,
    nodes: [
      node(1, '', [2, 3, 4], '(root)'),
      node(2, 'file:///app/node_modules/pg/lib/client.js', [], 'query'),
      node(3, '', [], '(idle)'),
      node(4, '', [], '(garbage collector)'),
    ],
    samples: [2, 3, 4, 2],
    timeDeltas: [30, 1000, 25, 45],
  }
  expect(hottest(profile, { from: 0, to: 2_000 })).toEqual([
    ' 75.0 %  query pg/lib/client.js',
    ' 25.0 %  (garbage collector)',
  ])
})
