/** Each change of the registry leaves one row in its audit, and one word to every replica: which, exactly. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Change, Database } from '#db/database.ts'
import type { Registry } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { tokenDigest } from '#identity/token-digest.ts'
import { personDigest } from '#tenancy/digest.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { actorOf, company, enlist, operator, person, refusal, type Replica, startReplica } from './support.ts'

let fresh: FreshDatabase
let replica: Replica
let registry: Registry
let tenant: Tenant
const told: Change[] = []

beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  const database: Database = {
    ...fresh.database,
    async announce(change) {
      told.push(change)
      await fresh.database.announce(change)
    },
  }
  replica = await startReplica(fresh, { database })
  ;({ registry } = replica)
  tenant = await company(replica, 'acme')
  await written()
})
afterAll(async () => await fresh.drop())

interface Row {
  readonly id: string
  readonly action: string
}
let last = '00000000-0000-0000-0000-000000000000'
/** The rows of the registry's audit since the last look, without what is the same in all. */
async function written(): Promise<Omit<Row, 'id'>[]> {
  const rows = await fresh.sql<Row>(
    `SELECT id, tenant_id, iss, sub, key_id, action, target, outcome, latency_ms, request_id, ip, detail, arguments_digest
      FROM gatehouse.audit WHERE id > $1 ORDER BY id`,
    [last],
  )
  last = rows.at(-1)?.id ?? last
  return rows.map((row) => ({ ...row, id: undefined }))
}

/** What one act wrote and told. */
async function of<T>(act: () => Promise<T>): Promise<{ result: T; rows: Omit<Row, 'id'>[]; changes: Change[] }> {
  await written()
  told.length = 0
  const result = await act()
  return { result, rows: await written(), changes: [...told] }
}

const byOperator = { iss: 'operator', sub: 'tests', key_id: null, request_id: null, ip: null }
const same = { outcome: 'ok', latency_ms: null, arguments_digest: null }
const about = (action: string, target: string | null, detail: unknown, tenantId: string | null = tenant.id) => ({
  ...byOperator,
  ...same,
  tenant_id: tenantId,
  action,
  target,
  detail,
})
const ofTenant = (id: string): Change[] => [
  { table: 'tenants', tenant: id, id },
  { table: 'api_keys', tenant: id, id: null },
]

test('of tenants', async () => {
  const created = await of(
    async () => await registry.tenants.create(operator, { slug: 'blue', name: 'Blue', placement: 'default' }),
  )
  const { id } = created.result
  expect(created.rows).toEqual([about('tenant.created', 'blue', { name: 'Blue', placement: 'default' }, id)])
  expect(created.changes).toEqual([{ table: 'tenants', tenant: id, id }])
  const { result: blue } = created
  for (const [action, act] of [
    ['tenant.suspended', async () => await registry.tenants.suspend(blue, operator)],
    ['tenant.resumed', async () => await registry.tenants.resume(blue, operator)],
    ['tenant.deleted', async () => await registry.tenants.delete(blue, operator)],
  ] as const) {
    const { rows, changes } = await of(act)
    expect(rows).toEqual([about(action, 'blue', {}, id)])
    // A suspension is told as soon as it is shut, and again when nothing is open any more.
    expect(changes).toEqual(action === 'tenant.suspended' ? [...ofTenant(id), ...ofTenant(id)] : ofTenant(id))
  }
  // Done already: nothing to tell.
  expect(await of(async () => await registry.tenants.delete(blue, operator))).toMatchObject({ rows: [], changes: [] })
  const when = expect.stringMatching(/Z$/)
  for (const [action, detail, act] of [
    [
      'tenant.settings_changed',
      { mcp_admin: { from: false, to: true } },
      async () => await registry.tenants.setSettings(tenant, operator, { mcp_admin: true }),
    ],
    [
      'tenant.deletion_asked',
      { delete_after: when },
      async () => await registry.tenants.askDeletion(tenant, operator, 'acme'),
    ],
    ['tenant.kept', { delete_after: when }, async () => await registry.tenants.keep(tenant, operator)],
  ] as const) {
    const { rows, changes } = await of<unknown>(act)
    expect(rows).toEqual([about(action, 'acme', detail)])
    expect(changes).toEqual(ofTenant(tenant.id))
  }
  const renamed = await of(async () => await registry.tenants.rename(tenant, operator, ' Acme & Sons '))
  expect(renamed.rows).toEqual([about('tenant.renamed', 'acme', { name: 'Acme & Sons' })])
  expect(renamed.changes).toEqual(ofTenant(tenant.id))
})

