import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { environment, gatehouse, type Ran } from '../support/command.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { BUILT } from '../support/processes.ts'

const MEGABYTE = 1_048_576
let fresh: FreshDatabase
let acme: Tenant
let folder: string

beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  acme = await fresh.tenant('acme')
  await fresh.sql(`INSERT INTO ${acme.schema}.projects (id, name, created_by, created_at, updated_at)
    SELECT gen_random_uuid(), 'project ' || n, 'p:a', now(), now() FROM generate_series(1, 50) AS n`)
  folder = await mkdtemp(join(tmpdir(), 'gh-archive-'))
})
afterAll(async () => {
  await fresh.drop()
  await rm(folder, { recursive: true, force: true })
})

const run = async (line: string): Promise<Ran> => await gatehouse({ env: environment(fresh), cwd: folder }, line)

test('a tenant goes into a file that only its owner can read, and comes back into an empty one', async () => {
  const out = await run('tenant export acme --out acme.tar.gz --json')
  const path = join(folder, 'acme.tar.gz')
  const { size, mode } = await stat(path)
  expect(out.json()).toEqual({ slug: 'acme', file: path, bytes: size })
  expect(mode & 0o777).toBe(0o600)
  const before = await readFile(path)
  expect(await run('tenant export acme')).toMatchObject({ exit: 1, stderr: expect.stringContaining('it exists') })
  expect((await readFile(path)).equals(before)).toBe(true)

  await run('tenant create copy')
  const back = await run('tenant import copy acme.tar.gz --json')
  expect(back.json()).toMatchObject({
    slug: 'copy',
    from: { slug: 'acme' },
    imported: { projects: 50 },
    audit: 0,
    left_out: { tenant: 1, audit: expect.any(Number) },
  })
  expect(back.stderr).toMatch(/^From acme, exported at \S+Z\.$/m)
  const again = await run('tenant import copy acme.tar.gz')
  expect(again).toMatchObject({ exit: 1, stdout: '', stderr: expect.stringContaining('copy is not empty') })
  const shown = await run('audit list copy --action tenant.imported --json')
  expect(shown.json()).toMatchObject([{ iss: 'operator', target: 'copy', detail: { from: { slug: 'acme' } } }])
  await run('tenant create sheet')
  expect((await run('tenant import sheet acme.tar.gz')).stdout).toMatch(/^projects +50 +imported$/m)
  expect(await run('audit verify')).toMatchObject({ exit: 0 })
})

test('an export that cannot be finished leaves no file, and an import that is not whole nothing at all', async () => {
  await run('tenant create shut')
  await run('tenant suspend shut')
  expect(await run('tenant export shut')).toMatchObject({ exit: 1, stdout: '' })
  expect(await readdir(folder)).not.toContain('shut.tar.gz')
  await writeFile(join(folder, 'cut.tar.gz'), (await readFile(join(folder, 'acme.tar.gz'))).subarray(0, -40))
  await run('tenant create cut')
  const cut = await run('tenant import cut cut.tar.gz')
  expect(cut).toMatchObject({ exit: 1, stdout: '', stderr: expect.stringContaining('it was cut off') })
  expect(await run('tenant import cut acme.tar.gz --max-bytes 2000')).toMatchObject({
    exit: 1,
    stderr: expect.stringContaining('larger than 2000 bytes'),
  })
  expect(await run('tenant import cut nothing.tar.gz')).toMatchObject({ exit: 1, stdout: '' })
  expect(await run('tenant import cut acme.tar.gz --max-bytes many')).toMatchObject({ exit: 2 })
  expect((await run('tenant import cut acme.tar.gz --json')).json()).toMatchObject({ imported: { projects: 50 } })
})

/** The program itself, its standard output thrown away: octets that came, and the most memory it ever held. */
async function exportsInAProcess(slug: string): Promise<{ readonly octets: number; readonly peak: number }> {
  const spy = join(folder, 'peak.cjs')
  await writeFile(
    spy,
    `process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS * 1024))`,
  )
  const line = ['-r', spy, ...BUILT, 'tenant', 'export', slug, '--out', '-']
  const env = { PATH: process.env['PATH'] ?? '', ...environment(fresh) }
  const child = spawn(process.execPath, line, { cwd: packageRoot, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let octets = 0
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (octets += chunk.length))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  expect([code, said]).toEqual([0, expect.stringContaining('peak ')])
  return { octets, peak: Number(said.split('peak ')[1]) }
}

test('100,000 rows go out of a process in less than 100 MB more than a tenant with nothing takes', async () => {
  const many = await fresh.tenant('many')
  await fresh.tenant('none')
  // Not documents: their search index would take longer than everything else here.
  await fresh.sql(`INSERT INTO ${many.schema}.projects (id, name, description, created_by, created_at, updated_at)
    SELECT gen_random_uuid(), 'project ' || n, repeat(md5(n::text), 8), 'p:a', now(), now() FROM generate_series(1, 100000) AS n`)
  const nothing = await exportsInAProcess('none')
  const all = await exportsInAProcess('many')
  expect(all.octets).toBeGreaterThan(4 * MEGABYTE)
  expect(all.peak - nothing.peak).toBeLessThan(100 * MEGABYTE)
}, 120_000)

test('a backup goes into a file that only its owner can read, is checked, and brings a deleted tenant back', async () => {
  await run('tenant create precious')
  const made = await run('tenant backup precious --out precious.backup --json')
  const path = join(folder, 'precious.backup')
  const { size, mode } = await stat(path)
  expect(made.json()).toEqual({ slug: 'precious', file: path, bytes: size })
  expect(mode & 0o777).toBe(0o600)
  expect(await run('tenant backup precious --out precious.backup')).toMatchObject({
    exit: 1,
    stderr: expect.stringContaining('it exists'),
  })
  expect((await run('tenant restore precious.backup --check --json')).json()).toMatchObject({
    from: { slug: 'precious' },
    rows: { 'registry/tenants': 1 },
  })
  expect(await run('tenant restore precious.backup')).toMatchObject({
    exit: 1,
    stdout: '',
    stderr: expect.stringContaining('the tenant precious lives'),
  })
  await run('tenant delete precious --now --yes')
  expect((await run('tenant restore precious.backup --json')).json()).toMatchObject({ slug: 'precious' })
  expect((await run('tenant show precious --json')).json()).toMatchObject({ status: 'active', deleted_at: null })
  expect((await run('tenant restore precious.backup --as twin')).stderr).toMatch(/^twin, as precious was at \S+Z\.$/m)
  const shown = await run('audit list twin --action tenant.restored --json')
  expect(shown.json()).toMatchObject([{ iss: 'operator', target: 'twin', detail: { from: 'precious', as: 'twin' } }])
  for (const slug of ['precious', 'twin']) expect(await run(`audit verify ${slug}`)).toMatchObject({ exit: 0 })
})
