import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Tenant } from '#tenancy/tenant.ts'
import { environment, gatehouse, type Ran } from '../support/command.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'

const PROJECT = '01890000-0000-7000-8000-000000000001'
let fresh: FreshDatabase
let acme: Tenant
let folder: string

beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  acme = await fresh.tenant('acme')
  await fresh.sql(`INSERT INTO ${acme.schema}.projects (id, name, created_by, created_at, updated_at)
    VALUES ('${PROJECT}', 'Handbook', 'p:a', now(), now())`)
  folder = await mkdtemp(join(tmpdir(), 'gh-documents-'))
})
afterAll(async () => {
  await fresh.drop()
  await rm(folder, { recursive: true, force: true })
})

const run = async (line: string, isTTY = false): Promise<Ran> =>
  await gatehouse({ env: environment(fresh), cwd: folder, isTTY }, line)

async function files(of: string, all: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, content] of Object.entries(all)) {
    await mkdir(join(folder, of, path, '..'), { recursive: true })
    await writeFile(join(folder, of, path), content)
  }
}

const rows = async (where = 'true') =>
  await fresh.sql<{ source: string; title: string; content: string; version: number; tags: string[]; format: string }>(
    `SELECT source, title, content, version, tags, format, project_id, created_by FROM ${acme.schema}.documents WHERE ${where} ORDER BY source`,
  )

describe('import', () => {
  beforeAll(async () => {
    await files('handbook', {
      'a.md': '# First steps ##\n\nWelcome.\n',
      'deep/er/b.txt': 'plain # no heading',
      'no-heading.markdown': 'text',
      '.hidden.md': 'no',
      '.git/x.md': 'no',
      'picture.png': 'no',
    })
    await symlink('/etc/passwd', join(folder, 'handbook', 'link.txt'))
  })

  test('makes a document of each text, with its title, format, tags and project, and an audit row each', async () => {
    const ran = await run(`documents import handbook --tenant acme --project ${PROJECT} --tag Wiki --tag hr --json`)
    expect(ran.json()).toEqual({
      slug: 'acme',
      created: 3,
      updated: 0,
      unchanged: 0,
      failed: [],
      // The hidden file and folder, the picture and the link.
      passed_over: 4,
    })
    const common = {
      version: 1,
      tags: ['hr', 'wiki'],
      project_id: PROJECT,
      created_by: expect.stringMatching(/^operator:/),
    }
    expect(await rows()).toEqual([
      {
        source: 'a.md',
        title: 'First steps',
        content: '# First steps ##\n\nWelcome.\n',
        format: 'markdown',
        ...common,
      },
      { source: 'deep/er/b.txt', title: 'b', content: 'plain # no heading', format: 'plain', ...common },
      { source: 'no-heading.markdown', title: 'no-heading', content: 'text', format: 'markdown', ...common },
    ])
    const shown = await run('audit list acme --action document.imported --json')
    expect((shown.json() as { detail: unknown }[]).map(({ detail }) => detail)).toContainEqual({
      path: 'a.md',
      done: 'created',
    })
    expect(await run('audit verify')).toMatchObject({ exit: 0 })
  })

  test('again changes nothing, and a file that changed becomes the next version of its document', async () => {
    const line = `documents import handbook --tenant acme --project ${PROJECT} --json`
    expect((await run(line)).json()).toMatchObject({ created: 0, updated: 0, unchanged: 3 })
    await files('handbook', { 'a.md': '# Next steps\n' })
    expect((await run(line)).json()).toMatchObject({ created: 0, updated: 1, unchanged: 2 })
    expect(await rows(`source = 'a.md'`)).toMatchObject([{ title: 'Next steps', version: 2, tags: ['hr', 'wiki'] }])
    expect(await fresh.sql(`SELECT title, version FROM ${acme.schema}.document_versions`)).toEqual([
      { title: 'First steps', version: 1 },
    ])
  })

  test('goes on where it was ended: what is there is not made twice', async () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`${n}.md`, `# Number ${n}`]))
    await files('many', many)
    await fresh.sql(`ALTER TABLE ${acme.schema}.documents ADD CONSTRAINT halfway CHECK (source <> '25.md')`)
    const ended = await run('documents import many --tenant acme')
    expect(ended).toMatchObject({ exit: 1, stdout: '' })
    await fresh.sql(`ALTER TABLE ${acme.schema}.documents DROP CONSTRAINT halfway`)
    const { created, unchanged } = (await run('documents import many --tenant acme --json')).json() as Record<
      string,
      number
    >
    expect(unchanged).toBeGreaterThan(10)
    expect(created! + unchanged!).toBe(30)
    expect(await rows('project_id IS NULL')).toHaveLength(30)
  })

  test('two at once make each document once', async () => {
    await files('twice', Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`twice-${n}.md`, `# T${n}`])))
    const both = await Promise.all([1, 2].map(async () => await run('documents import twice --tenant acme --json')))
    expect(both.map(({ exit }) => exit)).toEqual([0, 0])
    const made = both.map((ran) => (ran.json() as { created: number }).created)
    expect(made[0]! + made[1]!).toBe(20)
    expect(await rows(`source LIKE 'twice-%'`)).toHaveLength(20)
  })

  test('what no document can hold is told by path with exit 3, and does not stop the others', async () => {
    await files('odd', {
      'binary.txt': new Uint8Array([0xff, 0xfe, 0x41]),
      'good.md': '\uFEFF# Good',
      'huge.txt': 'x'.repeat(200_001),
      'nul.txt': 'a\0b',
      'vast.txt': 'x'.repeat(700_000),
    })
    const ran = await run('documents import odd --tenant acme --json')
    expect(ran).toMatchObject({ exit: 3 })
    expect(ran.json()).toMatchObject({ created: 1, failed: { length: 4 } })
    for (const path of ['binary.txt', 'huge.txt', 'nul.txt', 'vast.txt']) expect(ran.stderr).toContain(`${path}: it`)
    expect(await rows(`source = 'good.md'`)).toMatchObject([{ title: 'Good', content: '# Good' }])
  })

  test('a terminal is shown a bar, and a log a line at each tenth', async () => {
    await files('bar', Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`bar-${n}.md`, `# B${n}`])))
    expect((await run('documents import bar --tenant acme')).stderr).toContain('5 of 10 files')
    expect((await run('documents import bar --tenant acme', true)).stderr).toMatch(/\[#{30}\] 10\/10/)
    await mkdir(join(folder, 'empty'))
    expect(await run('documents import empty --tenant acme', true)).toMatchObject({ exit: 0 })
  })

  test.each([
    ['documents import nowhere --tenant acme', 1, 'is no folder'],
    [`documents import handbook --tenant acme --project ${PROJECT.replace('1', '2')}`, 1, 'has no project'],
    ['documents import handbook --tenant acme --project x', 2, 'id of a project'],
    ['documents import handbook --tenant acme --tag a,b', 2, 'without commas'],
    ['documents import handbook', 2, '--tenant'],
    ['documents import handbook --tenant nobody', 1, 'nobody'],
  ])('%s ends with %i', async (line, exit, said) => {
    expect(await run(line)).toMatchObject({ exit, stdout: '', stderr: expect.stringContaining(said) })
  })
})

