import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openRegistry, type OpenRegistry } from '../storm/registry.ts'
import { query } from '../support/cluster.ts'
import { freePort } from '../support/free-port.ts'
import { startPostgres } from '../support/postgres.ts'
import { BUILT } from '../support/processes.ts'
import { until } from '../support/until.ts'

/** One server process, as it was built. */
export interface Server {
  readonly url: string
  readonly pid: number
}

export interface World {
  readonly servers: readonly Server[]
  readonly registry: OpenRegistry
  /** Any SQL as superuser. */
  sql<Row extends object>(text: string): Promise<Row[]>
  /** Of the issuer whose tokens the servers take (HS256). */
  readonly secret: string
  readonly issuer: string
  close(): Promise<void>
}

/** Postgres and servers on it, with the tools of this folder. Their log goes nowhere, but is written. */
export async function makeWorld(count: number, settings: Readonly<Record<string, string>>): Promise<World> {
  const ends: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end()
  }
  try {
    const cluster = await startPostgres()
    ends.push(async () => await cluster.stop())
    const url = `postgres://postgres@localhost/measure?host=${encodeURIComponent(cluster.host)}`
    await query(url.replace('/measure', '/postgres'), 'CREATE DATABASE measure')
    const dataDir = await mkdtemp(join(tmpdir(), 'measure-'))
    await chmod(dataDir, 0o700)
    ends.push(async () => await rm(dataDir, { recursive: true, force: true }))
    const ports = await Promise.all(Array.from({ length: count }, freePort))
    const secret = randomBytes(32).toString('hex')
    const issuer = 'https://issuer.measure.test'
    const env = {
      PUBLIC_URL: `http://127.0.0.1:${ports[0]}`,
      DATA_DIR: dataDir,
      DATABASE_URL: url,
      SESSION_SECRET: randomBytes(32).toString('hex'),
      JWT_SECRET_KEY: secret,
      JWT_ISSUER: issuer,
      JWT_TRUST_TENANT_CLAIM: 'true',
      TOOLS_DIR: fileURLToPath(new URL('tools', import.meta.url)),
      ...settings,
    }
    const servers: Server[] = []
    for (const port of ports) {
      const child = spawn(process.execPath, [...BUILT, 'serve'], {
        env: { PATH: process.env['PATH'] ?? '', ...env, PORT: String(port) },
        stdio: 'ignore',
      })
      const ended = once(child, 'exit')
      ends.push(async () => {
        child.kill('SIGTERM')
        await ended
      })
      const at = `http://127.0.0.1:${port}`
      await until(async () => child.exitCode !== null || (await fetch(`${at}/readyz`)).ok, 60_000)
      if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}`)
      servers.push({ url: at, pid: child.pid ?? 0 })
    }
    const registry = await openRegistry({ ...env, PORT: String(ports[0]) })
    ends.push(registry.close)
    return { servers, registry, secret, issuer, sql: async (text) => await query(url, text), close }
  } catch (error) {
    await close()
    throw error
  }
}
