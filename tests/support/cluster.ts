/** A Postgres cluster of a test's own, with passwords: roles belong to a whole cluster, and whoever made them first (D17). */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)

/** Of every role that the tests themselves make. */
export const CLUSTER_PASSWORD = 'known-to-tests'

const FIFTEEN = '/usr/lib/postgresql/15/bin'
/** The oldest supported Postgres where Debian's package is installed; null elsewhere, said once. */
export const POSTGRES_15: string | null = existsSync(FIFTEEN) ? FIFTEEN : null
if (POSTGRES_15 === null) console.log(`Postgres 15 is not installed (${FIFTEEN}): the tests on it are not run here`)

export async function query<Row extends object>(url: string, ...texts: string[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    let rows: Row[] = []
    for (const text of texts) rows = (await client.query<Row>(text)).rows
    return rows
  } finally {
    await client.end()
  }
}

/** A URL for a user and a database of the cluster behind this socket. */
export const atCluster = (socket: string) => (user: string, database: string) =>
  `postgres://${user}:${CLUSTER_PASSWORD}@localhost:5432/${database}?host=${encodeURIComponent(socket)}`

/** A cluster that can be killed and started again. */
export interface OwnCluster {
  /** Folder of its unix socket. */
  readonly socket: string
  /** Ends the server with this signal; its sessions break off. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Starts the server again; answers when it takes connections. */
  start(): Promise<void>
  /** Ends it and removes its files. */
  remove(): Promise<void>
}

/** @param bin folder of `initdb` and `postgres`. */
export async function startCluster(bin: string): Promise<OwnCluster> {
  const root = process.getuid?.() === 0
  const as = root ? { uid: 65_534, gid: 65_534 } : {}
  const home = await mkdtemp(join(tmpdir(), 'pg-own-'))
  if (root) await chown(home, 65_534, 65_534)
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' }
  const data = join(home, 'data')
  const secret = join(home, 'password')
  await writeFile(secret, CLUSTER_PASSWORD)
  if (root) await chown(secret, 65_534, 65_534)
  await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', secret, '-E', 'UTF8', '--no-locale', '--no-sync'],
    { ...as, env, cwd: home },
  )
  const flags = ['-D', data, '-k', home, '-c', 'listen_addresses=', '-c', 'fsync=off']
  let server: ChildProcess | null = null
  const cluster: OwnCluster = {
    socket: home,
    async start() {
      const started = spawn(join(bin, 'postgres'), flags, {
        ...as,
        env,
        cwd: home,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      server = started
      await new Promise<void>((resolve, reject) => {
        let said = ''
        started.stderr.on('data', (data: Buffer) => {
          said += data.toString()
          if (said.includes('ready to accept connections')) resolve()
        })
        started.once('exit', () => reject(new Error(said)))
      })
    },
    async kill(signal) {
      const ended = server
      server = null
      if (ended === null) return
      const gone = new Promise((resolve) => ended.once('exit', resolve))
      ended.kill(signal)
      await gone
    },
    async remove() {
      await cluster.kill('SIGINT')
      await rm(home, { recursive: true, force: true })
    },
  }
  await cluster.start()
  return cluster
}

/** @param bin folder of `initdb` and `postgres`. */
export async function withCluster(bin: string, work: (socket: string) => Promise<void>): Promise<void> {
  const cluster = await startCluster(bin)
  try {
    await work(cluster.socket)
  } finally {
    await cluster.remove()
  }
}
