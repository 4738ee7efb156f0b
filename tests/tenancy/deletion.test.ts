import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { createDeletionWatch, type DeletionWatch } from '#tenancy/deletion-watch.ts'
import type { Actor } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, upperKinds, type FreshDatabase } from '../support/database.ts'
import {
  actorOf,
  company,
  enlist,
  eventually,
  MovedClock,
  operator,
  person,
  registryError,
  SECRET,
  startReplica,
  type Replica,
} from './support.ts'

const DAY = 86_400_000
const LEASE = 900_000
const ann = person('ann@acme.com')

let fresh: FreshDatabase
let replica: Replica
const clock = new MovedClock()

beforeAll(async () => {
  fresh = await freshDatabase({ kind: upperKinds[0] ?? 'postgres' })
  replica = await startReplica(fresh, { clock, deleteDays: 3 })
})
afterAll(async () => await fresh.drop())

const watchOf = (database: Database = fresh.database, every?: number): DeletionWatch =>
  createDeletionWatch({
    database,
    clock,
    auditKey: auditKey(SECRET, CONTROL_SCHEMA),
    log: createLog('silent'),
    ready: () => true,
    ...(every === undefined ? {} : { every }),
  })

const ownerOf = async (tenant: Tenant): Promise<Actor> => {
  const someone = person(null, { sub: `owner of ${tenant.slug}` })
  await enlist(replica, tenant, someone, 'owner')
  return actorOf(await replica.principal(someone))
}
const status = async (slug: string) => (await replica.registry.tenants.show(operator, slug)).status
const noted = async ({ id }: Tenant) =>
  await fresh.sql<{ action: string; iss: string; sub: string; detail: unknown }>(
    `SELECT action, iss, sub, detail FROM gatehouse.audit WHERE tenant_id = $1 AND action LIKE 'tenant.%' ORDER BY id`,
    [id],
  )
const works = async (tenant: Tenant) =>
  await fresh.database.tenant(
    tenant,
    { access: 'read' },
    async (db) => await db.query(sql`SELECT 1 AS one FROM projects`),
  )

test('an owner asks by typing the slug; the tenant works on until the time is over, then it is gone with all it had', async () => {
  const tenant = await company(replica, 'acme')
  await enlist(replica, tenant, ann, 'owner')
  const owner = actorOf(await replica.principal(ann))
  const { tenants } = replica.registry
  for (const word of ['', 'ACME', 'acme ', 'globex'])
    expect(await registryError(tenants.askDeletion(tenant, owner, word))).toBe('invalid')
  const when = await tenants.askDeletion(tenant, owner, 'acme')
  expect(Math.abs(clock.now() + 3 * DAY - Date.parse(when))).toBeLessThan(30_000)
  expect(await tenants.show(owner, 'acme')).toMatchObject({ delete_after: when, delete_asked_by: `oidc:${ann.sub}` })

  clock.advance(3 * DAY - 60_000)
  expect(await watchOf().tick()).toEqual([])
  expect(await works(tenant)).toEqual([])
  // Everybody in it can be told.
  expect((await replica.principal(ann)).tenant.deleteAfter).toBe(when)

  await fresh.sql(
    `INSERT INTO gatehouse.answers (id, tenant_id, name, request, began_at, expires_at)
      SELECT gen_random_uuid(), $1, sha256($2::text::bytea), sha256('b'), now(), now() + interval '1 day'`,
    [tenant.id, tenant.id],
  )
  await fresh.sql(
    `INSERT INTO gatehouse.confirmations (id, tenant_id, iss, sub, operation, input, created_at, expires_at)
      VALUES (gen_random_uuid(), $1, 'i', 's', 'invite_member', '{"email": "bob@acme.com"}', now(), now())`,
    [tenant.id],
  )
  await fresh.sql(
    `INSERT INTO gatehouse.usage (hour, tenant_id, tool, iss, sub, provider) VALUES (now(), $1, 'whoami', 'i', 's', 'p')`,
    [tenant.id],
  )
  clock.advance(60_000)
  expect(await watchOf().tick()).toEqual(['acme'])
  expect(await status('acme')).toBe('deleted')
  expect(await fresh.sql(`SELECT 1 FROM pg_namespace WHERE nspname = $1`, [tenant.schema])).toEqual([])
  for (const table of ['domains', 'usage', 'answers', 'confirmations'])
    expect(await fresh.sql(`SELECT 1 FROM gatehouse.${table} WHERE tenant_id = $1`, [tenant.id])).toEqual([])
  expect((await noted(tenant)).slice(1)).toEqual([
    { action: 'tenant.deletion_asked', iss: ann.iss, sub: ann.sub, detail: { delete_after: when } },
    {
      action: 'tenant.deleted',
      iss: 'gatehouse',
      sub: 'deletion-watch',
      detail: { asked_by: `oidc:${ann.sub}`, delete_after: when },
    },
  ])
  expect(await watchOf().tick()).toEqual([])
  expect(await registryError(tenants.keep(tenant, operator))).toBe('unknown')
  expect(await registryError(tenants.askDeletion(tenant, operator, 'acme'))).toBe('unknown')
})

