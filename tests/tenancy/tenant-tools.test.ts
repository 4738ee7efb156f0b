import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Actor } from '#tenancy/registry.ts'
import { stale } from '#tenancy/precondition.ts'
import { ALL_ON, type Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, upperKinds, type FreshDatabase } from '../support/database.ts'
import {
  actorOf,
  company,
  enlist,
  operator,
  person,
  registryError,
  startReplica,
  until,
  type Replica,
} from './support.ts'

const ann = person('ann@acme.com')
const zoe = person('zoe@globex.com')

let fresh: FreshDatabase
let replica: Replica
let tenant: Tenant
let admin: Actor

beforeAll(async () => {
  fresh = await freshDatabase({ kind: upperKinds[0] ?? 'postgres' })
  replica = await startReplica(fresh)
  tenant = await company(replica, 'acme')
  await company(replica, 'globex')
  await enlist(replica, tenant, ann, 'admin')
  admin = actorOf(await replica.principal(ann))
})
afterAll(async () => await fresh.drop())

const states = async (): Promise<Record<string, boolean>> =>
  Object.fromEntries((await replica.registry.tools.list(tenant, admin)).map(({ name, on }) => [name, on]))
const noted = async () =>
  (
    await fresh.sql<{ sub: string; detail: unknown }>(
      `SELECT sub, detail FROM gatehouse.audit WHERE action = 'tenant.tools_changed' AND tenant_id = $1 ORDER BY id`,
      [tenant.id],
    )
  ).map(({ sub, detail }) => ({ sub, detail }))

test('all tools are on at first; a switch leaves the others, is noted once, and who changes nothing is not noted', async () => {
  const { tools } = replica.registry
  expect(await tools.list(tenant, admin)).toEqual([
    { name: 'delete_project', title: 'Delete a project', on: true, known: true },
    { name: 'list_projects', title: 'List projects', on: true, known: true },
    { name: 'whoami', title: 'Who am I', on: true, known: true },
  ])
  await tools.set(tenant, admin, { off: ['whoami', 'delete_project', 'whoami'] })
  expect(await states()).toEqual({ delete_project: false, list_projects: true, whoami: false })
  expect((await replica.registry.tenants.show(admin, 'acme')).tools_off).toEqual(['delete_project', 'whoami'])
  await tools.set(tenant, operator, { on: ['whoami', 'list_projects'], off: ['delete_project'] })
  await tools.set(tenant, admin, {})
  expect(await states()).toEqual({ delete_project: false, list_projects: true, whoami: true })
  expect(await noted()).toEqual([
    { sub: ann.sub, detail: { off: ['delete_project', 'whoami'], on: [] } },
    { sub: 'tests', detail: { off: [], on: ['whoami'] } },
  ])
  await tools.set(tenant, admin, { on: ['delete_project'] })
})

test('a name that is no tool is refused and changes nothing, nor does one that is to be off and on', async () => {
  const { tools } = replica.registry
  const before = (await noted()).length
  for (const switches of [
    { off: ['whoami', 'drop_tables'] },
    { on: ['drop_tables'] },
    { off: ['whoami'], on: ['whoami'] },
  ])
    expect(await registryError(tools.set(tenant, admin, switches))).toBe('invalid')
  await expect(tools.set(tenant, admin, { off: ['drop_tables'] })).rejects.toThrow('there is no tool "drop_tables"')
  expect(await states()).toEqual({ delete_project: true, list_projects: true, whoami: true })
  expect(await noted()).toHaveLength(before)
})

test('what is off and is no tool any more is kept, shown as such, and can be switched on, which forgets it', async () => {
  const { tools } = replica.registry
  await fresh.sql(`UPDATE gatehouse.tenants SET tools_off = '{old_tool}' WHERE id = $1`, [tenant.id])
  expect(await tools.list(tenant, admin)).toContainEqual({
    name: 'old_tool',
    title: 'old_tool',
    on: false,
    known: false,
  })
  expect((await tools.set(tenant, admin, { off: ['old_tool'] })).map(({ name }) => name)).toContain('old_tool')
  expect(await tools.set(tenant, admin, { on: ['old_tool'] })).toHaveLength(3)
  expect(await registryError(tools.set(tenant, admin, { on: ['old_tool'] }))).toBe('invalid')
})

test('who holds an old picture of the tools changes nothing', async () => {
  const { tools } = replica.registry
  const old = await tools.list(tenant, admin)
  await tools.set(tenant, admin, { off: ['whoami'] })
  const asBefore = (present: unknown): void => {
    if (JSON.stringify(present) !== JSON.stringify(old)) throw stale()
  }
  expect(await registryError(tools.set(tenant, admin, { off: ['list_projects'] }, asBefore))).toBe('stale')
  await tools.set(tenant, admin, { on: ['whoami'] })
  expect(await states()).toEqual({ delete_project: true, list_projects: true, whoami: true })
})

test('D21: another replica goes by a switch within a second, and the wall: for its own tenant alone', async () => {
  const other = await startReplica(fresh, { database: await fresh.open() })
  const held = async (who: typeof ann) => (await other.principal(who)).tenant.toolsOff
  const off = async () => [...(await held(ann))].join(' ')
  expect(await held(ann)).toBe(ALL_ON)
  expect(await held(zoe)).toBe(ALL_ON)
  await replica.registry.tools.set(tenant, admin, { off: ['delete_project'] })
  expect(await until('delete_project', off)).toBeLessThan(1_000)
  expect(await held(zoe)).toBe(ALL_ON)
  await replica.registry.tools.set(tenant, admin, { on: ['delete_project'] })
  expect(await until('', off)).toBeLessThan(1_000)
})

test('a tenant that was deleted meanwhile has no tools', async () => {
  const gone = await company(replica, 'gone')
  await replica.registry.tenants.delete(gone, operator)
  expect(await registryError(replica.registry.tools.set(gone, operator, { off: ['whoami'] }))).toBe('unknown')
  expect(await registryError(replica.registry.tools.list(gone, operator))).toBe('unknown')
})
