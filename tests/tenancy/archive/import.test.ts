import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Archive } from '#tenancy/archive/archive.ts'
import { tarEnd, tarFile } from '#tenancy/archive/tar.ts'
import { verifyAudit } from '#tenancy/audit-verify.ts'
import { auditKey } from '#tenancy/audit.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, upperKinds, type FreshDatabase } from '../../support/database.ts'
import {
  actorOf,
  company,
  enlist,
  operator,
  person,
  registryError,
  SECRET,
  startReplica,
  type Replica,
} from '../support.ts'
import { archiveOf, bytesOf, endOf, filesOf, fill, oneByOne, packed, rowsIn, sealed, type File } from './support.ts'

let fresh: FreshDatabase
let replica: Replica
let archive: Archive
/** A good archive, file by file, without its end. */
let good: readonly File[]
let empty: Tenant
let made = 0

beforeAll(async () => {
  fresh = await freshDatabase({ kind: upperKinds[0] ?? 'postgres' })
  replica = await startReplica(fresh)
  archive = archiveOf(replica)
  const tenant = await company(replica, 'acme')
  await fill(fresh, tenant, 5)
  await fresh.sql(`INSERT INTO ${tenant.schema}.audit (id, at, tenant_id, iss, sub, action, target, outcome, ip, detail, mac) VALUES
    (gen_random_uuid(), '2026-01-02 03:04:05+00', '${tenant.id}', 'i', 'ann', 'delete_project', 'p1', 'ok', '192.0.2.1', '{"why": "old"}', 'abc')`)
  good = (await filesOf(await bytesOf(await archive.exportTenant(tenant, operator)))).slice(0, -1)
  empty = await company(replica, 'empty')
})
afterAll(async () => await fresh.drop())

const take = async (archived: Uint8Array, into = empty, maxBytes?: number) =>
  await archive.importTenant(into, operator, oneByOne(archived), maxBytes === undefined ? {} : { maxBytes })
/** Why it was not taken; nothing of it is there. */
async function refused(archived: Uint8Array, maxBytes?: number): Promise<string> {
  const told = await take(archived, empty, maxBytes).then(
    () => 'taken',
    (error: unknown) => {
      expect(error).toMatchObject({ name: 'RegistryError', code: 'invalid' })
      return error instanceof Error ? error.message.replace('this archive is not taken: ', '') : ''
    },
  )
  for (const table of ['projects', 'todos', 'documents', 'audit'])
    expect(await fresh.sql(`SELECT 1 FROM ${empty.schema}.${table}`)).toEqual([])
  return told
}
const replaced = (name: string, content: (before: string) => string): readonly File[] =>
  good.map((file) => (file.name === name ? { name, content: content(file.content) } : file))
const PROJECTS = 'data/projects/000001.ndjson'
const [ID, OTHER] = ['01890000-0000-7000-8000-000000000001', '01890000-0000-7000-8000-000000000002']
/** An archive of one table with this text in it. */
const withProjects = (content: string): readonly File[] =>
  good.filter(({ name }) => name === 'manifest.json').concat([{ name: PROJECTS, content }])
const project = (more: object = {}): string =>
  JSON.stringify({
    id: ID,
    name: 'p',
    description: '',
    status: 'active',
    created_by: 'p:a',
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    ...more,
  })