test('of domains and organisations', async () => {
  const rules = {
    asserted_by: ['oidc'],
    include_subdomains: true,
    join_mode: 'request',
    default_role: 'admin',
    allow_once: true,
  } as const
  const added = await of(async () => await registry.domains.add(tenant, operator, { domain: 'Blue.com', ...rules }))
  expect(added.rows).toEqual([about('domain.added', 'blue.com', { domain: 'blue.com', ...rules })])
  expect(added.changes).toEqual([{ table: 'domains', tenant: tenant.id, id: added.result.id }])
  expect(added.result).toEqual({
    id: expect.any(String),
    slug: 'acme',
    domain: 'blue.com',
    state: 'verified',
    verified_by: 'operator',
    ...rules,
    created_at: expect.stringMatching(/Z$/),
    verified_at: added.result.created_at,
    // Nobody looks for a proof of what an operator vouches for.
    checked_at: null,
    next_check: null,
    problem: null,
    lapses_at: null,
    expires_at: null,
  })
  expect(await registry.domains.list(tenant, operator)).toEqual([
    expect.objectContaining({ domain: 'acme.com' }),
    added.result,
  ])
  const removed = await of(async () => await registry.domains.remove(tenant, operator, 'BLUE.com'))
  expect(removed.rows).toEqual([about('domain.removed', 'BLUE.com', null)])
  expect(removed.changes).toEqual(added.changes)

  const organization = { iss: 'https://issuer.test', kind: 'tid', value: 'f00', ...pick(rules) } as const
  const mapped = await of(async () => await registry.organizations.add(tenant, operator, organization))
  expect(mapped.rows).toEqual([about('organization.added', 'f00', organization)])
  expect(mapped.changes).toEqual([{ table: 'organizations', tenant: tenant.id, id: mapped.result.id }])
  expect(mapped.result).toEqual({
    id: expect.any(String),
    slug: 'acme',
    ...organization,
    created_at: expect.stringMatching(/Z$/),
  })
  expect(await registry.organizations.list(tenant, operator)).toEqual([mapped.result])
  const unmapped = await of(async () => await registry.organizations.remove(tenant, operator, 'f00'))
  expect(unmapped.rows).toEqual([about('organization.removed', 'f00', { iss: organization.iss, kind: 'tid' })])
  expect(unmapped.changes).toEqual(mapped.changes)
})

const pick = <T extends { join_mode: unknown; default_role: unknown }>({ join_mode, default_role }: T) => ({
  join_mode: join_mode as T['join_mode'],
  default_role: default_role as T['default_role'],
})

test('of members', async () => {
  const input = { provider: 'oidc', iss: 'https://issuer.test', sub: 'mia', email: 'Mia@x.com', name: 'Mia' } as const
  const added = await of(async () => await registry.members.add(tenant, operator, { ...input, role: 'viewer' }))
  const { id } = added.result
  const changes = [{ table: 'members', tenant: tenant.id, id }]
  expect(added).toMatchObject({
    rows: [about('member.added', id, { user_id: 'oidc:mia', iss: input.iss, role: 'viewer' })],
    changes,
  })
  expect(added.result).toEqual({
    id,
    slug: 'acme',
    user_id: 'oidc:mia',
    ...input,
    role: 'viewer',
    status: 'active',
    source: 'operator',
    evidence: null,
    home: true,
    tokens_not_before: null,
    created_at: expect.stringMatching(/Z$/),
    removed_at: null,
  })
  const set = await of(async () => await registry.members.setRole(tenant, operator, id, 'owner'))
  expect(set.rows).toEqual([about('member.role_changed', id, { user_id: 'oidc:mia', from: 'viewer', to: 'owner' })])
  expect(set).toMatchObject({ changes, result: { role: 'owner' } })
  // What is so already is not noted.
  const again = await of(async () => await registry.members.setRole(tenant, operator, id, 'owner'))
  expect(again).toMatchObject({ rows: [], changes: [], result: { role: 'owner' } })
  const cut = await of(async () => await registry.members.revokeTokens(tenant, operator, id))
  expect(cut).toMatchObject({ rows: [about('member.tokens_revoked', id, { user_id: 'oidc:mia' })], changes })
  const mia = await replica.principal({ ...person('mia@x.com'), sub: 'mia', iat: Math.ceil(Date.now() / 1000) + 1 })
  const home = await of(async () => await registry.members.makeHome(tenant, actorOf(mia)))
  expect(home.rows).toEqual([
    {
      ...about('member.home_chosen', id, null),
      iss: input.iss,
      sub: 'mia',
      request_id: 'request',
    },
  ])
  expect(home.changes).toEqual(changes)
  await enlist(replica, tenant, person('second-owner'), 'owner')
  await registry.members.setRole(tenant, operator, id, 'member')
  const gone = await of(async () => await registry.members.remove(tenant, operator, id))
  expect(gone).toMatchObject({ rows: [about('member.removed', id, { user_id: 'oidc:mia', role: 'member' })], changes })
  expect(await registry.members.show(tenant, operator, id)).toMatchObject({
    status: 'removed',
    home: false,
    removed_at: expect.stringMatching(/Z$/),
    tokens_not_before: expect.stringMatching(/Z$/),
  })
  const twice = await of(async () => await registry.members.remove(tenant, operator, id))
  expect(twice).toMatchObject({ rows: [], changes: [] })
})

