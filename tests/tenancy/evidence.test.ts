import { describe, expect, test } from 'vitest'
import type { Identity } from '#identity/identity.ts'
import { evidenceDigest, evidenceOf, isVerified } from '#tenancy/evidence.ts'
import { DEVELOPMENT_PEOPLE, seedOf } from '#tenancy/seeds.ts'
import { deny } from '#tenancy/standing.ts'
import { rfc3339, rfc3339OrNull, toTenant, type TenantRow } from '#tenancy/tenant-row.ts'
import { whoami } from '#tenancy/whoami.ts'
import { personDigest } from '#tenancy/digest.ts'
import { person } from './people.ts'
import { ALL_ON, NO_LIMITS } from '#tenancy/tenant.ts'

const hosted = (value: string): Partial<Identity> => ({ organization: { kind: 'hd', value } })

describe('evidence', () => {
  test('is nothing at all where a token says nothing', () => {
    expect(evidenceOf(person(null))).toEqual({ domains: [], organization: null, tenant: null, mailbox: false })
  })

  test('an address that its own issuer vouches for shows its domain, live', () => {
    expect(evidenceOf(person('Ann@ACME.com'))).toEqual({
      domains: [{ domain: 'acme.com', authority: 'live' }],
      organization: null,
      tenant: null,
      mailbox: false,
    })
  })

  test('D7: one that was verified at some time shows it as such', () => {
    expect(evidenceOf(person('ann@acme.com', { email_authority: 'once' })).domains).toEqual([
      { domain: 'acme.com', authority: 'once' },
    ])
  })

  test('D6: an address that nobody verified, or that this provider has no say over, shows nothing', () => {
    const unheard = [
      { email_authority: 'none' },
      { email_verified: false },
      { email_verified: 'true' },
      { email_verified: 1 },
    ]
    for (const overrides of unheard) {
      const identity = { ...person('ann@acme.com'), ...overrides } as unknown as Identity
      expect(evidenceOf(identity)).toMatchObject({ domains: [], mailbox: false })
      const mailbox = { ...person('ann@gmail.com'), ...overrides } as unknown as Identity
      expect(evidenceOf(mailbox).mailbox).toBe(false)
    }
    expect(evidenceOf({ ...person(null), email_verified: true, email_authority: 'live' }).domains).toEqual([])
  })

  test('D8: the hosted domain comes first, is live, and is not told twice', () => {
    expect(evidenceOf(person('a@mail.acme.com', { ...hosted('Acme.com'), email_authority: 'once' })).domains).toEqual([
      { domain: 'acme.com', authority: 'live' },
      { domain: 'mail.acme.com', authority: 'once' },
    ])
    expect(evidenceOf(person('a@acme.com', { ...hosted('acme.com'), email_authority: 'once' })).domains).toEqual([
      { domain: 'acme.com', authority: 'live' },
    ])
    expect(evidenceOf(person(null, hosted('acme.com')))).toMatchObject({
      domains: [{ domain: 'acme.com', authority: 'live' }],
      organization: null,
    })
  })

  test('no public mailbox and no public suffix is anybody’s domain', () => {
    for (const domain of ['gmail.com', 'co.uk', 'github.io', 'no domain']) {
      expect(evidenceOf(person(null, hosted(domain))).domains).toEqual([])
      expect(evidenceOf(person(`a@${domain}`)).domains).toEqual([])
    }
    expect(evidenceOf(person('a@gmail.com')).mailbox).toBe(true)
    expect(evidenceOf(person('a@co.uk')).mailbox).toBe(false)
  })

  test('D8: an organisation that operators can map is told by its kind; one that Postgres cannot hold is none', () => {
    for (const kind of ['org_id', 'tid'] as const) {
      expect(evidenceOf(person(null, { organization: { kind, value: 'x1' } }))).toMatchObject({
        organization: { kind, value: 'x1' },
        domains: [],
      })
      // A value of that kind is no domain, whatever it looks like.
      expect(evidenceOf(person(null, { organization: { kind, value: 'acme.com' } })).domains).toEqual([])
      expect(evidenceOf(person(null, { organization: { kind, value: 'x\0' } })).organization).toBeNull()
    }
  })

  test('the tenant that a trusted claim names is passed on', () => {
    expect(evidenceOf(person(null, { tenant: 'acme' })).tenant).toBe('acme')
  })

  test('only the boolean true is verified', () => {
    expect([true, false, 'true', 1, null, undefined].map((email_verified) => isVerified({ email_verified }))).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ])
  })

  test('whatever of an identity a resolution depends on makes another digest', () => {
    const ann = person('ann@acme.com')
    const changes: Partial<Identity>[] = [
      { provider: 'google' },
      { iss: 'https://other.test' },
      { sub: 'bob' },
      { key: { id: 'k', tenant: 'acme' } },
      hosted('acme.com'),
      { tenant: 'acme' },
      { email: 'ann@acme.org' },
      { email_verified: false },
      { email_authority: 'once' },
      { name: 'Ann' },
    ]
    const digests = [{}, ...changes].map((change) => evidenceDigest({ ...ann, ...change }))
    expect(new Set(digests).size).toBe(changes.length + 1)
    expect(digests[0]).toMatch(/^[\w-]{43}$/)
    expect(evidenceDigest({ ...ann, exp: 1, scopes: ['a'], picture: 'p' })).toBe(digests[0])
  })
})