describe('a good one', () => {
  let tenant: Tenant
  beforeEach(async () => (tenant = await company(replica, `good${(made += 1)}`)))

  test('is taken whole: data, and its audit with a mark; of the registry nothing', async () => {
    const before = await fresh.sql(`SELECT count(*) FROM gatehouse.members`)
    expect(await take(sealed(good), tenant)).toEqual({
      from: { slug: 'acme', name: 'ACME', exported_at: expect.stringMatching(/Z$/), gatehouse: expect.any(String) },
      imported: { projects: 5, todos: 5, documents: 5 },
      audit: 1,
      left_out: { tenant: 1, domains: 1, audit: rowsIn(good, 'registry/audit/').length },
    })
    expect(await fresh.sql(`SELECT count(*) FROM gatehouse.members`)).toEqual(before)
    expect(await replica.registry.domains.list(tenant, operator)).toHaveLength(1)
  })

  test('D36: an imported row of audit says that it is one, under our own MAC, and the audit stays intact', async () => {
    await take(sealed(good), tenant)
    const rows = await fresh.sql<{ mac: string }>(
      `SELECT at, iss, sub, action, target, outcome, detail, mac, tenant_id FROM ${tenant.schema}.audit ORDER BY id`,
    )
    expect(rows).toMatchObject([
      {
        at: new Date('2026-01-02T03:04:05Z'),
        sub: 'ann',
        action: 'imported.delete_project',
        target: 'p1',
        tenant_id: tenant.id,
        detail: { imported: { id: expect.any(String), detail: { why: 'old' } } },
      },
      { iss: 'operator', sub: 'tests', action: 'tenant.imported', detail: { from: { slug: 'acme' }, audit: 1 } },
    ])
    const verified = async () =>
      await fresh.database.tenant(
        tenant,
        { access: 'read' },
        async (db) => await verifyAudit(db, [auditKey(SECRET, tenant.schema)]),
      )
    expect(await verified()).toMatchObject({ rows: 2, intact: true })
    await fresh.sql(`UPDATE ${tenant.schema}.audit SET action = 'delete_project' WHERE sub = 'ann'`)
    expect(await verified()).toMatchObject({ intact: false, altered: [expect.any(String)] })
  })

  test('only an operator may, and only into a tenant without data', async () => {
    const ann = person(null, { sub: `owner ${made}` })
    await enlist(replica, tenant, ann, 'owner')
    const owner = actorOf(await replica.principal(ann))
    expect(await registryError(archive.importTenant(tenant, owner, oneByOne(sealed(good))))).toBe('forbidden')
    await fresh.sql(`INSERT INTO ${tenant.schema}.todos (id, title, created_by, created_at, updated_at)
      VALUES (gen_random_uuid(), 'mine', 'p:a', now(), now())`)
    expect(await registryError(take(sealed(good), tenant))).toBe('conflict')
    expect(await fresh.sql(`SELECT 1 FROM ${tenant.schema}.projects`)).toEqual([])
  })

  test('is taken octet by octet too, and with what tar fills its end with', async () => {
    const padded = gzipSync(
      Buffer.concat([
        ...[...good, endOf(good)].flatMap(({ name, content }) => tarFile(name, Buffer.from(content), 0)),
        Buffer.alloc(20_480),
      ]),
    )
    expect(await archive.importTenant(tenant, operator, oneByOne(padded, 7))).toMatchObject({
      imported: { projects: 5 },
    })
  })
})

