import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { eventFields, SECURITY_EVENTS, securityEvent, type SecurityEvent } from '#tenancy/security-event.ts'
import type { OperatorActor } from '#tenancy/registry.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { read } from '../docs/pages.ts'
import { enlist, operator, person, startReplica, type Replica } from './support.ts'

let fresh: FreshDatabase
let replica: Replica
const events: SecurityEvent[] = []
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  replica = await startReplica(fresh, { events: (event) => void events.push(event) })
})
afterAll(async () => await fresh.drop())

test('the page lists exactly the names there are, with their category and type', () => {
  const listed = [
    ...read('docs/operations/security-events.md').matchAll(/^\| `([a-z_]+\.[a-z_]+)` \| `(\w+)` \| `(\w+)` \|/gm),
  ]
  expect(Object.fromEntries(listed.map(([, name = '', category, type]) => [name, { category, type: [type] }]))).toEqual(
    SECURITY_EVENTS,
  )
})

/** Actions as they stand in the program: names of this form, and those made of a word and a verb. */
function written(): Set<string> {
  const files = ['src/tenancy', 'src/login', 'src/http', 'src/toolkit'].flatMap((room) =>
    readdirSync(join(packageRoot, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('security-event.ts'))
      .map((name) => readFileSync(join(packageRoot, room, name), 'utf8')),
  )
  const nouns = new Set(Object.keys(SECURITY_EVENTS).map((name) => name.split('.')[0]))
  const names = files.flatMap((text) => [...text.matchAll(/'([a-z_]+)\.([a-z_]+)'/g)])
  // Also what is about something that no name is about yet.
  const actions = files.flatMap((text) => [...text.matchAll(/\baction: ['`]([a-z_]+)\.([a-z_]+|\$\{verb\})['`]/g)])
  const known = names.filter(([, noun]) => nouns.has(noun))
  return new Set([
    ...known.map(([, noun = '', verb = '']) => `${noun}.${verb}`),
    ...actions.flatMap(([, noun = '', verb = '']) =>
      verb.startsWith('$') ? (nouns.has(noun) ? [] : [`${noun}.?`]) : [`${noun}.${verb}`],
    ),
  ])
}

test('every action that the program can write into the audit is an event by its name, and no name is made up', () => {
  const found = written()
  expect(found.size).toBeGreaterThan(45)
  expect([...found].filter((name) => !Object.hasOwn(SECURITY_EVENTS, name))).toEqual([])
  // Put together from two words (`confirmation.${verb}`, `domain.contested` or `.reproved`), or names of what is no row of the audit.
  const made = [
    'confirmation.asked',
    'confirmation.confirmed',
    'confirmation.discarded',
    'domain.contested',
    'domain.reproved',
    'upstream.removed',
    'upstream.set',
  ]
  const others = ['limit.reached', 'request.refused']
  expect(
    Object.keys(SECURITY_EVENTS)
      .filter((name) => !found.has(name))
      .toSorted(),
  ).toEqual([...made, ...others].toSorted())
})

test('each change is one event, after it is committed, and the same as its row of the audit', async () => {
  const { registry } = replica
  const boss: OperatorActor = { kind: 'operator', name: 'boss', request_id: 'request-1', ip: '192.0.2.9' }
  const tenant = await registry.tenants.create(boss, { slug: 'acme', name: 'Acme' })
  await registry.tenants.rename(tenant, boss, 'Acme Ltd')
  await registry.tenants.setSettings(tenant, boss, { mcp_admin: true })
  await registry.domains.add(tenant, boss, { domain: 'acme.com', asserted_by: ['oidc'] })
  await registry.domains.remove(tenant, boss, 'acme.com')
  await enlist(replica, tenant, person('ann@acme.com'), 'owner')
  const bob = await enlist(replica, tenant, person('bob@acme.com'), 'member')
  await registry.members.setRole(tenant, boss, bob.id, 'admin')
  await registry.members.revokeTokens(tenant, boss, bob.id)
  await registry.members.remove(tenant, boss, bob.id)
  const invited = await registry.invitations.invite(tenant, boss, { email: 'cleo@acme.com', role: 'member' })
  await registry.invitations.resend(tenant, boss, invited.id)
  await registry.invitations.revoke(tenant, boss, invited.id)
  const input = { name: 'robot', role: 'member', scopes: ['projects:read'] } as const
  const key = await registry.keys.create(tenant, boss, input)
  const rotated = await registry.keys.rotate(tenant, boss, key.record.id, { overlap: 0 })
  await registry.keys.revoke(tenant, boss, rotated.record.id)
  await registry.revocations.blockPerson(boss, { iss: 'https://issuer.test', sub: 'eve' })
  await registry.revocations.unblockPerson(boss, { iss: 'https://issuer.test', sub: 'eve' })
  await registry.tenants.suspend(tenant, boss)
  await registry.tenants.resume(tenant, boss)
  await registry.tenants.delete(tenant, boss)
  // Refused: nothing changed, so nothing is told.
  await expect(registry.tenants.create(operator, { slug: 'acme' })).rejects.toMatchObject({ code: 'exists' })

  const rows = await fresh.sql<{ action: string }>('SELECT action FROM gatehouse.audit ORDER BY id')
  expect(events.map(({ event }) => event.action).toSorted()).toEqual(rows.map(({ action }) => action).toSorted())
  expect(new Set(rows.map(({ action }) => action)).size).toBeGreaterThan(17)
  expect(events.find(({ event }) => event.action === 'tenant.settings_changed')).toEqual({
    event: {
      kind: 'event',
      module: 'gatehouse',
      action: 'tenant.settings_changed',
      category: ['configuration'],
      type: ['change'],
      outcome: 'success',
    },
    user: { id: 'boss', domain: 'operator' },
    source: { ip: '192.0.2.9' },
    organization: { id: tenant.id },
    gatehouse: { target: expect.any(String), detail: { mcp_admin: { from: false, to: true } } },
    request_id: 'request-1',
  })
  expect(JSON.stringify(events)).not.toMatch(/cleo@acme|gh_key_/)
})

test('a refusal, a limit, a tool call and a statement that was not let through have names of their own', () => {
  expect(eventFields('refused.signature_invalid', 'refused')).toMatchObject({
    action: 'request.refused',
    reason: 'signature_invalid',
    type: ['denied'],
    outcome: 'failure',
  })
  expect(eventFields('refused.rate_limited', 'refused')).toMatchObject({ action: 'limit.reached' })
  expect(eventFields('wall.refused', 'refused')).toMatchObject({ action: 'wall.refused', category: ['database'] })
  expect(eventFields('create_project', 'failed')).toMatchObject({ action: 'tool.called', outcome: 'failure' })
  const row = {
    at: 0,
    tenant_id: null,
    iss: null,
    sub: null,
    key_id: 'k1',
    action: 'create_project',
    target: 'ann@acme.com',
    outcome: 'ok',
    latency_ms: null,
    request_id: null,
    ip: null,
    detail: { reason: 'x' },
    arguments_digest: null,
  } as const
  expect(securityEvent(row).gatehouse).toEqual({ tool: 'create_project', key_id: 'k1' })
  expect(securityEvent(row, { whole: true }).gatehouse).toMatchObject({
    target: 'ann@acme.com',
    detail: { reason: 'x' },
  })
})
