import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readMigrations } from '#db/migrations.ts'
import { freshDatabase } from '../support/database.ts'
import { nextRelease } from '../support/next-release.ts'
import { gatehouse } from '../support/processes.ts'
import { until } from '../support/until.ts'

test('kill -9 in the middle of a migration of many tenants: each is whole, and the next run does the rest and nothing twice', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const home = await mkdtemp(join(tmpdir(), 'killed-'))
  const slugs = Array.from({ length: 20 }, (_, index) => `many${index}`)
  for (const slug of slugs) await fresh.tenant(slug)
  // Long enough that there is a middle.
  const slow = 'CREATE TABLE next (id uuid PRIMARY KEY); SELECT count(*) FROM generate_series(1, 2000000)'
  const program = await nextRelease(home, [slow])
  const target = (await readMigrations('tenant')).length + 1
  const env = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: fresh.url,
    DATA_DIR: fresh.config.dataDir,
    DATABASE_SLUG_PREFIX: fresh.config.database.slugPrefix,
    SESSION_SECRET: fresh.config.sessionSecrets[0] ?? '',
  }
  const reached = async (): Promise<number> =>
    (await fresh.sql(`SELECT 1 FROM gatehouse.tenants WHERE schema_version = $1`, [target])).length

  const child = spawn(process.execPath, [...program, 'migrate', '--workers', '2'], { env, stdio: 'ignore' })
  const ended = once(child, 'exit')
  await until(async () => (await reached()) >= 4, 60_000)
  child.kill('SIGKILL')
  await ended
  // What it had begun ends with its connections.
  await until(
    async () =>
      (
        await fresh.sql(`SELECT 1 FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND pid <> pg_backend_pid()
    AND datname = current_database()`)
      ).length === 0,
    30_000,
  )
  const done = await reached()
  expect(done).toBeGreaterThanOrEqual(4)
  expect(done).toBeLessThan(slugs.length)
  // Half of a migration is in no tenant: the table and its record are there together or not at all.
  const tables = await fresh.sql(`SELECT 1 FROM pg_tables WHERE tablename = 'next'`)
  expect(tables).toHaveLength(done)
  const status = await gatehouse(['migrate', 'status', '--json'], env, program)
  expect(JSON.parse(status.stdout)).toMatchObject({
    behind_in_all: slugs.length - done,
    failures: [],
    runs: [{ ended_at: null }],
  })

  const rest = await gatehouse(['migrate', '--json', '--workers', '2'], env, program)
  expect(rest.code).toBe(0)
  expect(JSON.parse(rest.stdout)).toMatchObject({
    total: slugs.length - done,
    done: slugs.length - done,
    failed: [],
    left: 0,
  })
  expect(await reached()).toBe(slugs.length)
  await fresh.drop()
  await rm(home, { recursive: true, force: true })
}, 120_000)