test('what was asked can be taken back, by an owner or an operator, and nothing is deleted then', async () => {
  const tenant = await company(replica, 'kept')
  const owner = await ownerOf(tenant)
  const { tenants } = replica.registry
  await tenants.askDeletion(tenant, operator, 'kept')
  await tenants.keep(tenant, owner)
  await tenants.askDeletion(tenant, owner, 'kept')
  await tenants.keep(tenant, operator)
  await tenants.keep(tenant, operator)
  clock.advance(4 * DAY)
  expect(await watchOf().tick()).toEqual([])
  expect(await tenants.show(owner, 'kept')).toMatchObject({
    status: 'active',
    delete_after: null,
    delete_asked_by: null,
  })
  expect((await noted(tenant)).map(({ action }) => action)).toEqual([
    'tenant.created',
    'tenant.deletion_asked',
    'tenant.kept',
    'tenant.deletion_asked',
    'tenant.kept',
  ])
})

test('asked again it keeps its time, whoever asks', async () => {
  const tenant = await company(replica, 'twice')
  const { tenants } = replica.registry
  const when = await tenants.askDeletion(tenant, operator, 'twice')
  clock.advance(DAY)
  expect(await tenants.askDeletion(tenant, await ownerOf(tenant), 'twice')).toBe(when)
  expect(await tenants.show(operator, 'twice')).toMatchObject({ delete_asked_by: 'operator tests' })
  await tenants.keep(tenant, operator)
})

test('of several replicas one deletes it', async () => {
  const tenant = await company(replica, 'shared')
  await replica.registry.tenants.askDeletion(tenant, operator, 'shared')
  clock.advance(3 * DAY)
  const answers = await Promise.all([1, 2, 3].map(async () => await watchOf().tick()))
  expect(answers.flat()).toEqual(['shared'])
  expect((await noted(tenant)).filter(({ action }) => action === 'tenant.deleted')).toHaveLength(1)
})

test('a replica that dies in the middle leaves it to the others; begun, it cannot be taken back', async () => {
  const tenant = await company(replica, 'halfway')
  const { tenants } = replica.registry
  await tenants.askDeletion(tenant, operator, 'halfway')
  clock.advance(3 * DAY)
  const { database } = fresh
  // Rights are revoked, calls waited out, and then the process is gone.
  const dying = {
    ...database,
    control: database.control.bind(database),
    admin: {
      ...database.admin,
      drop: async () => {
        await database.admin.fence(tenant, async () => {})
        throw new Error('killed')
      },
    },
  }
  expect(await watchOf(dying).tick()).toEqual([])
  expect(await status('halfway')).toBe('active')
  await expect(works(tenant)).rejects.toThrow(/no rights/)
  expect(await registryError(tenants.keep(tenant, operator))).toBe('conflict')
  expect(await watchOf().tick()).toEqual([])
  clock.advance(LEASE)
  expect(await watchOf().tick()).toEqual(['halfway'])
  expect(await status('halfway')).toBe('deleted')
})

test('a suspended tenant is deleted as well, and an operator’s delete does not wait', async () => {
  const tenant = await company(replica, 'asleep')
  const { tenants } = replica.registry
  await tenants.suspend(tenant, operator)
  await tenants.askDeletion(tenant, operator, 'asleep')
  clock.advance(3 * DAY)
  expect(await watchOf().tick()).toEqual(['asleep'])
  const other = await company(replica, 'sudden')
  await tenants.askDeletion(other, operator, 'sudden')
  await tenants.delete(other, operator)
  expect(await tenants.show(operator, 'sudden')).toMatchObject({ status: 'deleted', delete_after: null })
})

test('the background looks by itself, and closing waits for what it does', async () => {
  const tenant = await company(replica, 'background')
  await replica.registry.tenants.askDeletion(tenant, operator, 'background')
  clock.advance(3 * DAY)
  const watch = watchOf(fresh.database, 5)
  watch.start()
  await eventually(async () => await status('background')).toBe('deleted')
  await watch.close()
  expect(await watch.tick()).toEqual([])
})