test('D1: only the development sign-in names its people, by a verified address', () => {
  const alice = person('alice@acme.test', { provider: 'development' })
  expect(DEVELOPMENT_PEOPLE).toEqual([
    { email: 'alice@acme.test', role: 'owner' },
    { email: 'carol@acme.test', role: 'viewer' },
    { email: 'bob@globex.test', role: 'owner' },
  ])
  expect(seedOf(alice, DEVELOPMENT_PEOPLE)).toEqual({ email: 'alice@acme.test', role: 'owner' })
  expect(seedOf({ ...alice, provider: 'oidc' }, DEVELOPMENT_PEOPLE)).toBeNull()
  expect(seedOf({ ...alice, email_verified: false }, DEVELOPMENT_PEOPLE)).toBeNull()
  expect(seedOf({ ...alice, email: 'dora@acme.test' }, DEVELOPMENT_PEOPLE)).toBeNull()
  expect(seedOf(alice, [])).toBeNull()
})

const row: TenantRow = {
  tenant_id: 'an id',
  slug: 'acme',
  tenant_name: 'Acme',
  schema: 'tenant_acme',
  tenant_status: 'active',
  placement: 'second',
  schema_version: 3,
  mcp_admin: true,
  delete_after: new Date('2026-12-01'),
  plan: null,
  limits: null,
  tools_off: [],
}
const tenant = {
  id: 'an id',
  slug: 'acme',
  name: 'Acme',
  schema: 'tenant_acme',
  status: 'active',
  placement: 'second',
  schemaVersion: 3,
  mcpAdmin: true,
  deleteAfter: '2026-12-01T00:00:00.000Z',
  plan: null,
  limits: NO_LIMITS,
  toolsOff: ALL_ON,
} as const

test('a row of the registry is a tenant, unless it is deleted', () => {
  expect(toTenant(row)).toEqual(tenant)
  expect(toTenant({ ...row, tenant_status: 'suspended' })?.status).toBe('suspended')
  expect(toTenant({ ...row, tenant_status: 'deleted' })).toBeNull()
  const limits = { ...NO_LIMITS, calls_per_minute: 60, keys: 0 }
  expect(toTenant({ ...row, plan: 'free', limits })).toEqual({ ...tenant, plan: 'free', limits })
  expect(toTenant({ ...row, tools_off: ['whoami'] })).toEqual({ ...tenant, toolsOff: new Set(['whoami']) })
})

test('a person is told who they are, with their scopes in order', () => {
  const identity = person('ann@acme.com', { name: 'Ann' })
  const scopes = new Set(['projects:write', 'documents:read'])
  expect(whoami({ identity, tenant, role: 'member', scopes, role_scopes: scopes })).toEqual({
    user_id: 'oidc:ann@acme.com',
    email: 'ann@acme.com',
    name: 'Ann',
    provider: 'oidc',
    tenant: { slug: 'acme', name: 'Acme' },
    role: 'member',
    scopes: ['documents:read', 'projects:write'],
  })
})

test('a blocked person is known by the digest of issuer and subject, which cannot be shifted into each other', () => {
  // printf 'a\0bc' | sha256sum: rows that were written stay found.
  expect(personDigest('a', 'bc')).toBe('40bb547d936bbd31318ee37ac8799e7ecbb22eda2651f65e3214bffb8ce97bb4')
  expect(personDigest('a', 'bc')).not.toBe(personDigest('ab', 'c'))
})

test('times are RFC 3339 in UTC', () => {
  expect([rfc3339(new Date(0)), rfc3339OrNull(new Date(0)), rfc3339OrNull(null)]).toEqual([
    '1970-01-01T00:00:00.000Z',
    '1970-01-01T00:00:00.000Z',
    null,
  ])
  expect(deny('person_blocked', 'why')).toEqual({ denied: 'person_blocked', detail: 'why' })
})