test('of keys', async () => {
  const asked = { name: 'ci', scopes: ['projects:read'], cidrs: ['10.0.0.0/8'], expires_at: Date.now() + 60_000 }
  const made = await of(async () => await registry.keys.create(tenant, operator, { ...asked, role: 'viewer' }))
  const { id } = made.result.record
  const changes = [{ table: 'api_keys', tenant: tenant.id, id }]
  expect(made).toMatchObject({ rows: [about('key.created', id, { ...asked, role: 'viewer' })], changes })
  expect(made.result.record).toEqual({
    id,
    slug: 'acme',
    ...asked,
    role: 'viewer',
    creator: null,
    creator_name: null,
    creator_active: true,
    requests_per_hour: null,
    status: 'active',
    created_at: expect.stringMatching(/Z$/),
    expires_at: new Date(asked.expires_at).toISOString(),
    revoked_at: null,
    last_used_at: null,
    last_used_ip: null,
    rotated_to: null,
  })
  const update = { name: 'cd', scopes: ['projects:write'], cidrs: [], expires_at: null }
  const updated = await of(async () => await registry.keys.update(tenant, operator, id, update))
  expect(updated).toMatchObject({ rows: [about('key.updated', id, { from: asked, to: update })], changes })
  expect(updated.result).toMatchObject(update)
  const rotated = await of(async () => await registry.keys.rotate(tenant, operator, id, { overlap: 1_000 }))
  const next = rotated.result.record.id
  expect(rotated).toMatchObject({ rows: [about('key.rotated', id, { to: next, overlap_ms: 1_000 })], changes })
  expect(await registry.keys.show(tenant, operator, id)).toMatchObject({ rotated_to: next })
  const adopted = await of(async () => await registry.keys.adopt(tenant, operator, next))
  const later = [{ table: 'api_keys', tenant: tenant.id, id: next }]
  expect(adopted).toMatchObject({ rows: [about('key.adopted', next, { name: 'cd' })], changes: later })
  const revoked = await of(async () => await registry.keys.revoke(tenant, operator, next))
  expect(revoked).toMatchObject({ rows: [about('key.revoked', next, { name: 'cd' })], changes: later })
  const again = await of(async () => await registry.keys.revoke(tenant, operator, next))
  expect(again).toMatchObject({ rows: [], changes: [] })
})

test('of what is refused everywhere', async () => {
  const digest = tokenDigest('stolen')
  const until = Date.now() + 60_000
  const token = await of(async () => {
    await registry.revocations.revokeToken(operator, { digest, until, reason: ' lost ' })
  })
  expect(token.rows).toEqual([about('token.revoked', digest, { iss: null, sub: null, reason: 'lost' }, null)])
  expect(token.changes).toEqual([{ table: 'revocations', tenant: null, id: digest }])
  const who = { iss: 'https://issuer.test', sub: 'eve' }
  const blocked = personDigest(who.iss, who.sub)
  const block = await of(async () => await registry.revocations.blockPerson(operator, who))
  expect(block.rows).toEqual([about('person.blocked', blocked, { ...who, reason: null }, null)])
  expect(block.changes).toEqual([{ table: 'revocations', tenant: null, id: blocked }])
  const list = [
    { kind: 'token', digest, iss: null, sub: null, reason: 'lost', until: new Date(until).toISOString() },
    { kind: 'person', digest: blocked, ...who, reason: null, until: null },
  ]
  expect(await registry.revocations.list(operator)).toEqual(
    list.map((row) => ({ ...row, id: expect.any(String), created_at: expect.stringMatching(/Z$/) })),
  )
  // Repeating one changes nothing.
  await registry.revocations.blockPerson(operator, who)
  expect(await registry.revocations.list(operator)).toHaveLength(2)
  const unblock = await of(async () => await registry.revocations.unblockPerson(operator, who))
  expect(unblock.rows).toEqual([about('person.unblocked', blocked, who, null)])
  expect(unblock.changes).toEqual(block.changes)
  // A person may revoke a token they hold: noted for their tenant, under their name.
  const ann = await replica.principal(person('ann@acme.com'))
  const own = await of(async () => {
    await registry.revocations.revokeToken(actorOf(ann), { digest: tokenDigest('mine'), until: null })
  })
  expect(own.rows).toMatchObject([{ action: 'token.revoked', tenant_id: tenant.id, sub: 'ann@acme.com' }])
})

