import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { uuidv7 } from '#base/id.ts'
import { createLog } from '#base/log.ts'
import { createAdministration } from '#db/administration.ts'
import { readMigrations } from '#db/migrations.ts'
import { appRole, schemaName } from '#db/names.ts'
import { createPool } from '#db/pool.ts'
import { sql } from '#db/sql.ts'
import { auditKey, CONTROL_SCHEMA, insertAudit, signAudit } from '#tenancy/audit.ts'
import { verifyAudit } from '#tenancy/audit-verify.ts'
import { createBackups, type Backups } from '#tenancy/backup/backups.ts'
import { LEFT_OUT, registryTables } from '#tenancy/backup/registry-columns.ts'
import { checkpoint, OPEN } from '#tenancy/checkpoint.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, type FreshDatabase } from '../../support/database.ts'
import { company, enlist, operator, person, registryError, SECRET, startReplica, type Replica } from '../support.ts'
import { bytesOf, fill, oneByOne } from '../archive/support.ts'

/** A tenant with rows in every table of its schema and of the registry, taken into a file and brought back. */
const ann = person('ann@acme.com')
const ben = person('ben@acme.com')
let fresh: FreshDatabase
let replica: Replica
let backups: Backups
let turn = 0

beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  replica = await startReplica(fresh)
  backups = backupsWith(SECRET)
})
afterAll(async () => await fresh.drop())

const backupsWith = (...secrets: readonly string[]): Backups =>
  createBackups({
    database: fresh.database,
    clock: replica.clock,
    auditKey: auditKey(SECRET, CONTROL_SCHEMA),
    secrets,
    slugPrefix: fresh.config.database.slugPrefix,
  })

let tenant: Tenant
let slug: string
let domain: string
beforeEach(async () => {
  slug = `acme${(turn += 1)}`
  domain = `${slug}.com`
  tenant = await company(replica, slug, domain)
  const { id } = await enlist(replica, tenant, ann, 'owner')
  await enlist(replica, tenant, ben, 'member')
  await replica.registry.keys.create(tenant, operator, { name: 'ci', scopes: ['projects:read'], role: 'member' })
  await replica.registry.keys.create(tenant, operator, { name: 'old', scopes: ['projects:read'], role: 'member' })
  await replica.registry.invitations.invite(tenant, operator, { email: `carl@${domain}`, role: 'member' })
  await replica.registry.organizations.add(tenant, operator, {
    iss: 'https://acme.auth0.test/',
    kind: 'org_id',
    value: `org_${slug}`,
  })
  await fresh.sql(
    `INSERT INTO gatehouse.upstreams (tenant_id, name, fields, sealed, version, set_at, set_by)
      VALUES ($1, 'crm', '{token}', 'v1.sealed', gen_random_uuid(), now(), 'operator tests')`,
    [tenant.id],
  )
  await fresh.sql(`UPDATE gatehouse.members SET tokens_not_before = '2026-01-02 03:04:05.123456+00' WHERE id = $1`, [
    id,
  ])
  await fill(fresh, tenant, 40)
  // What JSON would not bring back as it was.
  await fresh.sql(
    `INSERT INTO ${tenant.schema}.projects (id, name, description, created_by, created_at, updated_at)
      VALUES (gen_random_uuid(), $1, $2, 'a', '-infinity', 'infinity')`,
    ['\\N', 'tab\tbackslash\\ carriage\r\nquote" ümläut \u{1F600}'],
  )
  await fresh.database.admin.owning(tenant, async (db) => {
    const key = auditKey(SECRET, tenant.schema)
    const row = (at: number) => ({
      at,
      tenant_id: tenant.id,
      iss: ann.iss,
      sub: ann.sub,
      key_id: null,
      action: 'create_project',
      target: null,
      outcome: 'ok' as const,
      latency_ms: 3,
      request_id: null,
      ip: null,
      detail: { n: at, text: 'x' },
      arguments_digest: null,
    })
    const long = replica.clock.now() - 3 * OPEN
    const rows = Array.from({ length: 30 }, (_, n) => signAudit(key, row(long + n), long + n))
    await insertAudit(db, rows)
    await checkpoint(db, key, replica.clock.now())
    await insertAudit(db, [signAudit(key, row(replica.clock.now()), replica.clock.now())])
  })
})

