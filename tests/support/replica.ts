/** A streaming replica of a test's own cluster. npm's Postgres has no pg_basebackup, so the files are copied between its start and stop. */
import { execFile, spawn } from 'node:child_process'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { atCluster, CLUSTER_PASSWORD, type OwnCluster } from './cluster.ts'

const run = promisify(execFile)

export interface Replica {
  readonly socket: string
  remove(): Promise<void>
}

/** @param bin folder of `postgres`. Answers when the replica takes connections. */
export async function startReplica(bin: string, primary: OwnCluster): Promise<Replica> {
  const root = process.getuid?.() === 0
  const as = root ? { uid: 65_534, gid: 65_534 } : {}
  const home = await mkdtemp(join(tmpdir(), 'pg-rep-'))
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' }
  const data = join(home, 'data')
  if (root) await chown(home, 65_534, 65_534)
  const client = new pg.Client({ connectionString: atCluster(primary.socket)('postgres', 'postgres') })
  await client.connect()
  // Both on one connection: a backup belongs to its session.
  await client.query("SELECT pg_backup_start('replica', true)")
  await run('cp', ['-a', join(primary.socket, 'data'), data], { ...as, env })
  const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)')
  await client.end()
  for (const name of ['postmaster.pid', 'postmaster.opts']) await rm(join(data, name), { force: true })
  for (const [name, text] of [
    ['backup_label', rows[0]?.labelfile ?? ''],
    ['standby.signal', ''],
  ] as const) {
    await writeFile(join(data, name), text)
    if (root) await chown(join(data, name), 65_534, 65_534)
  }
  const from = `host=${primary.socket} port=5432 user=postgres password=${CLUSTER_PASSWORD}`
  const settings = ['listen_addresses=', 'fsync=off', `primary_conninfo=${from}`, 'hot_standby=on']
  const flags = ['-D', data, '-k', home, ...settings.flatMap((each) => ['-c', each])]
  const server = spawn(join(bin, 'postgres'), flags, { ...as, env, cwd: home, stdio: ['ignore', 'ignore', 'pipe'] })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    server.stderr.on('data', (part: Buffer) => {
      said += part.toString()
      if (said.includes('ready to accept read-only connections')) resolve()
    })
    server.once('exit', () => reject(new Error(said)))
  })
  let gone: Promise<void> | null = null
  return {
    socket: home,
    async remove() {
      gone ??= new Promise<void>((resolve) => {
        server.once('exit', () => resolve())
        server.kill('SIGINT')
      })
      await gone
      await rm(home, { recursive: true, force: true })
    },
  }
}
