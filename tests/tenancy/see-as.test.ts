import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sql } from '#db/sql.ts'
import { roleFor } from '#tenancy/ledger.ts'
import type { Actor, OperatorActor } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, upperKinds, type FreshDatabase } from '../support/database.ts'
import { actorOf, company, enlist, person, registryError, startReplica, type Replica } from './support.ts'

const ann = person('ann@ops.com')
const actor: OperatorActor = {
  kind: 'operator',
  name: `${ann.iss}|${ann.sub}`,
  request_id: 'request-1',
  ip: '192.0.2.7',
}

describe.each(upperKinds)('seeing a tenant as its admin (%s)', (kind) => {
  let fresh: FreshDatabase
  let replica: Replica
  let tenant: Tenant
  let owner: Actor
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    replica = await startReplica(fresh)
    tenant = await company(replica, 'acme')
    await enlist(replica, tenant, person('owner@acme.com'), 'owner')
    owner = actorOf(await replica.principal(person('owner@acme.com')))
  })
  afterAll(async () => await fresh.drop())

  const allow = async (on: boolean): Promise<unknown> =>
    await replica.registry.tenants.setSettings(tenant, owner, { operator_access: on })
  const look = async () => {
    await allow(true)
    const begun = await replica.registry.seeAs.begin(tenant, actor, ann, 'ticket 7')
    return await replica.registry.seeAs.look(tenant, actor, ann, begun, '/console/t/acme')
  }

  test('D37: only while the tenant allows it, with a reason, and for 30 minutes', async () => {
    const { registry, clock } = replica
    await allow(false)
    await expect(registry.seeAs.begin(tenant, actor, ann, 'ticket 7')).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('an owner has to turn on operator access'),
    })
    await allow(true)
    expect(await registryError(registry.seeAs.begin(tenant, actor, ann, '  '))).toBe('invalid')
    const begun = await registry.seeAs.begin(tenant, actor, ann, ' ticket 7 ')
    expect(begun.reason).toBe('ticket 7')
    expect(begun.until - clock.now()).toBeGreaterThan(29 * 60_000)
    await allow(false)
    expect(await registryError(registry.seeAs.look(tenant, actor, ann, begun, '/'))).toBe('forbidden')
    await allow(true)
    // What an owner ended stays ended: it takes another look, which is noted.
    expect(await registryError(registry.seeAs.look(tenant, actor, ann, begun, '/'))).toBe('forbidden')
    const another = await registry.seeAs.begin(tenant, actor, ann, 'ticket 7')
    expect(await registryError(registry.seeAs.look(tenant, actor, ann, another, '/'))).toBe('done')
    expect(await registryError(registry.seeAs.look(tenant, actor, ann, { ...another, until: clock.now() }, '/'))).toBe(
      'forbidden',
    )
  })

  test('D37: both identities, the reason and the page are in the tenant’s audit, from the beginning to the end', async () => {
    await allow(true)
    const { registry } = replica
    const begun = await registry.seeAs.begin(tenant, actor, ann, 'ticket 8')
    await registry.seeAs.look(tenant, actor, ann, begun, '/console/t/acme/people')
    // Asked for again while it is open.
    await registry.seeAs.look(tenant, actor, ann, begun, '/console/t/acme/people')
    await registry.seeAs.end(tenant, actor, ann, begun, 'stopped')
    const rows = await fresh.sql<{ action: string; detail: Record<string, unknown> }>(
      `SELECT action, iss, sub, request_id, ip, detail FROM gatehouse.audit
       WHERE tenant_id = $1 AND action LIKE 'see_as.%' AND detail->>'reason' = 'ticket 8' ORDER BY id`,
      [tenant.id],
    )
    const until = new Date(begun.until).toISOString()
    const detail = {
      operator: 'oidc:ann@ops.com',
      email: 'ann@ops.com',
      as: 'admin of acme',
      reason: 'ticket 8',
      until,
    }
    const who = { iss: 'operator', sub: 'https://issuer.test|ann@ops.com', request_id: 'request-1', ip: '192.0.2.7' }
    expect(rows).toEqual([
      { action: 'see_as.began', ...who, detail },
      { action: 'see_as.viewed', ...who, detail: { ...detail, page: '/console/t/acme/people' } },
      { action: 'see_as.ended', ...who, detail: { ...detail, how: 'stopped' } },
    ])
  })

  test('an onlooker reads what an admin reads, and has no scope that writes', async () => {
    const { registry } = replica
    const principal = await look()
    expect(principal).toMatchObject({ role: 'viewer', onlooker: true })
    expect([...principal.scopes].sort()).toEqual(['audit:read', 'documents:read', 'projects:read', 'tenant:admin'])
    const onlooker = actorOf(principal)
    expect((await registry.domains.list(tenant, onlooker)).map(({ domain }) => domain)).toEqual(['acme.com'])
    expect((await registry.members.list(tenant, onlooker)).items).toHaveLength(1)
    expect((await registry.usage.report(tenant, onlooker)).whose).toBe('tenant')
    // Reading the audit is itself recorded, by who they are.
    const { items } = await registry.audit.list(tenant, onlooker, {}, { limit: 20 })
    expect(items.map(({ action }) => action)).toContain('see_as.began')
    const [read] = await fresh.sql(
      "SELECT iss, sub FROM gatehouse.audit WHERE tenant_id = $1 AND action = 'audit.read'",
      [tenant.id],
    )
    expect(read).toEqual({ iss: 'operator', sub: 'https://issuer.test|ann@ops.com' })
  })

  test('D37: an onlooker changes nothing, though a page forgot to ask', async () => {
    const { registry } = replica
    const onlooker = actorOf(await look())
    const { id } = await enlist(replica, tenant, person('bob@acme.com'), 'member')
    const attempts: Record<string, () => Promise<unknown>> = {
      claim: async () => await registry.claims.claim(tenant, onlooker, { domain: 'acme-two.com' }),
      'remove a domain': async () => await registry.domains.remove(tenant, onlooker, 'acme.com'),
      invite: async () => await registry.invitations.invite(tenant, onlooker, { email: 'x@acme.com', role: 'member' }),
      'change a role': async () => await registry.members.setRole(tenant, onlooker, id, 'admin'),
      'remove a member': async () => await registry.members.remove(tenant, onlooker, id),
      'cut tokens off': async () => await registry.members.revokeTokens(tenant, onlooker, id),
      'make a key': async () => await registry.keys.create(tenant, onlooker, { name: 'k', scopes: ['projects:read'] }),
      rename: async () => await registry.tenants.rename(tenant, onlooker, 'Other'),
      settings: async () => await registry.tenants.setSettings(tenant, onlooker, { mcp_admin: true }),
      'ask for deletion': async () => await registry.tenants.askDeletion(tenant, onlooker, tenant.slug),
      suspend: async () => await registry.tenants.suspend(tenant, onlooker),
      'export the audit': async () => await registry.audit.export(tenant, onlooker, {}, 'csv'),
      'revoke a token': async () =>
        await registry.revocations.revokeToken(onlooker, { digest: 'a'.repeat(64), until: null }),
      'see as again': async () => await registry.seeAs.begin(tenant, onlooker as never, ann, 'again'),
    }
    const before = await picture()
    for (const [name, attempt] of Object.entries(attempts))
      expect([name, await registryError(attempt())]).toEqual([name, 'forbidden'])
    expect(await picture()).toEqual(before)
  })

  test('D37: what goes around the ledger is refused by Postgres', async () => {
    const onlooker = actorOf(await look())
    await expect(
      replica.database.control(roleFor(onlooker, tenant), async (db) => {
        await db.query(sql`UPDATE members SET role = 'owner' WHERE tenant_id = ${tenant.id}`)
      }),
    ).rejects.toMatchObject({ code: '25006' })
  })

  test('an onlooker of one tenant sees no other one', async () => {
    const other = await company(replica, 'globex')
    const onlooker = actorOf(await look())
    expect(await registryError(replica.registry.members.list(other, onlooker))).toBe('unknown')
  })

  /** All that an admin could change. */
  async function picture(): Promise<unknown> {
    const tables = ['tenants', 'domains', 'members', 'invitations', 'api_keys', 'revocations']
    return await Promise.all(
      tables.map(async (table) => await fresh.sql(`SELECT * FROM gatehouse.${table} ORDER BY id`)),
    )
  }
})