const take = async (): Promise<Buffer> => await bytesOf(await backups.backup(tenant, operator))
const remove = async (): Promise<void> => await replica.registry.tenants.delete(tenant, operator)

/** Every row of every table of the schema as Postgres writes it, in the order of its key. */
async function contentOf(schema: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const tables = await fresh.sql<{ name: string }>(
    `SELECT relname::text AS name FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind = 'r' ORDER BY 1`,
    [schema],
  )
  const content: Record<string, readonly string[]> = {}
  for (const { name } of tables) {
    const without = name === 'schema_migrations' ? `(r.version, r.name, r.sha256)` : 'r'
    const rows = await fresh.sql<{ row: string }>(`SELECT ${without}::text AS row FROM ${schema}.${name} r ORDER BY 1`)
    content[name] = rows.map(({ row }) => row)
  }
  return content
}
const registryOf = async (id: string): Promise<Readonly<Record<string, readonly object[]>>> => {
  const content: Record<string, readonly object[]> = {}
  for (const { name, columns, tenant: column } of registryTables())
    content[name] = await fresh.sql(
      `SELECT ${columns.join(', ')} FROM gatehouse.${name} WHERE ${column} = $1 ORDER BY 1, 2`,
      [id],
    )
  return content
}
const verified = async (schema: string) =>
  await fresh.database.admin.owning(
    { schema, placement: 'default' },
    async (db) => await verifyAudit(db, [auditKey(SECRET, schema)]),
  )

test('a deleted tenant comes back row by row, with its registry, and its audit verifies', async () => {
  const rows = await contentOf(tenant.schema)
  const registry = await registryOf(tenant.id)
  const file = await take()
  await remove()
  expect(await contentOf(tenant.schema)).toEqual({})

  const report = await backups.restore(operator, oneByOne(file, 1_000))
  expect(report).toMatchObject({ slug, rows: { projects: 41, todos: 40, documents: 40 }, audit_signed_again: 0 })
  expect(await contentOf(tenant.schema)).toEqual(rows)
  expect(Object.keys(rows).length).toBeGreaterThan(5)
  const after = await registryOf(tenant.id)
  // An invitation may have been taken back after the backup; nothing would say so.
  const [invitation] = registry['invitations'] ?? []
  expect(after).toEqual({ ...registry, invitations: [{ ...invitation, state: 'revoked' }] })
  expect(await verified(tenant.schema)).toMatchObject({ intact: true, rows: 31, checkpoints: 1, uncovered: 1 })
  // And works: the person belongs to it, and the role has its rights.
  expect((await replica.principal(ben, { slug })).tenant.id).toBe(tenant.id)
})

test('a tenant becomes another beside itself: same rows, audit signed again, and nothing that belongs to one tenant only', async () => {
  const file = await take()
  const before = await contentOf(tenant.schema)
  const report = await backups.restore(operator, oneByOne(file), { as: `copy_${slug}` })
  expect(report).toMatchObject({
    slug: `copy_${slug}`,
    audit_signed_again: 31,
    registry: {
      members: { restored: 2 },
      api_keys: { 'left out: a key belongs to one tenant': 2 },
      domains: { 'left out: verified for another tenant': 1 },
      organizations: { 'left out: mapped to another tenant': 1 },
      invitations: { 'left out: a link names one tenant': 1 },
      upstreams: { 'left out: sealed for one tenant': 1 },
    },
  })
  const copy = await replica.registry.tenants.get(operator, `copy_${slug}`)
  const { audit: _audit, audit_checkpoints: _checkpoints, ...after } = await contentOf(copy.schema)
  const { audit, audit_checkpoints, ...same } = before
  expect(after).toEqual(same)
  expect([audit?.length, audit_checkpoints?.length]).toEqual([31, 1])
  expect(await verified(copy.schema)).toMatchObject({ intact: true, rows: 31, checkpoints: 1, uncovered: 1 })
  expect(await fresh.sql(`SELECT DISTINCT tenant_id FROM ${copy.schema}.audit`)).toEqual([{ tenant_id: copy.id }])
  // Home stays where it was.
  expect((await replica.principal(ann)).tenant.id).not.toBe(copy.id)
})

