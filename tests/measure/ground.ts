import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { query } from '../support/cluster.ts'
import { freePort } from '../support/free-port.ts'
import { startPostgres } from '../support/postgres.ts'
import { gatehouse } from '../support/processes.ts'
import { until } from '../support/until.ts'
import { fileURLToPath } from 'node:url'

/** A migrated database, and what a server needs to be started on it, again and again. */
export interface Ground {
  /** With a superuser. */
  readonly url: string
  readonly env: Readonly<Record<string, string>>
  sql<Row extends object>(text: string): Promise<Row[]>
  close(): Promise<void>
}

export interface Started {
  readonly url: string
  readonly pid: number
  /** Milliseconds from its start to the first 200 of /readyz. */
  readonly ready: number
  end(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url))

export async function makeGround(settings: Readonly<Record<string, string>> = {}): Promise<Ground> {
  const cluster = await startPostgres({ fsync: 'off', max_locks_per_transaction: '1024' })
  const url = `postgres://postgres@localhost/measure?host=${encodeURIComponent(cluster.host)}`
  await query(url.replace('/measure', '/postgres'), 'CREATE DATABASE measure')
  const dataDir = await mkdtemp(join(tmpdir(), 'measure-'))
  await chmod(dataDir, 0o700)
  const port = String(await freePort())
  const env = {
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    PORT: port,
    DATA_DIR: dataDir,
    DATABASE_URL: url,
    SESSION_SECRET: randomBytes(32).toString('hex'),
    JWT_SECRET_KEY: randomBytes(32).toString('hex'),
    JWT_ISSUER: 'https://issuer.measure.test',
    JWT_TRUST_TENANT_CLAIM: 'true',
    RATE_LIMIT: 'off',
    LOG_LEVEL: 'warn',
    ...settings,
  }
  const { code, stderr } = await gatehouse(['migrate'], { ...env, WORKERS: '1' })
  if (code !== 0) throw new Error(stderr)
  return {
    url,
    env,
    sql: async (text) => await query(url, text),
    async close() {
      await cluster.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** @param flags of Node. */
export async function startServer(
  env: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<Started> {
  const began = performance.now()
  const child: ChildProcess = spawn(process.execPath, [...flags, PROGRAM, 'serve'], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  const url = `http://127.0.0.1:${env['PORT']}`
  await until(async () => child.exitCode !== null || (await fetch(`${url}/readyz`)).ok, 120_000)
  if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}`)
  const ready = performance.now() - began
  return {
    url,
    ready,
    pid: child.pid ?? 0,
    async end() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Megabytes that a process holds in memory. */
export async function residentSize(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024
}

/** Seconds of processor time that a process has taken. */
export async function processorTime(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
