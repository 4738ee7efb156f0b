import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Archive } from '#tenancy/archive/archive.ts'
import type { Actor } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, upperKinds, type FreshDatabase } from '../../support/database.ts'
import {
  actorOf,
  company,
  enlist,
  eventually,
  operator,
  person,
  registryError,
  startReplica,
  type Replica,
} from '../support.ts'
import { archiveOf, bytesOf, dataOf, endOf, filesOf, fill, oneByOne, rowsIn } from './support.ts'

const ann = person('ann@acme.com')
const run = promisify(execFile)

let fresh: FreshDatabase
let replica: Replica
let archive: Archive
let tenant: Tenant
let owner: Actor
let secret: string

beforeAll(async () => {
  fresh = await freshDatabase({ kind: upperKinds[0] ?? 'postgres' })
  replica = await startReplica(fresh)
  archive = archiveOf(replica)
  tenant = await company(replica, 'acme')
  await enlist(replica, tenant, ann, 'owner')
  owner = actorOf(await replica.principal(ann))
  secret = (await replica.registry.keys.create(tenant, owner, { name: 'ci', scopes: ['projects:read'] })).key
  await replica.registry.invitations.invite(tenant, owner, { email: 'bob@acme.com', role: 'member' })
  await replica.registry.claims.claim(tenant, owner, { domain: 'acme.org', asserted_by: ['oidc'] })
  await fill(fresh, tenant, 300)
  await fresh.sql(`INSERT INTO gatehouse.usage (hour, tenant_id, tool, iss, sub, provider, calls)
    SELECT '2026-01-01'::timestamptz + n * interval '1 hour', '${tenant.id}', 'whoami', 'i', 's', 'p', n FROM generate_series(1, 250) AS n`)
  const other = await company(replica, 'globex')
  await fill(fresh, other, 3)
})
afterAll(async () => await fresh.drop())

test('everything a tenant has is in it, in order, and end.json says what there is', async () => {
  const files = await filesOf(await bytesOf(await archive.exportTenant(tenant, owner)))
  expect(files[0]?.name).toBe('manifest.json')
  expect(JSON.parse(files[0]?.content ?? '')).toMatchObject({
    format: 'gatehouse-tenant',
    version: 1,
    slug: 'acme',
    name: 'ACME',
    schema_version: fresh.database.admin.required.tenant,
    // Generated columns are made again, and what others refer to comes first.
    tables: [
      { name: 'projects', columns: expect.arrayContaining(['id', 'name']) },
      { name: 'documents', columns: expect.not.arrayContaining(['search']) },
      { name: 'todos' },
      { name: 'document_versions' },
    ],
  })
  const areas = [...new Set(files.map(({ name }) => name.replace(/\/?\d{6}\.ndjson$/, '')))]
  expect(areas).toEqual([
    'manifest.json',
    'data/projects',
    'data/documents',
    'data/todos',
    'registry/tenant',
    'registry/domains',
    'registry/members',
    'registry/invitations',
    'registry/api_keys',
    'registry/usage',
    'registry/audit',
    'end.json',
  ])
  expect(JSON.parse(files.at(-1)?.content ?? '')).toEqual(JSON.parse(endOf(files.slice(0, -1)).content))
  expect(rowsIn(files, 'data/projects/')).toHaveLength(300)
  expect(rowsIn(files, 'data/projects/')[0]).toMatchObject({
    description: 'with "quotes", ümläuts and\nlines',
    created_at: expect.stringMatching(/05\.123456/),
  })
  expect(rowsIn(files, 'registry/usage/')).toHaveLength(250)
  expect(rowsIn(files, 'registry/members/')).toMatchObject([{ email: ann.email, sub: ann.sub, role: 'owner' }])
  expect(rowsIn(files, 'registry/audit/').map(({ action }) => action)).toEqual(
    expect.arrayContaining(['tenant.created', 'key.created', 'tenant.exported']),
  )
})

test('D38: no secret, digest, challenge or MAC of ours is in it, and nothing of another tenant', async () => {
  const files = await filesOf(await bytesOf(await archive.exportTenant(tenant, owner)))
  const [row] = await fresh.sql<{ token: string; digest: string; mac: string; invited: string; other: string }>(`
    SELECT (SELECT token FROM gatehouse.domains WHERE domain = 'acme.org') AS token,
      (SELECT encode(digest, 'hex') FROM gatehouse.api_keys LIMIT 1) AS digest, (SELECT mac FROM gatehouse.audit LIMIT 1) AS mac,
      (SELECT encode(digest, 'hex') FROM gatehouse.invitations LIMIT 1) AS invited,
      (SELECT id::text FROM gatehouse.tenants WHERE slug = 'globex') AS other`)
  const text = files
    .filter(({ name }) => name !== 'end.json')
    .map(({ content }) => content)
    .join('')
  expect(text).toContain('acme.org')
  for (const [what, value] of Object.entries({ ...row, secret }))
    expect([what, text.includes(value)]).toEqual([what, false])
  expect(text).not.toContain('globex')
  for (const word of ['"mac"', '"digest"', '"token"', '"arguments_digest"']) expect(text).not.toContain(word)
})

test('it is one moment: what is written meanwhile is not in it', async () => {
  const busy = await company(replica, 'busy')
  // More than fits between writing and reading, so that what comes last is read after it was changed.
  await fill(fresh, busy, 40, 100_000)
  const stream: AsyncIterable<Uint8Array> = await archive.exportTenant(busy, operator)
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) {
    if (chunks.push(chunk) === 1) await fresh.sql(`UPDATE ${busy.schema}.todos SET title = 'changed'`)
  }
  const todos = rowsIn(await filesOf(Buffer.concat(chunks)), 'data/todos/')
  expect(todos).toHaveLength(40)
  expect(todos.filter(({ title }) => title === 'changed')).toEqual([])
})

