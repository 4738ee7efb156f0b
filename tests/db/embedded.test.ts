import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { createLog } from '#base/log.ts'
import { packageRoot } from '#base/package.ts'
import { uuidv7 } from '#base/id.ts'
import { DatabaseUnavailable, StatementTimeout, type Database } from '#db/database.ts'
import { takeLock } from '#db/embedded/lock.ts'
import { openEmbedded } from '#db/embedded/open.ts'
import { sql } from '#db/sql.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { fillDataDir, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

const silent = createLog('silent')
const slow = sql`SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b`

describe('the embedded database', () => {
  let fresh: FreshDatabase
  let acme: Tenant
  beforeAll(async () => {
    fresh = await freshDatabase({ kind: 'embedded' })
    acme = await fresh.tenant('acme')
  })
  afterAll(async () => await fresh.drop())

  const add = async (door: Database, name: string): Promise<void> => {
    await door.tenant(acme, { access: 'write' }, async (db) => {
      await db.query(
        sql`INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES (${uuidv7()}, ${name}, 'test', now(), now())`,
      )
    })
  }
  const client = async (): Promise<pg.Client> => {
    const made = new pg.Client({ connectionString: fresh.url })
    made.on('error', () => {})
    await made.connect()
    return made
  }

  test('D19: a long statement blocks no event loop, is ended with its thread, and later calls work', async () => {
    await add(fresh.database, 'before')
    let ticks = 0
    const clock = setInterval(() => (ticks += 1), 10)
    let begun = (): void => {}
    const running = new Promise<void>((resolve) => (begun = resolve))
    const long = fresh.database.tenant(acme, { access: 'read', timeout: 1_000 }, async (db) => {
      await db.query(sql`SELECT 1`)
      begun()
      await db.query(slow)
    })
    await running
    const waiting = fresh.database
      .tenant(acme, { access: 'read' }, async (db) => await db.query(sql`SELECT 1`))
      .catch((error: unknown) => error)
    await expect(long).rejects.toThrow(StatementTimeout)
    clearInterval(clock)
    expect(ticks).toBeGreaterThan(10)
    // It was in flight when the thread was ended; what comes after the thread is back is served.
    expect(await waiting).toBeInstanceOf(DatabaseUnavailable)
    // On a busy machine the thread takes its time to come back.
    await until(async () => {
      await add(fresh.database, 'after')
      return true
    }, 20_000)
    expect(await fresh.sql(`SELECT name FROM ${acme.schema}.projects ORDER BY name`)).toEqual([
      { name: 'after' },
      { name: 'before' },
    ])
  }, 40_000)

  test('D19: its socket is for its own user only', async () => {
    expect((await stat(join(fresh.config.dataDir, '.s.PGSQL.5432'))).mode & 0o077).toBe(0)
    expect((await stat(join(fresh.config.dataDir, 'db.lock'))).mode & 0o077).toBe(0)
  })

  test('D19: two clients in extended protocol never meet in the one session', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, client))
    await Promise.all(
      clients.map(async (each, index) => {
        for (let round = 0; round < 30; round += 1) {
          const { rows } = await each.query<{ index: number; round: number }>(
            'SELECT $1::int AS index, $2::int AS round',
            [index, round],
          )
          expect(rows).toEqual([{ index, round }])
        }
      }),
    )
    for (const each of clients) await each.end()
  })

  test('D19: what a client leaves in the session is gone before the next one speaks', async () => {
    const [one, two] = [await client(), await client()]
    const state = `SELECT current_user, current_setting('statement_timeout') AS timeout, current_setting('search_path') AS path`
    const before = (await two.query(state)).rows
    await one.query(`SET statement_timeout = 1234; SET search_path = ${acme.schema}; SET ROLE ${acme.schema}`)
    await one.query({ name: 'mine', text: 'SELECT 1 AS one' })
    await two.query({ name: 'mine', text: 'SELECT 2 AS two' })
    expect((await two.query(state)).rows).toEqual(before)
    await one.end()
    await two.end()
  })

  test('D19: a transaction holds the session from its first message to its last, also against autocommit of others', async () => {
    const [one, two] = [await client(), await client()]
    await one.query('BEGIN')
    await one.query('CREATE TABLE public.held (id int)')
    let served = false
    const other = two.query('SELECT 1').then(() => (served = true))
    await one.query('SELECT 1')
    expect(served).toBe(false)
    await one.query('ROLLBACK')
    await other
    await one.end()
    await two.end()
  })

  test('D19: a client that vanishes in a transaction leaves nothing of it, and holds nobody up', async () => {
    const one = await client()
    await one.query('BEGIN')
    await one.query('CREATE TABLE public.vanished (id int)')
    const target: object = one
    if ('connection' in target) (target.connection as { stream: { destroy(): void } }).stream.destroy()
    expect(await fresh.sql(`SELECT to_regclass('public.vanished') AS is`)).toEqual([{ is: null }])
  })

  test('D19: a command beside a running server goes through its socket, and both hear changes', async () => {
    const heard: unknown[] = []
    const listener = await fresh.database.listen(
      (change) => heard.push(change.id),
      () => {},
    )
    await until(() => listener.live)
    const { stdout, status } = await command('beside', JSON.stringify(fresh.config))
    expect({ status, rows: JSON.parse(stdout) as unknown }).toEqual({ status: 0, rows: [{ slug: 'acme' }] })
    await until(() => heard.includes('from the command'))
  })
})

