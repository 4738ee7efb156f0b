/** D23: where a key stands, which hangs on its row, its creator's and its tenant's. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readMigrations } from '#db/migrations.ts'
import { uuidv7 } from '#base/id.ts'
import { personDigest } from '#tenancy/digest.ts'
import { keyStanding, staticKeyStanding } from '#tenancy/key-standing.ts'
import { blockedOf } from '#tenancy/blocked.ts'
import type { Denied, Standing } from '#tenancy/standing.ts'
import { ALL_ON, NO_LIMITS, type Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'

const NOW = Date.now()
const KEY = 'abcdefABCDEF'
const ISS = 'https://issuer.test'
let fresh: FreshDatabase
let tenant: Tenant
const member = uuidv7()
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  tenant = await fresh.tenant('acme')
  await fresh.sql(
    `INSERT INTO gatehouse.members (id, tenant_id, iss, sub, provider, role, source) VALUES ($1, $2, $3, 'ann', 'oidc', 'owner', 'operator')`,
    [member, tenant.id, ISS],
  )
  await fresh.sql(
    `INSERT INTO gatehouse.api_keys (id, tenant_id, name, digest, scopes, role, cidrs) VALUES ('${KEY}', $1, 'ci', $2, '{projects:read}', 'admin', '{}')`,
    [tenant.id, Buffer.alloc(32)],
  )
})
afterAll(async () => await fresh.drop())
beforeEach(async () => {
  await fresh.sql(`UPDATE gatehouse.tenants SET status = 'active'`)
  await fresh.sql(`UPDATE gatehouse.members SET status = 'active', role = 'owner'`)
  await fresh.sql(`UPDATE gatehouse.api_keys SET expires_at = NULL, revoked_at = NULL, creator_member_id = NULL`)
  await fresh.sql(`DELETE FROM gatehouse.revocations`)
})

const stand = async (slug: string | null = null, id = KEY): Promise<Standing | Denied> =>
  await fresh.database.control({ as: 'resolver' }, async (db) => await keyStanding(db, id, slug, NOW))
const staticStand = async (named: string, slug: string | null = null): Promise<Standing | Denied> =>
  await fresh.database.control({ as: 'resolver' }, async (db) => await staticKeyStanding(db, named, 'viewer', slug))
const place = {
  id: expect.any(String),
  slug: 'acme',
  name: 'acme',
  schema: expect.stringMatching(/^tenant_/),
  status: 'active',
  placement: 'default',
  schemaVersion: (await readMigrations('tenant')).length,
  mcpAdmin: false,
  deleteAfter: null,
  plan: null,
  limits: NO_LIMITS,
  toolsOff: ALL_ON,
}
const denied = (code: string) => expect.objectContaining({ denied: code })
const byAnn = `UPDATE gatehouse.api_keys SET creator_member_id = '${member}'`

test('an operator’s key stands in its tenant, with its own role and scopes', async () => {
  const standing = {
    tenant: place,
    role: 'admin',
    member: null,
    key: { id: KEY, scopes: ['projects:read'], requests_per_hour: null, expires_at: null },
    notBefore: null,
  }
  expect(await stand()).toEqual(standing)
  expect(await stand('acme')).toEqual(standing)
  await fresh.sql(`UPDATE gatehouse.api_keys SET expires_at = $1`, [new Date(NOW + 1)])
  expect(await stand()).toEqual({ ...standing, key: { ...standing.key, expires_at: NOW + 1 } })
})

test('D23: the key of a member stands with the lesser of both roles', async () => {
  await fresh.sql(byAnn)
  expect(await stand()).toMatchObject({ role: 'admin', member })
  await fresh.sql(`UPDATE gatehouse.members SET role = 'viewer'`)
  expect(await stand()).toMatchObject({ role: 'viewer', member })
})

test('a key that is unknown, revoked or expired stands nowhere, from that very moment on', async () => {
  expect(await stand(null, 'none')).toEqual(denied('key_revoked'))
  await fresh.sql(`UPDATE gatehouse.api_keys SET revoked_at = $1`, [new Date(NOW + 1e6)])
  expect(await stand()).toEqual(denied('key_revoked'))
  await fresh.sql(`UPDATE gatehouse.api_keys SET revoked_at = NULL, expires_at = $1`, [new Date(NOW)])
  expect(await stand()).toEqual(denied('key_expired'))
})

test('D23: without its creator as an active member a key stands nowhere', async () => {
  await fresh.sql(byAnn)
  for (const status of ['removed', 'requested']) {
    await fresh.sql(`UPDATE gatehouse.members SET status = $1`, [status])
    expect(await stand()).toEqual(denied('member_removed'))
  }
})

test('D22: a key falls with its creator who is blocked, not with another person', async () => {
  const block = async (sub: string): Promise<unknown> =>
    await fresh.sql(`INSERT INTO gatehouse.revocations (id, kind, digest) VALUES ($1, 'person', $2)`, [
      uuidv7(),
      personDigest(ISS, sub),
    ])
  await block('bob')
  await fresh.sql(byAnn)
  expect(await stand()).toMatchObject({ member })
  await block('ann')
  expect(await stand()).toEqual(denied('person_blocked'))
  await fresh.sql(`UPDATE gatehouse.api_keys SET creator_member_id = NULL`)
  expect(await stand()).toMatchObject({ member: null })
})

test('a key stands in no other tenant, and in none that is suspended or deleted', async () => {
  expect(await stand('globex')).toEqual(denied('tenant_foreign'))
  for (const [status, code] of [
    ['suspended', 'tenant_suspended'],
    ['deleted', 'tenant_unknown'],
  ] as const) {
    await fresh.sql(`UPDATE gatehouse.tenants SET status = $1`, [status])
    expect([await stand(), await stand('acme'), await stand('globex')]).toEqual([
      denied(code),
      denied(code),
      denied('tenant_foreign'),
    ])
    expect([await staticStand('acme'), await staticStand('acme', 'globex')]).toEqual([
      denied(code),
      denied('tenant_foreign'),
    ])
  }
})

test('the static key stands where the configuration says, and nothing of it is cut', async () => {
  const standing = {
    tenant: place,
    role: 'viewer',
    member: null,
    key: { id: null, scopes: null, requests_per_hour: null, expires_at: null },
    notBefore: null,
  }
  expect(await staticStand('acme')).toEqual(standing)
  expect(await staticStand('acme', 'acme')).toEqual(standing)
  expect(await staticStand('acme', 'globex')).toEqual(denied('tenant_foreign'))
  expect(await staticStand('globex')).toEqual(denied('tenant_unknown'))
})

test('D22: token and person are looked up apart; when both are blocked, the token is told', async () => {
  const look = async (token: string | null, person: string): Promise<unknown> =>
    await fresh.database.control({ as: 'resolver' }, async (db) => await blockedOf(db, token, person))
  const DIGEST = { token: '1'.repeat(64), person: '2'.repeat(64) }
  for (const kind of ['token', 'person'] as const)
    await fresh.sql(`INSERT INTO gatehouse.revocations (id, kind, digest) VALUES ($1, $2, $3)`, [
      uuidv7(),
      kind,
      DIGEST[kind],
    ])
  expect(await look(DIGEST.token, 'another')).toBe('token')
  expect(await look('another', DIGEST.person)).toBe('person')
  expect(await look(DIGEST.token, DIGEST.person)).toBe('token')
  expect(await look(DIGEST.person, DIGEST.token)).toBeNull()
  expect(await look(null, 'another')).toBeNull()
})
