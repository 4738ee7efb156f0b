import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Identity } from '#identity/identity.ts'
import type { Actor, Registry } from '#tenancy/registry.ts'
import type { PersonRole } from '#tenancy/roles.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import {
  actorOf,
  eventually,
  MovedClock,
  operator,
  person,
  refusal,
  registryError,
  startReplica,
  type Replica,
} from './support.ts'

const DAY = 86_400_000

describe.each(upperKinds)('requests to join (%s)', (kind) => {
  let fresh: FreshDatabase
  let replica: Replica
  let registry: Registry
  let acme: Tenant
  let admin: Actor
  const clock = new MovedClock()

  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    replica = await startReplica(fresh, { clock })
    ;({ registry } = replica)
    acme = await registry.tenants.create(operator, { slug: 'acme' })
    await registry.domains.add(acme, operator, {
      domain: 'acme.com',
      asserted_by: ['oidc'],
      join_mode: 'request',
      default_role: 'viewer',
    })
    admin = (await member('admin')).actor
  })
  afterAll(async () => await fresh.drop())

  let count = 0
  async function member(role: PersonRole): Promise<{ actor: Actor; identity: Identity }> {
    const identity = person(null, { sub: `person-${(count += 1)}` })
    const { iss, sub, provider } = identity
    await registry.members.add(acme, operator, { provider, iss, sub, role })
    return { identity, actor: actorOf(await replica.principal(identity)) }
  }
  /** Somebody of the company who signed in, and so asked. */
  async function asked(): Promise<{ identity: Identity; reference: string }> {
    const identity = person(`asking-${(count += 1)}@acme.com`)
    expect(await refusal(replica.principal(identity))).toBe('join_by_request')
    return { identity, reference: `oidc:${identity.sub}` }
  }
  const listed = async (): Promise<string[]> =>
    (await registry.requests.list(acme, admin)).items.map(({ user_id: id }) => id)
  const actions = async (reference: string): Promise<string[]> => {
    const { id } = await registry.members.show(acme, operator, reference)
    const rows = await fresh.sql<{ action: string }>(
      `SELECT action FROM gatehouse.audit WHERE target = $1 ORDER BY xmin::text::bigint`,
      [id],
    )
    return rows.map(({ action }) => action)
  }

  test('are listed with what they would become, and by what they came', async () => {
    const { reference, identity } = await asked()
    const { items } = await registry.requests.list(acme, admin)
    expect(items.find(({ user_id: id }) => id === reference)).toEqual({
      id: expect.any(String),
      slug: 'acme',
      user_id: reference,
      email: identity.email,
      name: null,
      role: 'viewer',
      evidence: 'acme.com',
      created_at: expect.stringMatching(/Z$/),
    })
    const { next } = await registry.requests.list(acme, admin, { limit: 1 })
    await asked()
    expect((await registry.requests.list(acme, admin, { limit: 1 })).next).not.toBe(next)
  })

  test('approved they come in, with the domain’s role or another, but none above the approver’s', async () => {
    const [one, two, three] = [await asked(), await asked(), await asked()]
    expect(await registry.requests.approve(acme, admin, one.reference)).toMatchObject({
      role: 'viewer',
      status: 'active',
      source: 'operator',
    })
    expect(await registry.requests.approve(acme, admin, two.reference, 'admin')).toMatchObject({ role: 'admin' })
    expect(await registryError(registry.requests.approve(acme, admin, three.reference, 'owner'))).toBe('forbidden')
    await eventually(async () => await refusal(replica.principal(one.identity))).toBe('served')
    expect(await listed()).not.toContain(one.reference)
    expect(await registryError(registry.requests.approve(acme, admin, one.reference))).toBe('conflict')
    expect(await registryError(registry.requests.decline(acme, admin, one.reference))).toBe('conflict')
  })

  test('declined they are told no more than before, and are off the list for 30 days', async () => {
    const { identity, reference } = await asked()
    const declined = await registry.requests.decline(acme, admin, reference)
    expect(Date.parse(declined.declined_until ?? '') - clock.now()).toBeGreaterThan(30 * DAY - 60_000)
    expect(await listed()).not.toContain(reference)
    expect(await refusal(replica.principal(identity))).toBe('join_by_request')
    clock.advance(29 * DAY)
    expect(await refusal(replica.principal(identity))).toBe('join_by_request')
    expect(await listed()).not.toContain(reference)
    expect(await actions(reference)).toEqual(['member.requested', 'member.declined'])
    clock.advance(DAY)
    await eventually(async () => {
      await refusal(replica.principal(identity))
      return await actions(reference)
    }).toEqual(['member.requested', 'member.declined', 'member.requested'])
    expect(await listed()).toContain(reference)
  })

  test('a declined person is not let in by a domain that meanwhile lets everybody in', async () => {
    const { identity, reference } = await asked()
    await registry.requests.decline(acme, admin, reference)
    await registry.claims.set(acme, admin, 'acme.com', { join_mode: 'auto' })
    try {
      const colleague = person(`colleague-${count}@acme.com`)
      await eventually(async () => await refusal(replica.principal(colleague))).toBe('served')
      expect(await refusal(replica.principal(identity))).toBe('join_by_request')
      expect(await refusal(replica.principal(identity, { slug: 'acme' }))).toBe('join_by_request')
      clock.advance(30 * DAY)
      await eventually(async () => await refusal(replica.principal(identity))).toBe('served')
      expect(await registry.members.show(acme, admin, reference)).toMatchObject({ status: 'active', role: 'viewer' })
    } finally {
      await registry.claims.set(acme, admin, 'acme.com', { join_mode: 'request' })
    }
  })

  test('an admin can change their mind, and so can an invitation', async () => {
    const [one, two] = [await asked(), await asked()]
    for (const { reference } of [one, two]) await registry.requests.decline(acme, admin, reference)
    expect(await registry.requests.approve(acme, admin, one.reference)).toMatchObject({ status: 'active' })
    const email = two.identity.email ?? ''
    const { token } = await registry.invitations.invite(acme, admin, { email, role: 'member' })
    await registry.invitations.accept(two.identity, token, { request_id: null, ip: null })
    for (const { identity } of [one, two])
      await eventually(async () => await refusal(replica.principal(identity))).toBe('served')
    const rows = await fresh.sql(`SELECT declined_until FROM gatehouse.members WHERE email = ANY($1)`, [
      [one.identity.email, two.identity.email],
    ])
    expect(rows).toEqual([{ declined_until: null }, { declined_until: null }])
  })

  test('are for admins', async () => {
    const { reference } = await asked()
    const { actor: plain } = await member('member')
    for (const call of [
      async () => await registry.requests.list(acme, plain),
      async () => await registry.requests.approve(acme, plain, reference),
      async () => await registry.requests.decline(acme, plain, reference),
    ])
      expect(await registryError(call())).toBe('forbidden')
    expect(await registryError(registry.requests.decline(acme, admin, 'oidc:nobody'))).toBe('unknown')
  })
})