test('what had been altered or deleted in an audit stays visible in a copy', async () => {
  await fresh.sql(
    `UPDATE ${tenant.schema}.audit SET action = 'nothing' WHERE id = (SELECT max(id::text)::uuid FROM ${tenant.schema}.audit)`,
  )
  await fresh.sql(
    `DELETE FROM ${tenant.schema}.audit WHERE id = (SELECT min(id::text)::uuid FROM ${tenant.schema}.audit)`,
  )
  await backups.restore(operator, oneByOne(await take()), { as: `odd_${slug}` })
  const { schema } = await replica.registry.tenants.get(operator, `odd_${slug}`)
  const report = await verified(schema)
  expect(report).toMatchObject({ intact: false, rows: 30, missing: [{ signed: 30, found: 29 }] })
  expect(report.altered).toHaveLength(1)
})

test('a suspended tenant comes back suspended', async () => {
  await replica.registry.tenants.suspend(tenant, operator)
  const file = await take()
  await remove()
  await backups.restore(operator, oneByOne(file))
  expect((await replica.registry.tenants.show(operator, slug)).status).toBe('suspended')
  expect(
    await fresh.sql(`SELECT has_table_privilege($1::name, $2, 'SELECT') AS may`, [
      tenant.schema,
      `${tenant.schema}.projects`,
    ]),
  ).toEqual([{ may: false }])
})

test('D22: who was removed and what was revoked after the backup stays so', async () => {
  const file = await take()
  const [old] = await fresh.sql<{ id: string }>(
    `SELECT id FROM gatehouse.api_keys WHERE tenant_id = $1 AND name = 'old'`,
    [tenant.id],
  )
  await replica.registry.keys.revoke(tenant, operator, old?.id ?? '')
  const [, member] = await fresh.sql<{ id: string }>(
    `SELECT id FROM gatehouse.members WHERE tenant_id = $1 ORDER BY id`,
    [tenant.id],
  )
  await replica.registry.members.remove(tenant, operator, member?.id ?? '')
  await remove()
  const { registry } = await backups.restore(operator, oneByOne(file))
  expect(registry).toMatchObject({ api_keys: { restored: 1, 'kept as the registry has them': 1 } })
  const keys = await fresh.sql(
    `SELECT name, revoked_at IS NULL AS works FROM gatehouse.api_keys WHERE tenant_id = $1 ORDER BY name`,
    [tenant.id],
  )
  expect(keys).toEqual([
    { name: 'ci', works: true },
    { name: 'old', works: false },
  ])
  expect(await fresh.sql(`SELECT status FROM gatehouse.members WHERE id = $1`, [member?.id])).toEqual([
    { status: 'removed' },
  ])
})

test('D37: what an owner turned off after the backup stays off, and what was on and stayed on is on again', async () => {
  const allow = async (on: boolean): Promise<unknown> =>
    await fresh.sql('UPDATE gatehouse.tenants SET mcp_admin = $2, operator_access = $2 WHERE id = $1', [tenant.id, on])
  const settings = async (): Promise<unknown> => await replica.registry.tenants.show(operator, slug)
  await allow(true)
  const file = await take()
  await remove()
  await backups.restore(operator, oneByOne(file))
  expect(await settings()).toMatchObject({ status: 'active', mcp_admin: true, operator_access: true })
  await allow(false)
  await remove()
  await backups.restore(operator, oneByOne(file))
  expect(await settings()).toMatchObject({ status: 'active', mcp_admin: false, operator_access: false })
})

