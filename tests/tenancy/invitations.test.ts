import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Identity } from '#identity/identity.ts'
import type { NewInvitation } from '#tenancy/invitations.ts'
import { invitedAddress } from '#tenancy/invitations-address.ts'
import { pastedToken } from '#tenancy/invitations-link.ts'
import type { Actor, Registry } from '#tenancy/registry.ts'
import type { PersonRole } from '#tenancy/roles.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import {
  actorOf,
  eventually,
  keyIdentity,
  MovedClock,
  operator,
  person,
  refusal,
  registryError,
  startReplica,
  type Replica,
} from './support.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const FROM = { request_id: 'request', ip: '192.0.2.9' }

test.each([
  ['Ann@ACME.com', 'Ann@acme.com'],
  ['a.b+c@acme.com', 'a.b+c@acme.com'],
  ['@acme.com', null],
  ['ann', null],
  ['ann@acme.com@evil.com', null],
  ['"ann"@acme.com', null],
  ['Ann <ann@acme.com>', null],
  [`${'a'.repeat(320)}@acme.com`, null],
])('%s is compared as %s', (email, expected) => {
  expect(invitedAddress(email)).toBe(expected)
})

describe.each(upperKinds)('invitations (%s)', (kind) => {
  let fresh: FreshDatabase
  let replica: Replica
  let registry: Registry
  let acme: Tenant
  let globex: Tenant
  let admin: Actor
  let owner: Actor
  const clock = new MovedClock()

  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    replica = await startReplica(fresh, { clock })
    ;({ registry } = replica)
    acme = await registry.tenants.create(operator, { slug: 'acme' })
    globex = await registry.tenants.create(operator, { slug: 'globex' })
    ;[admin, owner] = [(await member('admin')).actor, (await member('owner')).actor]
  })
  afterAll(async () => await fresh.drop())

  let count = 0
  async function member(role: PersonRole, tenant = acme): Promise<{ id: string; actor: Actor; identity: Identity }> {
    const identity = person(null, { sub: `person-${(count += 1)}` })
    const { iss, sub, provider } = identity
    const { id } = await registry.members.add(tenant, operator, { provider, iss, sub, role })
    return { id, identity, actor: actorOf(await replica.principal(identity)) }
  }
  const newAddress = (): string => `guest-${(count += 1)}@guests.com`
  /** Somebody whose provider verified this address once, as GitHub does. */
  const holder = (email: string, overrides: Partial<Identity> = {}): Identity =>
    person(email, { email_authority: 'once', ...overrides })
  const invited = async (email = newAddress(), role: PersonRole = 'member', actor = admin): Promise<NewInvitation> =>
    await registry.invitations.invite(acme, actor, { email, role })
  const accept = async (identity: Identity, token: string) => await registry.invitations.accept(identity, token, FROM)
  const stateOf = async (id: string): Promise<string | undefined> =>
    (await registry.invitations.list(acme, admin)).items.find((row) => row.id === id)?.state

  test('D9: who is removed comes back by no invitation that waited for their address, only by a new one', async () => {
    const [early, other] = [await invited(newAddress(), 'admin'), await invited()]
    const guest = holder(early.email)
    // They came another way meanwhile, as colleagues at a domain do.
    const { iss, sub, provider } = guest
    const { id } = await registry.members.add(acme, operator, {
      provider,
      iss,
      sub,
      role: 'viewer',
      email: early.email,
    })
    expect(await registryError(accept(guest, early.token))).toBe('exists')
    await registry.members.remove(acme, admin, id)
    expect([await stateOf(early.id), await stateOf(other.id)]).toEqual(['revoked', 'pending'])
    expect(await registryError(accept(guest, early.token))).toBe('unknown')
    expect(await refusal(replica.principal(guest))).toBe('member_removed')
    const [removed] = await fresh.sql(
      "SELECT detail FROM gatehouse.audit WHERE action = 'member.removed' AND target = $1",
      [id],
    )
    expect(removed).toMatchObject({ detail: { role: 'viewer', invitations_ended: [early.id] } })
    const again = await invited(early.email, 'viewer')
    expect(await accept(guest, again.token)).toMatchObject({ role: 'viewer' })
  })

  test('a tenant has 1000 open ones and makes 2000 a day; what is over is in nobody’s way', async () => {
    const crowd = await registry.tenants.create(operator, { slug: 'crowd' })
    const { actor } = await member('admin', crowd)
    const fill = async (label: string, expires: number): Promise<void> =>
      void (await fresh.sql(
        `INSERT INTO gatehouse.invitations (id, tenant_id, email, role, digest, created_at, expires_at)
          SELECT gen_random_uuid(), $1, $2 || n || '@guests.com', 'viewer', decode(repeat('00', 32), 'hex'), $3::timestamptz, $4::timestamptz
          FROM generate_series(1, 1000) AS n`,
        [crowd.id, label, new Date(clock.now()).toISOString(), new Date(clock.now() + expires).toISOString()],
      ))
    const invite = async () =>
      await registryError(registry.invitations.invite(crowd, actor, { email: newAddress(), role: 'viewer' }))
    await fill('over', -1)
    expect(await invite()).toBe('done')
    await fresh.sql(`DELETE FROM gatehouse.invitations WHERE tenant_id = $1 AND email LIKE 'guest-%'`, [crowd.id])
    await fill('open', DAY)
    expect(await invite()).toBe('conflict')
    expect(await registry.invitations.show(crowd, actor, 'over7@guests.com')).toMatchObject({ state: 'expired' })
    await registry.invitations.revoke(crowd, actor, 'open1@guests.com')
    expect(await invite()).toBe('limited')
  })

  test('D9: an accepted invitation makes a member who stands by themself, at home there, and everything is recorded', async () => {
    const invitation = await invited(`Guest@GUESTS.com`, 'viewer')
    expect(invitation).toMatchObject({
      slug: 'acme',
      email: 'Guest@guests.com',
      role: 'viewer',
      state: 'pending',
      inviter: expect.stringMatching(/^oidc:person-/),
      accepted_at: null,
    })
    expect(Date.parse(invitation.expires_at) - Date.parse(invitation.created_at)).toBe(7 * DAY)
    expect(invitation.token).toMatch(/^v1\.[\w-]{50,300}$/)
    expect(invitation.link).toBe(`https://gatehouse.test/console/invitation#${invitation.token}`)
    expect(pastedToken(` ${invitation.link}\n`)).toBe(invitation.token)
    const guest = holder('Guest@guests.com')
    expect(await refusal(replica.principal(guest))).toBe('tenant_unknown')
    expect(await registry.invitations.read(guest, invitation.token)).toMatchObject({
      tenant: { slug: 'acme' },
      role: 'viewer',
      inviter: invitation.inviter,
    })
    expect(await stateOf(invitation.id)).toBe('pending')
    expect(await accept(guest, invitation.token)).toMatchObject({ tenant: { slug: 'acme' }, role: 'viewer' })
    await eventually(async () => await refusal(replica.principal(guest))).toBe('served')
    // Without the address in the token too: they stand by themselves.
    expect(
      await replica.principal({ ...guest, email: null, email_verified: false, email_authority: 'none' }),
    ).toMatchObject({
      tenant: { slug: 'acme' },
      role: 'viewer',
    })
    expect(await registry.members.show(acme, admin, `oidc:Guest@guests.com`)).toMatchObject({
      source: 'invitation',
      evidence: null,
      home: true,
      status: 'active',
    })
    expect(await stateOf(invitation.id)).toBe('accepted')
    const audit = await fresh.sql(
      `SELECT action, iss, sub, ip, tenant_id, detail FROM gatehouse.audit WHERE target = $1 ORDER BY at`,
      [invitation.id],
    )
    expect(audit).toMatchObject([
      { action: 'invitation.created', tenant_id: acme.id },
      { action: 'invitation.accepted', sub: 'Guest@guests.com', ip: FROM.ip, tenant_id: acme.id },
    ])
    expect(JSON.stringify(audit)).not.toContain(invitation.token)
    const rows = await fresh.sql(`SELECT * FROM gatehouse.invitations WHERE id = $1`, [invitation.id])
    expect(JSON.stringify(rows)).not.toContain(invitation.token)
  })

  describe('D9: a stolen link is worth nothing', () => {
    test.each([
      ['another address', { email: 'thief@guests.com' }],
      ['the same address in other letters', { email: 'GUEST@guests.com' }],
      ['the same mailbox in another spelling', { email: 'gu.est@guests.com' }],
      ['an address nobody verified', { email_verified: false }],
      ['an address that "true" verified', { email_verified: 'true' as unknown as boolean }],
      ['a provider whose word maps nothing', { email_authority: 'none' }],
      ['no address', { email: null }],
      ['a key', { key: { id: 'k', tenant: 'acme' } }],
    ] as const)('in the hands of %s', async (_, overrides) => {
      const email = `guest-${kind}-${(count += 1)}@guests.com`
      const { token, id } = await invited(email)
      const thief = holder(email, { sub: 'thief', ...overrides })
      expect(await registryError(accept(thief, token))).toBe('forbidden')
      expect(await registryError(registry.invitations.read(thief, token))).toBe('forbidden')
      expect(await stateOf(id)).toBe('pending')
      expect(await registryError(registry.members.show(acme, admin, 'oidc:thief'))).toBe('unknown')
    })

    test('used twice, by the same person or another with the address', async () => {
      const email = newAddress()
      const { token } = await invited(email)
      await accept(holder(email), token)
      expect(await registryError(accept(holder(email), token))).toBe('unknown')
      expect(await registryError(accept(holder(email, { sub: 'second' }), token))).toBe('unknown')
    })

    test('used twice in the same instant', async () => {
      for (let time = 0; time < 5; time++) {
        const email = newAddress()
        const { token } = await invited(email)
        const both = await Promise.all(
          ['one', 'two'].map(
            async (sub) => await registryError(accept(holder(email, { sub: `${sub}-${email}` }), token)),
          ),
        )
        expect(both.toSorted()).toEqual(['done', 'unknown'])
        const rows = await fresh.sql(`SELECT 1 FROM gatehouse.members WHERE email = $1`, [email])
        expect(rows).toHaveLength(1)
      }
    })

    test('revoked, expired, sent again', async () => {
      const [revoked, expired, renewed] = [await invited(), await invited(), await invited()]
      await registry.invitations.revoke(acme, admin, revoked.id)
      const again = await registry.invitations.resend(acme, admin, renewed.id)
      expect(await registryError(accept(holder(revoked.email), revoked.token))).toBe('unknown')
      expect(await registryError(accept(holder(renewed.email), renewed.token))).toBe('unknown')
      expect(again.token).not.toBe(renewed.token)
      expect(await registryError(accept(holder(again.email), again.token))).toBe('done')
      clock.advance(7 * DAY)
      expect(await registryError(accept(holder(expired.email), expired.token))).toBe('unknown')
      expect(await stateOf(expired.id)).toBe('expired')
    })

    test('of another deployment with the same secret and database, forged, cut, or of another row', async () => {
      const other = await startReplica(fresh, { clock, issuer: 'https://elsewhere.test' })
      const { token, email } = await invited()
      expect(await registryError(other.registry.invitations.accept(holder(email), token, FROM))).toBe('unknown')
      const foreign = await other.registry.invitations.invite(acme, admin, { email: newAddress(), role: 'member' })
      expect(await registryError(accept(holder(foreign.email), foreign.token))).toBe('unknown')
      for (const forged of [
        '',
        'v1.',
        token.slice(0, -2),
        `${token}A`,
        token.replace('v1.', 'v2.'),
        'x'.repeat(100_000),
      ])
        expect(await registryError(accept(holder(email), forged))).toBe('unknown')
      // A value that opens, whose digest is not the row's.
      await fresh.sql(`UPDATE gatehouse.invitations SET digest = sha256('other') WHERE email = $1`, [email])
      expect(await registryError(accept(holder(email), token))).toBe('unknown')
    })

    test('D6: with an address whose domain another provider speaks for', async () => {
      await registry.domains.add(globex, operator, {
        domain: 'asserted.com',
        asserted_by: ['google'],
        include_subdomains: true,
      })
      for (const email of ['guest@asserted.com', 'guest@eu.asserted.com']) {
        const { token } = await invited(email)
        expect(await registryError(accept(holder(email), token))).toBe('forbidden')
        expect(await registryError(accept(holder(email, { provider: 'google' }), token))).toBe('done')
      }
    })

    test('D22: for a blocked person, and from one', async () => {
      const { identity, actor } = await member('admin')
      const [email, other] = [newAddress(), newAddress()]
      const { token } = await invited(email)
      const theirs = await invited(other, 'member', actor)
      await registry.revocations.blockPerson(operator, { iss: 'https://issuer.test', sub: email })
      await registry.revocations.blockPerson(operator, identity)
      expect(await registryError(accept(holder(email), token))).toBe('forbidden')
      expect(await registryError(accept(holder(other), theirs.token))).toBe('unknown')
    })

    test('into a tenant that is suspended or deleted', async () => {
      const gone = await registry.tenants.create(operator, { slug: 'gone' })
      const email = newAddress()
      const { token } = await registry.invitations.invite(gone, operator, { email, role: 'owner' })
      await registry.tenants.suspend(gone, operator)
      expect(await registryError(accept(holder(email), token))).toBe('unknown')
      await registry.tenants.resume(gone, operator)
      expect(await registryError(registry.invitations.read(holder(email), token))).toBe('done')
      await registry.tenants.delete(gone, operator)
      expect(await registryError(accept(holder(email), token))).toBe('unknown')
      expect(await fresh.sql(`SELECT 1 FROM gatehouse.invitations WHERE email = $1`, [email])).toEqual([])
    })
  })

  describe('who invites', () => {
    test('is an admin, and never above their own role', async () => {
      const { actor: plain } = await member('member')
      expect(await registryError(invited(newAddress(), 'viewer', plain))).toBe('forbidden')
      expect(await registryError(invited(newAddress(), 'owner', admin))).toBe('forbidden')
      expect(await registryError(invited(newAddress(), 'admin', admin))).toBe('done')
      expect(await registryError(invited(newAddress(), 'owner', owner))).toBe('done')
      expect(await registryError(invited(newAddress(), 'owner', operator))).toBe('done')
      expect(
        await registryError(registry.invitations.invite(globex, admin, { email: 'a@b.com', role: 'viewer' })),
      ).toBe('unknown')
      const ofOwner = await invited(newAddress(), 'owner', owner)
      expect(await registryError(registry.invitations.resend(acme, admin, ofOwner.id))).toBe('forbidden')
      for (const call of [
        async () => await registry.invitations.list(acme, plain),
        async () => await registry.invitations.revoke(acme, plain, ofOwner.id),
        async () => await registry.invitations.resend(acme, plain, ofOwner.id),
      ])
        expect(await registryError(call())).toBe('forbidden')
    })

    test('is no key, whatever its scopes', async () => {
      const { id } = (
        await registry.keys.create(acme, operator, { name: 'ci', scopes: ['tenant:admin'], role: 'admin' })
      ).record
      const key = actorOf(await replica.principal(keyIdentity(id, 'acme')))
      expect(await registryError(invited(newAddress(), 'viewer', key))).toBe('forbidden')
    })

    test('must still be able to when it is accepted: who was removed or demoted leaves no way in', async () => {
      for (const end of ['remove', 'demote'] as const) {
        const { id, actor } = await member('admin')
        const invitation = await invited(newAddress(), 'admin', actor)
        await (end === 'remove'
          ? registry.members.remove(acme, operator, id)
          : registry.members.setRole(acme, operator, id, 'member'))
        expect(await registryError(accept(holder(invitation.email), invitation.token))).toBe('unknown')
        expect(await stateOf(invitation.id)).toBe('revoked')
        // Another admin takes it over by sending it again.
        const { token } = await registry.invitations.resend(acme, admin, invitation.id)
        expect(await registryError(accept(holder(invitation.email), token))).toBe('done')
      }
      const { id, actor } = await member('owner')
      const crown = await invited(newAddress(), 'owner', actor)
      await registry.members.setRole(acme, operator, id, 'admin')
      expect(await registryError(accept(holder(crown.email), crown.token))).toBe('unknown')
    })
  })

  test.each([
    ['no address', { email: 'nobody' }],
    ['a name around it', { email: 'Ann <ann@acme.com>' }],
    ['no role', { role: 'service' as PersonRole }],
    ['a life too long', { life: 30 * DAY + 1 }],
    ['a life too short', { life: MINUTE - 1 }],
    ['a life that is no number', { life: Number.NaN }],
  ])('%s is refused', async (_, input) => {
    const call = registry.invitations.invite(acme, operator, { email: newAddress(), role: 'member', ...input })
    expect(await registryError(call)).toBe('invalid')
  })

  test('one open invitation for an address; an expired or revoked one makes room', async () => {
    const email = newAddress()
    const first = await invited(email)
    expect(await registryError(invited(email))).toBe('exists')
    expect(await registryError(registry.invitations.invite(globex, operator, { email, role: 'member' }))).toBe('done')
    await registry.invitations.revoke(acme, admin, email)
    const second = await registry.invitations.invite(acme, admin, { email, role: 'member', life: MINUTE })
    clock.advance(MINUTE)
    const third = await invited(email)
    expect([await stateOf(first.id), await stateOf(second.id), await stateOf(third.id)]).toEqual([
      'revoked',
      'expired',
      'pending',
    ])
    // By the address the open one is meant.
    expect((await registry.invitations.revoke(acme, admin, email)).id).toBe(third.id)
    expect(await registryError(registry.invitations.revoke(acme, admin, email))).toBe('conflict')
    expect(await registryError(registry.invitations.resend(acme, admin, email))).toBe('conflict')
    expect(await registryError(registry.invitations.revoke(acme, admin, 'nobody@guests.com'))).toBe('unknown')
    expect(await registryError(registry.invitations.revoke(globex, operator, first.id))).toBe('unknown')
  })

  test('a member already is told so and keeps their role; the invitation stays open', async () => {
    const email = newAddress()
    const { provider, iss, sub } = holder(email)
    await registry.members.add(acme, operator, { provider, iss, sub, role: 'viewer' })
    const { token, id } = await invited(email, 'admin')
    expect(await registryError(accept(holder(email), token))).toBe('exists')
    expect(await registry.members.show(acme, admin, `oidc:${email}`)).toMatchObject({
      role: 'viewer',
      source: 'operator',
    })
    expect(await stateOf(id)).toBe('pending')
  })

  test('D9: who was removed comes back by their own acceptance, and home stays theirs to choose', async () => {
    const email = newAddress()
    const guest = holder(email)
    const { provider, iss, sub } = guest
    await registry.members.add(acme, operator, { provider, iss, sub, role: 'admin' })
    await registry.members.remove(acme, operator, `oidc:${email}`)
    const { token } = await invited(email, 'viewer')
    await accept(guest, token)
    expect(await registry.members.show(acme, admin, `oidc:${email}`)).toMatchObject({
      role: 'viewer',
      status: 'active',
      source: 'invitation',
      home: false,
      removed_at: null,
    })
    await eventually(async () => await refusal(replica.principal(guest, { slug: 'acme' }))).toBe('served')
  })

  test('pages of the list go on where the one before ended', async () => {
    const all = (await registry.invitations.list(acme, admin)).items.map(({ id }) => id)
    const first = await registry.invitations.list(acme, admin, { limit: 3 })
    const second = await registry.invitations.list(acme, admin, { limit: 100, after: first.next ?? '' })
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(all)
    expect(JSON.stringify(first)).not.toMatch(/digest|token/)
  })

  test('a list can begin with the latest and show one state', async () => {
    const before = await registry.invitations.open(acme, admin)
    const [one, two, three] = [await invited(), await invited(), await invited()]
    await registry.invitations.revoke(acme, admin, two.id)
    expect(await registry.invitations.open(acme, admin)).toBe(before + 2)
    const page = await registry.invitations.list(acme, admin, { newest: true, limit: 2 })
    expect(page.items.map(({ id }) => id)).toEqual([three.id, two.id])
    const rest = await registry.invitations.list(acme, admin, { newest: true, limit: 1, after: page.next ?? '' })
    expect(rest.items.map(({ id }) => id)).toEqual([one.id])
    const pending = await registry.invitations.list(acme, admin, { newest: true, limit: 2, state: 'pending' })
    expect(pending.items.map(({ id }) => id)).toEqual([three.id, one.id])
  })
})