test('an owner or an operator may, and the audit says so before the first byte', async () => {
  const admin = person('adm@acme.com')
  await enlist(replica, tenant, admin, 'admin')
  expect(await registryError(archive.exportTenant(tenant, actorOf(await replica.principal(admin))))).toBe('forbidden')
  const stranger = person('eve@globex.com')
  await enlist(replica, await replica.registry.tenants.get(operator, 'globex'), stranger, 'owner')
  expect(await registryError(archive.exportTenant(tenant, actorOf(await replica.principal(stranger))))).toBe('unknown')
  const before = await exported()
  const stream = await archive.exportTenant(tenant, owner)
  expect(await exported()).toEqual([...before, ann.sub])
  stream.destroy()
  await eventually(async () => await registryError(archive.exportTenant(tenant, owner).then(bytesOf))).toBe('done')
})
const exported = async () =>
  (
    await fresh.sql<{ sub: string }>(`SELECT sub FROM gatehouse.audit WHERE action = 'tenant.exported' ORDER BY id`)
  ).map(({ sub }) => sub)

test('of one tenant one export at a time; who goes away leaves no transaction behind', async () => {
  await fill(fresh, tenant, 2_000, 5_000)
  const stream = await archive.exportTenant(tenant, owner)
  expect(await registryError(archive.exportTenant(tenant, operator))).toBe('limited')
  for await (const _chunk of stream as AsyncIterable<Uint8Array>) break
  const open = async () =>
    (
      await fresh.sql(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
      )
    ).length
  await eventually(open).toBe(0)
  expect((await bytesOf(await archive.exportTenant(tenant, operator))).length).toBeGreaterThan(1_000)
})

test('slow readers of some tenants leave connections to all others', async () => {
  const slow = await Promise.all(
    ['slowa', 'slowb'].map(async (slug) => {
      const one = await company(replica, slug)
      await fill(fresh, one, 1_000, 5_000)
      return await archive.exportTenant(one, operator)
    }),
  )
  expect(await registryError(archive.exportTenant(tenant, owner))).toBe('limited')
  for (const stream of slow) stream.destroy()
  await eventually(async () => await registryError(archive.exportTenant(tenant, owner).then(bytesOf))).toBe('done')
})

test('a small one that nobody ever reads is given up too, and does not keep the next one away', async () => {
  const small = await company(replica, 'small')
  const impatient = archiveOf(replica, 50)
  await impatient.exportTenant(small, operator)
  expect(await registryError(impatient.exportTenant(small, operator))).toBe('limited')
  await eventually(async () => await registryError(impatient.exportTenant(small, operator).then(bytesOf))).toBe('done')
})

test('a tenant that is suspended meanwhile ends the export without an end', async () => {
  const late = await company(replica, 'late')
  await fill(fresh, late, 3_000, 3_000)
  const stream = await archive.exportTenant(late, operator)
  const chunks: Uint8Array[] = []
  const reading = async (): Promise<void> => {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      if (chunks.length === 0) void replica.registry.tenants.suspend(late, operator)
      chunks.push(chunk)
      await new Promise((next) => setImmediate(next))
    }
  }
  await expect(reading()).rejects.toThrow(/no rights|cut|rolled/i)
})

test('tar itself reads it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gh-archive-'))
  const path = join(folder, 'acme.tar.gz')
  await writeFile(path, await bytesOf(await archive.exportTenant(tenant, owner)))
  const { stdout } = await run('tar', ['-tzvf', path])
  expect(stdout).toMatch(/^-rw------- .* manifest\.json$/m)
  await run('tar', ['-xzf', path, '-C', folder])
  const files = await filesOf(await readFile(path))
  for (const { name, content } of files) expect(await readFile(join(folder, name), 'utf8')).toBe(content)
  await rm(folder, { recursive: true })
})

test('whole rows larger than a part are a part of their own, and an empty tenant is an archive too', async () => {
  const large = await company(replica, 'large')
  await fill(fresh, large, 12, 200_000)
  const files = await filesOf(await bytesOf(await archive.exportTenant(large, operator)))
  expect(rowsIn(files, 'data/documents/')).toHaveLength(12)
  for (const { content } of files) expect(content.length).toBeLessThan(262_144 + 201_000)
  const empty = await company(replica, 'empty')
  expect((await filesOf(await bytesOf(await archive.exportTenant(empty, operator)))).map(({ name }) => name)).toEqual([
    'manifest.json',
    'registry/tenant/000001.ndjson',
    'registry/domains/000001.ndjson',
    'registry/audit/000001.ndjson',
    'end.json',
  ])
})

test('what went out comes in again as it was, microseconds and generated columns included', async () => {
  const copy = await company(replica, 'copy')
  const bytes = await bytesOf(await archive.exportTenant(tenant, owner))
  const report = await archive.importTenant(copy, operator, oneByOne(bytes))
  expect(report).toMatchObject({
    from: { slug: 'acme' },
    imported: { projects: 2_300, todos: 2_600, documents: 2_300 },
    left_out: { members: 2, api_keys: 1, usage: 250 },
  })
  expect(await dataOf(fresh, copy)).toEqual(await dataOf(fresh, tenant))
})