test('tools that are off in the backup are off again, and so are those that were switched off after it', async () => {
  const off = async (names: string): Promise<unknown> =>
    await fresh.sql('UPDATE gatehouse.tenants SET tools_off = $2 WHERE id = $1', [tenant.id, names])
  await off('{delete_project,whoami}')
  const file = await take()
  await off('{create_todo,whoami}')
  await remove()
  await backups.restore(operator, oneByOne(file))
  expect((await replica.registry.tenants.show(operator, slug)).tools_off).toEqual([
    'create_todo',
    'delete_project',
    'whoami',
  ])
  await backups.restore(operator, oneByOne(file), { as: `copy${turn}` })
  expect((await replica.registry.tenants.show(operator, `copy${turn}`)).tools_off).toEqual(['delete_project', 'whoami'])
})

test('D10: it is never written over a tenant that lives, nor under a slug that is or was another’s', async () => {
  const file = await take()
  expect(await registryError(backups.restore(operator, oneByOne(file)))).toBe('conflict')
  await replica.registry.tenants.create(operator, { slug: `taken${turn}` })
  expect(await registryError(backups.restore(operator, oneByOne(file), { as: `taken${turn}` }))).toBe('exists')
  expect(await registryError(backups.restore(operator, oneByOne(file), { as: 'Not A Slug' }))).toBe('invalid')
})

test('D8: a domain that another tenant proved meanwhile is left to it, and an old proof by DNS waits for an operator', async () => {
  await fresh.sql(`UPDATE gatehouse.domains SET verified_by = 'dns' WHERE tenant_id = $1`, [tenant.id])
  const file = await take()
  await remove()
  replica.clock.advance(8 * 86_400_000)
  await backups.restore(operator, oneByOne(file))
  expect(await fresh.sql(`SELECT state FROM gatehouse.domains WHERE tenant_id = $1`, [tenant.id])).toEqual([
    { state: 'lapsed' },
  ])
  await remove()
  await company(replica, `heir${turn}`, domain)
  const { registry } = await backups.restore(operator, oneByOne(file))
  expect(registry['domains']).toEqual({ 'left out: verified for another tenant': 1 })
})

test('a file that was cut, changed, put together anew or sealed with another secret leaves nothing behind', async () => {
  const file = await take()
  await remove()
  const gone = async (): Promise<unknown> => [
    await contentOf(tenant.schema),
    await fresh.sql('SELECT 1 FROM pg_roles WHERE rolname = $1', [tenant.schema]),
    await fresh.sql(`SELECT status FROM gatehouse.tenants WHERE id = $1`, [tenant.id]),
  ]
  const nothing = [{}, [], [{ status: 'deleted' }]]
  const flipped = (at: number): Buffer => {
    const copy = Buffer.from(file)
    copy[at] = (copy[at] ?? 0) ^ 1
    return copy
  }
  const damaged = [
    Buffer.alloc(0),
    file.subarray(0, 20),
    file.subarray(0, file.length - 1),
    file.subarray(0, Math.floor(file.length / 2)),
    Buffer.concat([file, Buffer.from('x')]),
    Buffer.concat([file.subarray(0, 33), file.subarray(33 + 4 + 65_552)]),
    ...[0, 20, 35, 40, 100, Math.floor(file.length / 2), file.length - 1].map(flipped),
  ]
  for (const bad of damaged) {
    expect(await registryError(backups.restore(operator, oneByOne(bad)))).toBe('invalid')
    expect(await registryError(backups.check(operator, oneByOne(bad)))).toBe('invalid')
  }
  await expect(
    backupsWith('another secret of at least 32 characters').restore(operator, oneByOne(file)),
  ).rejects.toThrow('another SESSION_SECRET')
  expect(await gone()).toEqual(nothing)
  // An older secret of the list opens it too.
  await expect(
    backupsWith('a new secret of at least 32 characters...', SECRET).restore(operator, oneByOne(file)),
  ).resolves.toMatchObject({ slug })
})

