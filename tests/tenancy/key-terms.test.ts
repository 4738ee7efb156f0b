import { describe, expect, test } from 'vitest'
import { checkedExpiry, checkedTerms, needWithin, type KeyTerms } from '#tenancy/key-terms.ts'
import type { Actor } from '#tenancy/registry.ts'
import { createScopes, type PersonRole } from '#tenancy/roles.ts'
import { person } from './people.ts'
import { ALL_ON, NO_LIMITS } from '#tenancy/tenant.ts'

const NOW = 1_000_000
const scopes = createScopes(['projects:read', 'projects:write', 'audit:read'])
const operator: Actor = { kind: 'operator', name: 'tests' }
const terms: KeyTerms = { name: 'ci', scopes: ['projects:read'], cidrs: [], requests_per_hour: null }
const checked = (change: Partial<KeyTerms>, actor: Actor = operator): KeyTerms =>
  checkedTerms({ ...terms, ...change }, actor, scopes)
const refused = (code: string) => expect.objectContaining({ name: 'RegistryError', code })

const of = (role: PersonRole): Actor => ({
  kind: 'person',
  principal: {
    identity: person('ann@acme.com'),
    tenant: {
      id: 't',
      slug: 'acme',
      name: 'Acme',
      schema: 'tenant_acme',
      status: 'active',
      placement: 'default',
      schemaVersion: 1,
      mcpAdmin: false,
      deleteAfter: null,
      plan: null,
      limits: NO_LIMITS,
      toolsOff: ALL_ON,
    },
    role,
    scopes: scopes.ofRole(role),
    role_scopes: scopes.ofRole(role),
  },
  request_id: null,
  ip: null,
})

describe('what a key is made with', () => {
  test('is taken as asked for: name trimmed, scopes once each', () => {
    expect(
      checked({
        name: ' ci ',
        scopes: ['projects:read', 'projects:write', 'projects:read'],
        cidrs: ['10.0.0.1'],
        requests_per_hour: 1_000_000,
      }),
    ).toEqual({
      name: 'ci',
      scopes: ['projects:read', 'projects:write'],
      cidrs: ['10.0.0.1/32'],
      requests_per_hour: 1_000_000,
    })
    expect(checked({ scopes: ['*'] })).toEqual({ ...terms, scopes: ['*'] })
    expect(checked({ name: 'x'.repeat(100) }).name).toHaveLength(100)
  })

  test.each<Partial<KeyTerms>>([
    { scopes: [] },
    { scopes: ['nonsense:read'] },
    { scopes: ['projects:read', 'nonsense:read'] },
    { scopes: ['tenant:owner'] },
    { name: '' },
    { name: 'x'.repeat(101) },
    { requests_per_hour: 0 },
    { requests_per_hour: 1.5 },
    { requests_per_hour: 1_000_001 },
    { requests_per_hour: Number.NaN },
  ])('%j cannot be', (change) => {
    expect(() => checked(change)).toThrow(refused('invalid'))
  })

  test.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    [' 10.0.0.0/32 ', '10.0.0.0/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['::/128', '::/128'],
    ['::ffff:10.0.0.0/104', '::ffff:10.0.0.0/104'],
  ])('the addresses %s are %s', (text, cidr) => {
    expect(checked({ cidrs: [text] }).cidrs).toEqual([cidr])
  })

  test.each([
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10.0.0.0/ 8',
    '10.0.0.0/8x',
    '10.0.0.0/x8',
    '10.0.0.0/1e1',
    '10.0.0.0/0x8',
    '10.0.0.0/0008',
    '10.0.0',
    '::/129',
    'everywhere',
    'localhost/8',
  ])('%j are no addresses', (text) => {
    expect(() => checked({ cidrs: ['10.0.0.0/8', text] })).toThrow(refused('invalid'))
  })

  test('D23: a key never reaches above who asks for it, * included', () => {
    expect(() => checked({ scopes: ['audit:read'] }, of('member'))).toThrow(refused('forbidden'))
    expect(() => checked({ scopes: ['projects:read', 'projects:write'] }, of('viewer'))).toThrow(refused('forbidden'))
    expect(() => checked({ scopes: ['*'] }, of('viewer'))).toThrow(refused('forbidden'))
    expect(checked({ scopes: ['projects:read'] }, of('viewer')).scopes).toEqual(['projects:read'])
    expect(checked({ scopes: ['*', 'audit:read', 'tenant:admin'] }, of('admin')).scopes).toHaveLength(3)
    expect(() => needWithin(['projects:write'], of('viewer'), scopes)).toThrow(refused('forbidden'))
    expect(() => needWithin(['projects:write'], of('member'), scopes)).not.toThrow()
  })

  const DAY = 86_400_000
  test.each([
    [undefined, NOW + 90 * DAY],
    [NOW + DAY, NOW + DAY],
    [NOW + 365 * DAY, NOW + 365 * DAY],
  ])('a person’s key that is to end at %s ends at %s', (asked, ends) => {
    expect(checkedExpiry(asked, of('owner'), NOW)).toBe(ends)
  })

  test.each([null, NOW, NOW + DAY / 2, NOW + 366 * DAY, Number.NaN, Number.POSITIVE_INFINITY])(
    'a person’s key cannot end at %s',
    (asked) => {
      expect(() => checkedExpiry(asked, of('owner'), NOW)).toThrow(refused('invalid'))
    },
  )

  test('an operator’s key ends when they say, or never; not in the past', () => {
    expect([undefined, null, NOW + 1, NOW + 4_000 * DAY].map((asked) => checkedExpiry(asked, operator, NOW))).toEqual([
      null,
      null,
      NOW + 1,
      NOW + 4_000 * DAY,
    ])
    for (const asked of [NOW, NOW - 1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => checkedExpiry(asked, operator, NOW)).toThrow(refused('invalid'))
  })
})
