import { expect, test } from 'vitest'
import { CHANNEL, formatChange, parseChange } from '#db/change.ts'
import type { Change } from '#db/database.ts'

test('D21: every table whose rows decide about people can be announced, on the one channel', () => {
  const tables: Record<Change['table'], string> = {
    tenants: 't1',
    domains: 'd1',
    members: 'm1',
    organizations: 'o1',
    api_keys: 'k1',
    invitations: 'i1',
    revocations: 'r1',
    plans: 'p1',
    upstreams: 'u1',
  }
  for (const [table, id] of Object.entries(tables) as [Change['table'], string][]) {
    for (const change of [
      { table, tenant: 'a tenant', id },
      { table, tenant: null, id: null },
    ])
      expect(parseChange(formatChange(change))).toEqual(change)
  }
  expect(CHANNEL).toBe('gatehouse')
  // The longest that is believed.
  const room = 1_000 - formatChange({ table: 'members', tenant: null, id: '' }).length
  expect(parseChange(formatChange({ table: 'members', tenant: null, id: 'x'.repeat(room) }))).not.toBeNull()
  expect(parseChange(formatChange({ table: 'members', tenant: null, id: 'x'.repeat(room + 1) }))).toBeNull()
})

test('D21: a notification is a hint: what is no change of ours is nothing', () => {
  const change = { table: 'api_keys', tenant: null, id: 'abc' } as const
  expect(parseChange(formatChange(change))).toEqual(change)
  expect(parseChange(JSON.stringify({ ...change, more: 1 }))).toEqual(change)
  for (const payload of [
    undefined,
    '',
    '{',
    'null',
    '[]',
    '1',
    '{}',
    JSON.stringify({ ...change, table: 'passwords' }),
    JSON.stringify({ ...change, tenant: 1 }),
    JSON.stringify({ ...change, id: {} }),
    JSON.stringify({ table: 'members', tenant: null }),
    JSON.stringify({ tenant: null, id: null }),
    JSON.stringify({ table: 'members', id: null }),
    JSON.stringify({ ...change, table: ['members'] }),
    JSON.stringify({ ...change, id: 'x'.repeat(1_000) }),
  ]) {
    expect(parseChange(payload)).toBeNull()
  }
})