test('a backup of the version before is restored and migrated; one of a newer or another program is refused', async () => {
  const known = await readMigrations('tenant')
  const pool = createPool({ url: fresh.url }, { max: 2, maxLifetime: 60_000 })
  const before = createAdministration({
    pool: () => pool,
    ownPool: () => pool,
    connections: 2,
    placements: ['default'],
    migrations: { control: [], tenant: known.slice(0, -1) },
    app: { role: appRole(fresh.config.database.slugPrefix), password: null },
    tenantPassword: () => null,
    log: createLog('silent'),
  })
  const schema = schemaName(`older${turn}`, fresh.config.database.slugPrefix)
  await before.provision({ schema, placement: 'default' }, async (db) => {
    await db.query(sql`INSERT INTO tenants (id, slug, name, schema, origin)
      VALUES (${uuidv7()}, ${`older${turn}`}, 'Older', ${schema}, 'operator')`)
  })
  const older = await replica.registry.tenants.get(operator, `older${turn}`)
  expect(older.schemaVersion).toBe(known.length - 1)
  await fill(fresh, older, 5)
  const file = await bytesOf(await backups.backup(older, operator))
  await replica.registry.tenants.delete(older, operator)
  const report = await backups.restore(operator, oneByOne(file))
  expect(report).toMatchObject({ from: { schema_version: known.length - 1 }, rows: { projects: 5 } })
  const now = await replica.registry.tenants.get(operator, `older${turn}`)
  expect(now.schemaVersion).toBe(known.length)
  const applied = await fresh.sql(`SELECT name FROM ${now.schema}.schema_migrations ORDER BY version`)
  expect(applied).toEqual(known.map(({ name }) => ({ name })))

  const backupsOf = (files: readonly { name: string; sha256: string }[]): Backups =>
    createBackups({
      database: { ...fresh.database, admin: { ...fresh.database.admin, files } },
      clock: replica.clock,
      auditKey: auditKey(SECRET, CONTROL_SCHEMA),
      secrets: [SECRET],
      slugPrefix: fresh.config.database.slugPrefix,
    })
  await replica.registry.tenants.delete(now, operator)
  await expect(backupsOf([]).restore(operator, oneByOne(file))).rejects.toThrow('newer program')
  await expect(
    backupsOf(known.map(({ name }) => ({ name, sha256: 'x' }))).restore(operator, oneByOne(file)),
  ).rejects.toThrow('not the same file here')
  await pool.end()
})

test('nothing of a tenant can be read in the file', async () => {
  const text = (await take()).toString('latin1')
  expect(text.startsWith('GATEHOUSE-BACKUP')).toBe(true)
  for (const word of [slug, 'project 1', 'manifest.json', ann.sub]) expect(text).not.toContain(word)
})

test('rows that the database refuses undo all of it', async () => {
  const file = await take()
  await remove()
  // The same files here make a table that takes fewer rows than there are: as if somebody had changed what migrations mean.
  await fresh.sql(`CREATE ROLE ${tenant.schema}`)
  await fresh.sql(`CREATE SCHEMA ${tenant.schema}`)
  await expect(backups.restore(operator, oneByOne(file))).rejects.toThrow('already exists')
  expect(await fresh.sql(`SELECT status FROM gatehouse.tenants WHERE id = $1`, [tenant.id])).toEqual([
    { status: 'deleted' },
  ])
  await fresh.sql(`DROP SCHEMA ${tenant.schema}`)
  await expect(backups.restore(operator, oneByOne(file))).resolves.toMatchObject({ slug })
})

test('every table of the registry that names a tenant is in a backup, or left out for a reason', async () => {
  const rows = await fresh.sql<{
    name: string
  }>(`SELECT c.relname::text AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'gatehouse'::regnamespace AND c.relkind = 'r' AND a.attname = 'tenant_id'`)
  const known = [
    ...registryTables()
      .map(({ name }) => name)
      .filter((name) => name !== 'tenants'),
    ...Object.keys(LEFT_OUT),
  ]
  expect(rows.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([])
})

test('every column of the registry that tells of a tenant is in a backup, or left out on purpose', async () => {
  for (const { name, columns, without } of registryTables()) {
    const rows = await fresh.sql<{ name: string }>(
      `SELECT attname::text AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
      [`gatehouse.${name}`],
    )
    expect([...columns, ...without].sort()).toEqual(rows.map((row) => row.name).sort())
  }
})
