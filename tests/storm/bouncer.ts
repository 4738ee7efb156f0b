import { spawn } from 'node:child_process'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../support/postgres.ts'

export interface Bouncer {
  url(database: string): string
  stop(): Promise<void>
}

const NOBODY = 65_534

/** In transaction mode: a connection to it is none of one's own, and whatever outlives a transaction shows. */
export async function startBouncer(program: string, cluster: Cluster): Promise<Bouncer> {
  const home = await mkdtemp(join(tmpdir(), 'bouncer-'))
  const users = join(home, 'users')
  const settings = join(home, 'pgbouncer.ini')
  await writeFile(users, '"postgres" ""\n"gatehouse_app" ""\n')
  await writeFile(
    settings,
    [
      '[databases]',
      `* = host=${cluster.host} port=${cluster.port}`,
      '[pgbouncer]',
      `unix_socket_dir = ${home}`,
      'listen_port = 6432',
      'auth_type = trust',
      `auth_file = ${users}`,
      'pool_mode = transaction',
      'default_pool_size = 20',
      'max_client_conn = 500',
    ].join('\n'),
  )
  // It refuses to run as root.
  const root = process.getuid?.() === 0
  if (root) for (const path of [home, users, settings]) await chown(path, NOBODY, NOBODY)
  const child = spawn(program, [settings], {
    ...(root ? { uid: NOBODY, gid: NOBODY } : {}),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise<void>((ready, fail) => {
    let said = ''
    child.stderr.on('data', (data: Buffer) => {
      said += data.toString()
      if (said.includes('process up')) ready()
    })
    child.once('error', fail)
    child.once('exit', () => fail(new Error(`pgbouncer did not start\n${said}`)))
  })
  return {
    url: (database) => `postgres://postgres@localhost:6432/${database}?host=${encodeURIComponent(home)}`,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGINT')
      await gone
      await rm(home, { recursive: true, force: true })
    },
  }
}