describe('the lock of DATA_DIR', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gh-lock-'))
  })
  afterAll(async () => await rm(folder, { recursive: true }))
  const file = (): string => join(folder, 'db.lock')

  test('D19: is never taken from a living process, not even when asked many times at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, async () => await takeLock(folder)))
    const held = all.filter((each) => 'publish' in each)
    expect(held).toHaveLength(1)
    const [mine] = held
    await mine?.publish({ path: '/nowhere' })
    expect(await takeLock(folder)).toEqual({ holder: { path: '/nowhere' } })
    await mine?.release()
    await expect(readFile(file())).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('D19: whoever is held up between seeing a dead holder and replacing it replaces no living one', async () => {
    await writeFile(file(), JSON.stringify({ pid: 1, birth: 'another boot/1', token: 'dead', endpoint: null }))
    // As if another process were just there.
    const ahead = await takeLock(folder, 'db.lock.after.dead')
    const late = takeLock(folder)
    const living = { pid: process.pid, birth: null, token: 'beef', endpoint: { path: '/living' } }
    await writeFile(file(), JSON.stringify(living))
    if ('publish' in ahead) await ahead.release()
    expect(await late).toEqual({ holder: { path: '/living' } })
    expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual(living)
    await rm(file())
  })

  test('D19: of a dead process, of another process with the same number, and one cut off while written are taken over once', async () => {
    const dead = spawn(process.execPath, ['-e', ''])
    await new Promise((resolve) => dead.once('exit', resolve))
    const entries = [
      JSON.stringify({ pid: dead.pid, birth: null, token: 'a', endpoint: { path: '/nowhere' } }),
      JSON.stringify({ pid: process.pid, birth: 'another boot/1', token: 'a', endpoint: null }),
      '{"pid":',
    ]
    for (const entry of entries) {
      await writeFile(file(), entry)
      const all = await Promise.all(Array.from({ length: 5 }, async () => await takeLock(folder)))
      const held = all.filter((each) => 'publish' in each)
      expect(held).toHaveLength(1)
      await held[0]?.release()
    }
  })
})

test('D19: killed in the middle of writing, nothing that was answered is lost, and the next start takes over', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'gh-kill-'))
  await fillDataDir(dataDir)
  const child = start('writer', dataDir)
  let last = 0
  child.stdout?.on('data', (data: Buffer) => (last = Number(data.toString().trim().split('\n').at(-1))))
  await until(() => last > 50, 50_000)
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  const again = await openEmbedded(dataDir, silent)
  const client = new pg.Client({ connectionString: again.url })
  await client.connect()
  const { rows } = await client.query<{ last: number; count: number }>(
    'SELECT max(id) AS last, count(*)::int AS count FROM public.n',
  )
  expect(rows[0]?.last).toBeGreaterThanOrEqual(last)
  expect(rows[0]?.count).toBe(rows[0]?.last)
  await client.end()
  await again.close()
  await rm(dataDir, { recursive: true })
}, 60_000)

test('D19: when the process that holds it ends, one of those that share it opens it, and the others go on', async () => {
  const fresh = await freshDatabase({ kind: 'embedded' })
  const others = [await fresh.open(), await fresh.open()]
  await Promise.all(others.map(async (each) => await each.ping()))
  await fresh.database.close()
  for (const each of others)
    await expect.poll(async () => await each.ping().catch(String), { timeout: 15_000 }).toBe(undefined)
  await fresh.drop()
}, 60_000)

test('a path too long for a socket is served on loopback with a password', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'gh-long-'))
  const dataDir = join(parent, 'x'.repeat(100))
  await mkdir(dataDir)
  await fillDataDir(dataDir)
  const first = await openEmbedded(dataDir, silent)
  const second = await openEmbedded(dataDir, silent)
  expect(second.url).toBe(first.url)
  const client = new pg.Client({ connectionString: first.url })
  await client.connect()
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await client.end()
  const url = new URL(first.url)
  url.password = 'guessed'
  await expect(new pg.Client({ connectionString: url.toString() }).connect()).rejects.toMatchObject({ code: '28P01' })
  await first.close()
  await rm(parent, { recursive: true })
}, 60_000)

test('files that are no database are said to be', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'gh-bad-'))
  await mkdir(join(dataDir, 'db'))
  await writeFile(join(dataDir, 'db', 'PG_VERSION'), '99\n')
  await expect(openEmbedded(dataDir, silent)).rejects.toThrow(ConfigError)
  await expect(readFile(join(dataDir, 'db.lock'))).rejects.toMatchObject({ code: 'ENOENT' })
  await rm(dataDir, { recursive: true })
})

/** A process of its own that runs TypeScript from source, as `npm run dev` does. */
function start(name: string, argument: string): ChildProcess {
  const script = join(packageRoot, 'tests', 'db', 'processes', `${name}.ts`)
  const flags = ['--conditions=gatehouse-source', '--import', 'tsx', script, argument]
  return spawn(process.execPath, flags, { cwd: packageRoot, stdio: ['ignore', 'pipe', 'inherit'] })
}

async function command(name: string, argument: string): Promise<{ stdout: string; status: number | null }> {
  const child = start(name, argument)
  let stdout = ''
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()))
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { stdout, status }
}