test('of joining, of asking to, and of a tenant made for a first person', async () => {
  const joined = await of(async () => await replica.principal(person('bob@acme.com')))
  const bob = await registry.members.show(tenant, operator, 'bob@acme.com')
  const author = { iss: 'https://issuer.test', sub: 'bob@acme.com', ip: '192.0.2.7' }
  const detail = { tenant: 'acme', role: 'member', source: 'domain', evidence: 'acme.com' }
  expect(joined.rows).toEqual([{ ...about('member.joined', bob.id, detail), ...author }])
  expect(joined.changes).toEqual([{ table: 'members', tenant: tenant.id, id: bob.id }])

  const once = person('cy@acme.com', { email_authority: 'once' })
  const asked = await of(async () => await refusal(replica.principal(once)))
  const cy = await registry.members.show(tenant, operator, 'cy@acme.com')
  expect(asked.result).toBe('join_by_request')
  expect(asked.rows).toEqual([{ ...about('member.requested', cy.id, detail), ...author, sub: 'cy@acme.com' }])
  expect(asked.changes).toEqual([{ table: 'members', tenant: tenant.id, id: cy.id }])
  const again = await of(async () => await refusal(replica.principal(once, { tokenDigest: 'another' })))
  expect(again).toEqual({ result: 'join_by_request', rows: [], changes: [] })
  const approved = await of(async () => await registry.members.approve(tenant, operator, cy.id, 'viewer'))
  expect(approved.rows).toEqual([about('member.approved', cy.id, { user_id: 'oidc:cy@acme.com', role: 'viewer' })])
  expect(approved).toMatchObject({
    changes: asked.changes,
    result: { status: 'active', role: 'viewer', source: 'operator', evidence: null, home: false },
  })

  const open = await startReplica(fresh, { database: replica.database, config: { unmappedDomains: 'provision' } })
  const first = await of(async () => (await open.principal(person('di@new-firm.com'))).tenant)
  const { id } = first.result
  expect(first.rows).toEqual([
    {
      ...about(
        'tenant.provisioned',
        'new_firm_com',
        { origin: 'provision', domain: 'new-firm.com', role: 'member' },
        id,
      ),
      ...author,
      sub: 'di@new-firm.com',
    },
  ])
  expect(first.changes).toEqual([{ table: 'tenants', tenant: id, id }])
  const { mcpAdmin, deleteAfter, toolsOff, ...made } = first.result
  expect((await registry.tenants.list(operator)).find(({ slug }) => slug === 'new_firm_com')).toEqual({
    ...made,
    mcp_admin: mcpAdmin,
    operator_access: false,
    tools_off: [...toolsOff],
    delete_after: deleteAfter,
    delete_asked_by: null,
    origin: 'provision',
    created_at: expect.stringMatching(/Z$/),
    suspended_at: null,
    deleted_at: null,
  })
  expect((await registry.members.list(first.result, operator)).items).toMatchObject([
    { role: 'member', source: 'provision', evidence: 'new-firm.com', home: true, email: 'di@new-firm.com' },
  ])
  expect(await registry.domains.list(first.result, operator)).toMatchObject([
    { domain: 'new-firm.com', state: 'verified', verified_by: 'provision', asserted_by: ['oidc'], join_mode: 'auto' },
  ])
})

test('a word that cannot be said undoes nothing', async () => {
  const mute: Database = {
    ...fresh.database,
    announce: async () => await Promise.reject(new Error('no way to Postgres')),
  }
  const quiet = await startReplica(fresh, { database: mute })
  await quiet.registry.tenants.rename(tenant, operator, 'Renamed')
  expect((await registry.tenants.get(operator, 'acme')).name).toBe('Renamed')
})