describe('not taken, and nothing of it kept:', () => {
  test.each<[string, () => Uint8Array, string | RegExp]>([
    ['nothing at all', () => Buffer.alloc(0), /cut off/],
    ['no gzip', () => Buffer.from('PK\u0003\u0004 a zip'), 'it is not gzip, or damaged'],
    ['gzip of no tar', () => gzipSync(Buffer.alloc(2_000, 'a')), 'it is no tar of plain files'],
    ['cut off inside gzip', () => sealed(good).subarray(0, -30), 'it ends too early: it was cut off'],
    ['cut off between files', () => packed(good), 'it ends without end.json: it was cut off'],
    [
      'no end of the tar',
      () => gzipSync(Buffer.concat(good.flatMap(({ name, content }) => tarFile(name, Buffer.from(content), 0)))),
      'it ends too early: it was cut off',
    ],
    [
      'an altered octet',
      () => packed([...replaced(PROJECTS, (text) => text.replace('project 1', 'project 7')), endOf(good)]),
      `${PROJECTS} is not what end.json says it is`,
    ],
    [
      'a file less',
      () => packed([...good.filter(({ name }) => !name.startsWith('registry/domains')), endOf(good)]),
      'end.json does not name its files',
    ],
    [
      'wrong counts',
      () =>
        packed([
          ...good,
          { name: 'end.json', content: endOf(good).content.replace('"data/todos":5', '"data/todos":6') },
        ]),
      'the rows of data/todos are not all there',
    ],
    [
      'wrong rows of a file',
      () =>
        packed([
          ...good,
          {
            name: 'end.json',
            content: endOf(good).content.replace('000001.ndjson","rows":5', '000001.ndjson","rows":4'),
          },
        ]),
      /has not as many rows/,
    ],
    [
      'a file after the end',
      () => packed([...good, endOf(good), { name: 'data/todos/000002.ndjson', content: '{}\n' }]),
      'something follows end.json',
    ],
    ['a second end', () => packed([...good, endOf(good), endOf(good)]), 'something follows end.json'],
    ['a name twice', () => sealed([...good.slice(0, 2), ...good.slice(1)]), `${PROJECTS} is there twice`],
    ['the manifest twice', () => sealed([...good.slice(0, 1), ...good]), 'manifest.json is there twice'],
    ['no manifest', () => sealed(good.slice(1)), 'it does not begin with manifest.json'],
    [
      'files out of order',
      () => sealed([...good.slice(0, 2), ...good.slice(3, 4), ...good.slice(2, 3), ...good.slice(4)]),
      'its files are not in their order',
    ],
    [
      'a part left out',
      () =>
        sealed(good.map((file) => (file.name === PROJECTS ? { ...file, name: 'data/projects/000002.ndjson' } : file))),
      'its files are not in their order',
    ],
    [
      'another version',
      () => sealed(replaced('manifest.json', (text) => text.replace('"version": 1', '"version": 2'))),
      /manifest\.json: version/,
    ],
    [
      'an unknown table',
      () => sealed(replaced('manifest.json', (text) => text.replace('"name": "todos"', '"name": "pg_authid"'))),
      'this server has no table pg_authid',
    ],
    [
      'a table of ours that is no data',
      () => sealed(replaced('manifest.json', (text) => text.replace('"name": "todos"', '"name": "schema_migrations"'))),
      'this server has no table schema_migrations',
    ],
    [
      'SQL for a table',
      () => sealed(replaced('manifest.json', (text) => text.replace('"name": "todos"', '"name": "todos; DROP"'))),
      /manifest\.json: tables\.2\.name/,
    ],
    [
      'an unknown column',
      () => sealed(replaced('manifest.json', (text) => text.replace('"description"', '"owner"'))),
      'the table projects has no column owner here',
    ],
    [
      'a generated column',
      () => sealed(replaced('manifest.json', (text) => text.replace('"content"', '"search"'))),
      'the table documents has no column search here',
    ],
    [
      'a column twice',
      () => sealed(replaced('manifest.json', (text) => text.replace('"description"', '"name"'))),
      'the table projects has a column twice',
    ],
    [
      'data of a table the manifest does not name',
      () => sealed([...good.slice(0, 2), { name: 'data/audit/000001.ndjson', content: '{}\n' }]),
      'the manifest names no table audit',
    ],
    [
      'a key that is no column',
      () => sealed(withProjects(`${project({ is_admin: true })}\n`)),
      `${PROJECTS} has a column that its manifest does not name`,
    ],
    [
      'a key of the prototype',
      () => sealed(withProjects(`${project().replace('{', '{"__proto__":{"a":1},')}\n`)),
      `${PROJECTS} has a column that its manifest does not name`,
    ],
    [
      'two objects on a line',
      () => sealed(withProjects(`${project()},${project({ id: OTHER })}\n`)),
      `${PROJECTS} has a line that is no JSON`,
    ],
    ['no object', () => sealed(withProjects('[1]\n')), `${PROJECTS} has a line that is no JSON object`],
    ['no JSON', () => sealed(withProjects('x\n')), `${PROJECTS} has a line that is no JSON`],
    [
      'a line of 100,000 brackets',
      () => sealed(withProjects(`${'['.repeat(100_000)}${']'.repeat(100_000)}\n`)),
      /that is no JSON/,
    ],
    [
      'a value a thousand deep',
      () => sealed(withProjects(`${project().replace('"p"', `${'['.repeat(90_000)}${']'.repeat(90_000)}`)}\n`)),
      /the database refuses/,
    ],
    ['an empty line', () => sealed(withProjects('\n')), `${PROJECTS} has an empty line`],
    ['no last line break', () => sealed(withProjects(project())), `${PROJECTS} does not end with a line`],
    ['an empty part', () => sealed(withProjects('')), `${PROJECTS} does not end with a line`],
    [
      'NUL octets',
      () => sealed(withProjects(`${project().replace('"p"', '"p\0"')}\n`)),
      `${PROJECTS} has a line that is no JSON`,
    ],
    [
      'escaped NULs',
      () => sealed(withProjects(`${project().replace('"p"', String.raw`"p\u0000"`)}\n`)),
      /the database refuses what is in it/,
    ],
    [
      'half of a surrogate pair',
      () => sealed(withProjects(`${project().replace('"p"', String.raw`"\ud800"`)}\n`)),
      /the database refuses what is in it/,
    ],
    [
      'what a check of the table refuses',
      () => sealed(withProjects(`${project({ status: 'root' })}\n`)),
      /the database refuses what is in it: .*projects_status_check/,
    ],
    [
      'the same row twice',
      () => sealed(withProjects(`${project()}\n${project()}\n`)),
      /the database refuses what is in it/,
    ],
    [
      'a wrong type',
      () => sealed(withProjects(`${project({ created_at: 'soon' })}\n`)),
      /the database refuses what is in it/,
    ],
    [
      'an audit of its own making',
      () =>
        sealed([
          ...good.slice(0, 1),
          { name: 'audit/000001.ndjson', content: `${JSON.stringify({ ...rowsIn(good, 'audit/')[0], mac: 'x' })}\n` },
        ]),
      'audit/000001.ndjson has a line that is no row of an audit',
    ],
  ])('%s', async (_what, archived, why) => {
    const told = await refused(archived())
    if (typeof why === 'string') expect(told).toBe(why)
    else expect(told).toMatch(why)
  })

  test('a bomb: little gzip, much of it', async () => {
    const zeros = gzipSync(Buffer.alloc(40_000_000))
    expect(zeros.length).toBeLessThan(100_000)
    expect(await refused(zeros)).toBe('something follows its end')
    const [header = Buffer.alloc(0)] = tarFile('manifest.json', Buffer.alloc(30_000_000, ' '), 0)
    expect(await refused(gzipSync(Buffer.concat([header, Buffer.alloc(30_000_000, ' ')])))).toBe(
      'manifest.json is larger than 16777216 bytes',
    )
    expect(await refused(sealed(withProjects(`${' '.repeat(9_000_000)}\n`)))).toBe(
      `${PROJECTS} has a line of more than 8388608 bytes`,
    )
    expect(await refused(sealed([{ name: 'manifest.json', content: `${' '.repeat(2_000_000)}{}` }]))).toBe(
      'manifest.json is larger than 1048576 bytes',
    )
    expect(await refused(sealed(good), 5_000)).toBe('unpacked it is larger than 5000 bytes')
    expect(await refused(sealed(withProjects('{}\n'.repeat(2_000_000))))).toMatch(/the database refuses/)
  })

  test('100,000 files', async () => {
    const numbered = Array.from({ length: 100_000 }, (_, index) =>
      tarFile(`registry/members/${String(index + 1).padStart(6, '0')}.ndjson`, Buffer.from('{}\n'), 0),
    )
    const [manifest] = good
    const tar = gzipSync(
      Buffer.concat([
        ...tarFile('manifest.json', Buffer.from(manifest?.content ?? ''), 0),
        ...numbered.flat(),
        tarEnd(),
      ]),
      { level: 1 },
    )
    expect(await refused(tar)).toBe('it holds more than 50000 files')
  })

  test.each([
    '../../etc/passwd',
    '/etc/passwd',
    'data/../manifest.json',
    './manifest.json',
    'data/projects/1.ndjson',
    'data/Projects/000001.ndjson',
    'data/projects/000001.ndjson/',
    'data\\projects\\000001.ndjson',
    'data/projects/0000001.ndjson',
    'sql/0001.sql',
    'registry/members.ndjson',
    'audit/x/000001.ndjson',
  ])('the name %s', async (name) => {
    expect(await refused(sealed([...good.slice(0, 1), { name, content: '{}\n' }]))).toBe(
      `${JSON.stringify(name)} is no file of an archive`,
    )
  })

  test.each<[string, (header: Buffer) => void, RegExp]>([
    ['a symbolic link', (header) => header.write('2', 156), /other than plain files/],
    ['a hard link', (header) => header.write('1', 156), /other than plain files/],
    ['a folder', (header) => header.write('5', 156), /other than plain files/],
    ['a device', (header) => header.write('3', 156), /other than plain files/],
    ['an extended header of pax', (header) => header.write('x', 156), /other than plain files/],
    ['a long name of GNU', (header) => header.write('L', 156), /other than plain files/],
    ['where a link leads', (header) => header.write('/etc/passwd', 157), /other than plain files/],
    ['a first half of the name', (header) => header.write('../..', 345), /other than plain files/],
    ['a name with NUL in it', (header) => header.write('a\0b', 0), /characters/],
    ['a size in base 256', (header) => header.writeUInt8(0x80, 124), /size .* cannot be read/],
    ['a size below nothing', (header) => header.write('-0000000001', 124), /size .* cannot be read/],
    ['an enormous size', (header) => header.write('77777777777', 124), /larger than/],
  ])('%s', async (_what, change, why) => {
    const [first] = good
    const [header = Buffer.alloc(0), ...rest] = tarFile('manifest.json', Buffer.from(first?.content ?? ''), 0)
    const changed = Buffer.from(header)
    change(changed)
    changed.write('        ', 148)
    changed.write(
      `${changed
        .reduce((sum, octet) => sum + octet, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    )
    expect(await refused(gzipSync(Buffer.concat([changed, ...rest, tarEnd()])))).toMatch(why)
  })

  test('a header whose sum is wrong', async () => {
    const [header = Buffer.alloc(0), ...rest] = tarFile('manifest.json', Buffer.from('{}'), 0)
    const changed = Buffer.from(header)
    changed.write('x', 0)
    expect(await refused(gzipSync(Buffer.concat([changed, ...rest, tarEnd()])))).toBe('a header is damaged')
  })

  test('whoever sends stops in the middle', async () => {
    async function* stopping(): AsyncGenerator<Uint8Array> {
      yield sealed(good).subarray(0, 300)
      await Promise.resolve()
      throw new Error('connection lost')
    }
    await expect(archive.importTenant(empty, operator, stopping())).rejects.toThrow('connection lost')
  })
})