describe('export', () => {
  test('gives back what was imported, path by path, and can be imported again', async () => {
    const ran = await run(`documents export out --tenant acme --project ${PROJECT} --json`)
    expect(ran.json()).toEqual({ slug: 'acme', folder: join(folder, 'out'), documents: 3 })
    expect((await readdir(join(folder, 'out'), { recursive: true })).sort()).toEqual(
      ['a.md', 'deep', 'deep/er', 'deep/er/b.txt', 'documents.json', 'no-heading.markdown'].sort(),
    )
    expect(await readFile(join(folder, 'out/a.md'), 'utf8')).toBe('# Next steps\n')
    expect((await stat(join(folder, 'out/a.md'))).mode & 0o777).toBe(0o600)
    const list = JSON.parse(await readFile(join(folder, 'out/documents.json'), 'utf8')) as Record<string, unknown>[]
    expect(list.find(({ path }) => path === 'a.md')).toMatchObject({
      title: 'Next steps',
      version: 2,
      tags: ['hr', 'wiki'],
      project_id: PROJECT,
    })
    const again = await run('documents export out --tenant acme')
    expect(again).toMatchObject({ exit: 1, stderr: expect.stringContaining('is not empty') })
    expect((await run('audit list --action documents.exported --json')).json()).toMatchObject([{ target: 'acme' }])
    const copy = await fresh.tenant('copy')
    expect((await run('documents import out --tenant copy --json')).json()).toMatchObject({ created: 3, failed: [] })
    expect(await fresh.sql(`SELECT count(*)::integer AS n FROM ${copy.schema}.documents`)).toEqual([{ n: 3 }])
  })

  test('a path that would lead out of the folder, or onto another file, is not written as such', async () => {
    const evil = await fresh.tenant('evil')
    const sources = [
      '../../out.md',
      '/etc/x.md',
      'a/../b.md',
      '.ssh/key.md',
      'documents.json',
      'A.md',
      'a.md',
      'a.md/b.md',
      'c\\d.md',
      null,
    ]
    for (const [n, source] of sources.entries())
      await fresh.sql(
        `INSERT INTO ${evil.schema}.documents (id, title, content, source, source_digest, created_by, created_at, updated_at)
          VALUES ($1, '../Titel & Töne/', 'x', $2, 'x', 'p:a', now(), now())`,
        [`01890000-0000-7000-8000-0000000000${10 + n}`, source],
      )
    expect((await run('documents export evil --tenant evil --json')).json()).toMatchObject({
      documents: sources.length,
    })
    const written = await readdir(join(folder, 'evil'), { recursive: true })
    expect(written.sort()).toEqual(
      [
        'A.md',
        'documents.json',
        ...sources.flatMap((source, n) =>
          source === 'A.md' ? [] : [`titel-to-ne-01890000-0000-7000-8000-0000000000${10 + n}.md`],
        ),
      ].sort(),
    )
  })
})
