import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditKey, CONTROL_SCHEMA, insertAudit, signAudit, type AuditEntry } from '#tenancy/audit.ts'
import type { AuditPage } from '#tenancy/audit-desk.ts'
import { cursorOf, type AuditQuery } from '#tenancy/audit-query.ts'
import type { AuditRecord } from '#tenancy/audit-record.ts'
import type { Actor, Registry } from '#tenancy/registry.ts'
import type { PersonRole } from '#tenancy/roles.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { actorOf, MovedClock, operator, person, registryError, SECRET, startReplica, type Replica } from './support.ts'

const START = Date.parse('2026-03-01T12:00:00Z')
const MINUTE = 60_000
const ISS = 'https://issuer.test'

const entry = (overrides: Partial<AuditEntry>): AuditEntry => ({
  at: START,
  tenant_id: null,
  iss: ISS,
  sub: 'ann',
  key_id: null,
  action: 'create_project',
  target: null,
  outcome: 'ok',
  latency_ms: 12,
  request_id: 'r1',
  ip: '192.0.2.1',
  detail: null,
  arguments_digest: 'digest-of-arguments',
  ...overrides,
})

describe.each(upperKinds)('the audit desk (%s)', (kind) => {
  let fresh: FreshDatabase
  let replica: Replica
  let registry: Registry
  let acme: Tenant
  let other: Tenant
  let admin: Actor
  const clock = new MovedClock()

  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    replica = await startReplica(fresh, { clock })
    ;({ registry } = replica)
    acme = await registry.tenants.create(operator, { slug: 'acme' })
    other = await registry.tenants.create(operator, { slug: 'other' })
    admin = await member(acme, 'admin', 'root')
    await registry.members.add(acme, operator, {
      provider: 'oidc',
      iss: ISS,
      sub: 'ann',
      email: 'Ann@acme.com',
      name: 'Ann Example',
      role: 'member',
    })
    await called(acme, [
      { at: START, action: 'create_project', target: 'p1' },
      { at: START + MINUTE, action: 'create_project', target: 'p2', sub: 'bob' },
      { at: START + 2 * MINUTE, action: 'list_projects' },
      { at: START + 3 * MINUTE, action: 'delete_project', target: 'p1', sub: 'bob' },
      { at: START + 4 * MINUTE, action: 'delete_document', target: 'd1', outcome: 'failed' },
      { at: START + 5 * MINUTE, action: 'refused.rate_limited', target: 'list_projects', outcome: 'refused' },
      {
        at: START + 6 * MINUTE,
        action: 'create_todo',
        iss: 'urn:gatehouse:api-key',
        sub: 'KeyKeyKeyKey',
        key_id: 'KeyKeyKeyKey',
      },
    ])
    await changed(acme, [
      { at: START + 90_000, action: 'domain.claimed', target: 'acme.com', iss: 'operator', sub: 'tests' },
      { at: START + 210_000, action: 'domain.verified', target: 'acme.com', iss: 'gatehouse', sub: 'domain-watch' },
      { at: START + 330_000, action: 'member.role_changed', sub: 'ann' },
    ])
    await called(other, [{ at: START, action: 'delete_project', target: 'secret-of-other' }])
    await changed(other, [{ at: START, action: 'domain.claimed', target: 'other.com' }])
  })
  afterAll(async () => await fresh.drop())

  async function member(tenant: Tenant, role: PersonRole, sub: string): Promise<Actor> {
    const identity = person(null, { sub })
    await registry.members.add(tenant, operator, { provider: 'oidc', iss: identity.iss, sub, role })
    return actorOf(await replica.principal(identity))
  }
  const called = async (tenant: Tenant, entries: readonly Partial<AuditEntry>[]): Promise<void> =>
    await fresh.database.tenant(tenant, { access: 'write' }, async (db) => {
      const key = auditKey(SECRET, tenant.schema)
      await insertAudit(
        db,
        entries.map((each) => signAudit(key, entry({ tenant_id: tenant.id, ...each }), clock.now())),
      )
    })
  const changed = async (tenant: Tenant, entries: readonly Partial<AuditEntry>[]): Promise<void> =>
    await fresh.database.control({ as: 'operator' }, async (db) => {
      const key = auditKey(SECRET, CONTROL_SCHEMA)
      await insertAudit(
        db,
        entries.map((each) => signAudit(key, entry({ tenant_id: tenant.id, ...each }), clock.now())),
      )
    })
  /** What was told of the hour in which all these things happened; administrative rows of the set-up are of today. */
  const then = { until: START + 60 * MINUTE } as const
  const list = async (query: AuditQuery = {}, page = {}): Promise<AuditPage> =>
    await registry.audit.list(acme, admin, { ...then, ...query }, page)
  const actions = ({ items }: Pick<AuditPage, 'items'>): string[] => items.map(({ action }) => action)

  test('is one list of calls and changes, the latest first, with the names that the tenant knows', async () => {
    const { items, next, complete } = await list()
    expect({ next, complete }).toEqual({ next: null, complete: true })
    expect(items.map(({ action, source }) => `${source} ${action}`)).toEqual([
      'tools create_todo',
      'admin member.role_changed',
      'tools refused.rate_limited',
      'tools delete_document',
      'admin domain.verified',
      'tools delete_project',
      'tools list_projects',
      'admin domain.claimed',
      'tools create_project',
      'tools create_project',
    ])
    const of = (action: string): AuditRecord['actor'] | undefined => items.find((item) => item.action === action)?.actor
    expect(of('member.role_changed')).toMatchObject({
      type: 'person',
      id: 'oidc:ann',
      name: 'Ann Example',
      email: 'Ann@acme.com',
    })
    expect(of('delete_project')).toMatchObject({ type: 'person', id: 'bob', name: null, email: null })
    expect(of('create_todo')).toMatchObject({ type: 'key', id: 'KeyKeyKeyKey' })
    expect(of('domain.claimed')).toMatchObject({ type: 'operator', id: 'tests' })
    expect(of('domain.verified')).toMatchObject({ type: 'system', id: 'domain-watch' })
    expect(items.at(-1)).toMatchObject({
      at: '2026-03-01T12:00:00.000Z',
      target: 'p1',
      ip: '192.0.2.1',
      latency_ms: 12,
    })
  })

  test.each<[string, AuditQuery, string[]]>([
    ['an action', { action: 'delete_project' }, ['delete_project']],
    ['how actions begin', { action: 'domain.*' }, ['domain.verified', 'domain.claimed']],
    ['how actions of tools begin', { action: 'delete_*' }, ['delete_document', 'delete_project']],
    ['a beginning that none has', { action: 'nothing.*' }, []],
    ['a user id', { actor: 'oidc:ann', source: 'admin' }, ['member.role_changed']],
    ['an address, in whatever case', { actor: 'ann@ACME.com', source: 'admin' }, ['member.role_changed']],
    ['somebody who was never a member', { actor: 'bob' }, ['delete_project', 'create_project']],
    ['the same with a provider', { actor: 'google:bob' }, ['delete_project', 'create_project']],
    ['an operator', { actor: 'operator:tests' }, ['domain.claimed']],
    ['a key', { actor: 'KeyKeyKeyKey' }, ['create_todo']],
    ['nobody', { actor: 'nobody@acme.com' }, []],
    ['a target', { target: 'p1' }, ['delete_project', 'create_project']],
    ['a target in the registry', { target: 'acme.com' }, ['domain.verified', 'domain.claimed']],
    ['what was refused', { outcome: 'refused' }, ['refused.rate_limited']],
    ['what failed', { outcome: 'failed' }, ['delete_document']],
    ['a time from', { since: START + 330_000 }, ['create_todo', 'member.role_changed']],
    ['a time until, which is not part of it', { until: START + MINUTE }, ['create_project']],
    ['changes only', { source: 'admin' }, ['member.role_changed', 'domain.verified', 'domain.claimed']],
    [
      'calls of a kind by one person on one thing',
      { action: 'delete_project', actor: 'bob', target: 'p1', outcome: 'ok' },
      ['delete_project'],
    ],
    ['all of these but the target', { action: 'delete_*', actor: 'bob', target: 'p2' }, []],
    ['an action and a result', { action: 'delete_*', outcome: 'failed' }, ['delete_document']],
    ['a target and a result', { target: 'p1', outcome: 'failed' }, []],
  ])('can be asked for %s', async (_, query, expected) => {
    expect(actions(await list(query))).toEqual(expected)
  })

  test('names the member and the key that a change was about, and finds it by the address', async () => {
    const eve = await registry.members.add(acme, operator, {
      provider: 'google',
      iss: 'https://accounts.google.com',
      sub: '77',
      email: 'eve@acme.com',
      role: 'viewer',
    })
    const {
      record: { id },
    } = await registry.keys.create(acme, admin, { name: 'for CI', scopes: ['*'] })
    const found = await registry.audit.list(acme, admin, { target: 'eve@acme.com' })
    expect(found.items).toMatchObject([{ action: 'member.added', target: eve.id, target_name: 'eve@acme.com' }])
    const [made] = (await registry.audit.list(acme, admin, { action: 'key.created' })).items
    expect(made).toMatchObject({ target: id, target_name: 'for CI', actor: { type: 'person', id: 'oidc:root' } })
    await called(acme, [{ sub: `key:${id}`, iss: 'https://gatehouse.test', key_id: id, action: 'whoami' }])
    const ofKey = (await list({ actor: 'for CI' })).items
    expect(ofKey).toMatchObject([{ action: 'whoami', actor: { type: 'key', id, name: 'for CI' } }])
  })

  test('D34: pages follow each other without a gap or a double, also while new entries arrive', async () => {
    const busy = await registry.tenants.create(operator, { slug: 'busy' })
    const at = (index: number): number => START + Math.floor(index / 7) * 10
    const rows = (count: number, from: number) =>
      Array.from({ length: count }, (_, index) => ({ at: at(index + from), action: `a${index + from}` }))
    await called(busy, rows(60, 0))
    await changed(
      busy,
      rows(45, 60).map((row, index) => ({ ...row, at: at(index) })),
    )
    const expected = actions(await registry.audit.list(busy, operator, then))
    expect(expected).toHaveLength(105)
    const seen: string[] = []
    let after: string | undefined
    for (let page = 0; page < 20; page += 1) {
      const answer: AuditPage = await registry.audit.list(
        busy,
        operator,
        then,
        after === undefined ? { limit: 10 } : { limit: 10, after },
      )
      expect(answer.items.length).toBeLessThanOrEqual(10)
      seen.push(...actions(answer))
      await called(busy, [{ at: START + 30 * MINUTE + page, action: 'late' }])
      await changed(busy, [{ at: START + 30 * MINUTE + page, action: 'late' }])
      if (answer.next === null) break
      after = answer.next
    }
    expect(seen).toEqual(expected)
  })

  test('D34: a cursor is a time and an id; what else is in one is refused', async () => {
    const { next } = await list({}, { limit: 1 })
    expect(Buffer.from(next ?? '', 'base64url').toString()).toMatch(/^2026-03-01T12:06:00\.000000Z [0-9a-f-]{36}$/)
    const id = '01890000-0000-7000-8000-000000000000'
    for (const after of [
      '',
      'x',
      'x'.repeat(5_000),
      id,
      cursorOf({ at: '2026-03-01T12:06:00Z', id }),
      cursorOf({ at: '2026-13-41T12:06:00.000000Z', id }),
      cursorOf({ at: '2026-03-01T12:06:00.000000Z', id: "' OR 1=1" }),
      Buffer.from(`2026-03-01T12:06:00.000000Z ${id} more`).toString('base64url'),
    ])
      expect(await registryError(list({}, { after }))).toBe('invalid')
  })

  test.each<[AuditQuery]>([
    [{ action: '*.claimed' }],
    [{ action: 'a'.repeat(200) }],
    [{ actor: '' }],
    [{ actor: 'nul\0' }],
    [{ target: 'half \ud800' }],
    [{ since: Number.NaN }],
    [{ until: 1e17 }],
  ])('refuses a filter that cannot be: %j', async (query) => {
    expect(await registryError(list(query))).toBe('invalid')
    expect(await registryError(registry.audit.export(acme, admin, query, 'csv'))).toBe('invalid')
  })

  test('needs audit:read: members and viewers see nothing, and nothing is exported for them', async () => {
    for (const role of ['viewer', 'member'] as const) {
      const actor = await member(acme, role, `a-${role}`)
      expect(await registryError(registry.audit.list(acme, actor, {}))).toBe('forbidden')
      expect(await registryError(registry.audit.export(acme, actor, {}, 'csv'))).toBe('forbidden')
    }
    const owner = await member(acme, 'owner', 'an-owner')
    expect(await registryError(registry.audit.list(acme, owner, {}))).toBe('done')
  })

  test('another tenant’s admin is told that there is no such tenant, and sees nothing of it in their own list', async () => {
    const stranger = await member(other, 'admin', 'stranger')
    expect(await registryError(registry.audit.list(acme, stranger, {}))).toBe('unknown')
    expect(await registryError(registry.audit.export(acme, stranger, {}, 'ndjson'))).toBe('unknown')
    const text = JSON.stringify((await registry.audit.list(other, stranger, {})).items)
    expect(text).toContain('secret-of-other')
    expect(text).not.toContain('acme')
    expect(JSON.stringify(await list())).not.toContain('other')
  })

  test('D35: reading is recorded once in ten minutes, with who and what was looked for', async () => {
    const reader = await member(acme, 'admin', 'reader')
    const noted = async (): Promise<readonly AuditRecord[]> =>
      (await registry.audit.list(acme, operator, { action: 'audit.read', actor: 'oidc:reader' })).items
    await registry.audit.list(acme, reader, { action: 'delete_*', since: START })
    await registry.audit.list(acme, reader, { outcome: 'refused' })
    expect(await noted()).toMatchObject([
      {
        target: 'acme',
        actor: { id: 'oidc:reader' },
        request_id: 'request',
        detail: { action: 'delete_*', since: '2026-03-01T12:00:00.000Z' },
      },
    ])
    clock.advance(11 * MINUTE)
    await registry.audit.list(acme, reader, {})
    expect(await noted()).toHaveLength(2)
  })

  test('no MAC, no digest and nothing that looks like a credential is shown', async () => {
    const key = `gh_key_AAAAAAAAAAAA_${'s'.repeat(43)}_abcdef`
    const jwt = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2ln'
    await called(acme, [
      { action: 'leaky', target: key, detail: { deep: [{ text: `was ${jwt}` }], digest: 'f'.repeat(64) } },
    ])
    const [leaky] = (await list({ action: 'leaky' })).items
    expect(leaky).toMatchObject({
      target: '(hidden)',
      detail: { deep: [{ text: 'was (hidden)' }], digest: '(hidden)' },
    })
    const text = JSON.stringify(await list())
    expect(text).not.toContain('digest-of-arguments')
    expect(text).not.toContain('"mac"')
  })

  test('of a suspended tenant an operator reads what the registry holds, and is told so', async () => {
    const shut = await registry.tenants.create(operator, { slug: 'shut' })
    await called(shut, [{ action: 'list_projects' }])
    await registry.tenants.suspend(shut, operator)
    const { items, complete } = await registry.audit.list(shut, operator, { action: 'tenant.*' })
    expect({ actions: items.map(({ action }) => action), complete }).toEqual({
      actions: ['tenant.suspended', 'tenant.created'],
      complete: false,
    })
  })

  test('a tenant that is one version behind answers as well, and has the indexes once it is brought up', async () => {
    const behind = await registry.tenants.create(operator, { slug: 'behind' })
    await called(behind, [{ action: 'list_projects', target: 't' }, { action: 'delete_project' }])
    const indexes = async (): Promise<string[]> =>
      (
        await fresh.sql<{ name: string }>(
          `SELECT indexname::text AS name FROM pg_indexes WHERE schemaname = $1 AND tablename = 'audit' ORDER BY 1`,
          [behind.schema],
        )
      ).map(({ name }) => name)
    const all = await indexes()
    expect(all).toEqual(['audit_action', 'audit_at', 'audit_outcome', 'audit_pkey', 'audit_sub', 'audit_target'])
    // As the first version left it.
    for (const table of ['document_versions', 'passages', 'document_passages'])
      await fresh.sql(`DROP TABLE IF EXISTS ${behind.schema}.${table} CASCADE`)
    await fresh.sql(
      `ALTER TABLE ${behind.schema}.documents ${['version', 'tags', 'format', 'updated_by', 'source', 'source_digest'].map((name) => `DROP COLUMN ${name}`).join(', ')}`,
    )
    for (const name of ['audit_sub', 'audit_target', 'audit_outcome'])
      await fresh.sql(`DROP INDEX ${behind.schema}.${name}`)
    await fresh.sql(`DELETE FROM ${behind.schema}.schema_migrations WHERE version > 1`)
    await fresh.sql(`UPDATE gatehouse.tenants SET schema_version = 1 WHERE slug = 'behind'`)
    for (const query of [
      { target: 't' },
      { action: 'list_*' },
      { actor: 'ann', target: 't' },
      { outcome: 'ok', target: 't' },
    ] as const)
      expect(actions(await registry.audit.list(behind, operator, query))).toEqual(['list_projects'])
    expect((await fresh.database.admin.migrateTenants({ only: ['behind'] })).failed).toEqual([])
    expect(await indexes()).toEqual(all)
  })
})
