import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, chmod, mkdir, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ConfigError } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import { takeLock, type Endpoint, type Held } from './lock.ts'
import { EmbeddedServer } from './server.ts'

export interface Embedded {
  /** Connects pg as to any server. */
  readonly url: string
  readonly close: () => Promise<void>
}

/** pg makes a socket's name from its folder and the port. */
const SOCKET = '.s.PGSQL.5432'
/** A socket's path must fit into 104 bytes on macOS, 108 on Linux. */
const LONGEST_PATH = 103
/** How long to wait for a holder that is just starting. */
const PATIENCE = 20_000

/**
 * The embedded database in DATA_DIR: opened here, or, when another process has it open, reached through that one's socket. The
 * files are never opened twice.
 * Throws ConfigError when its holder cannot be reached or its files cannot be opened.
 */
export async function openEmbedded(dataDir: string, log: Log): Promise<Embedded> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await access(dataDir, constants.W_OK)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new ConfigError([`DATA_DIR: ${dataDir} cannot be written (${code})`])
  }
  const deadline = Date.now() + PATIENCE
  for (;;) {
    const lock = await takeLock(dataDir)
    if ('publish' in lock) return await serve(dataDir, lock, log)
    if (lock.holder !== null) return follow(dataDir, lock.holder, log)
    if (Date.now() > deadline)
      throw new ConfigError([`DATA_DIR: another process holds the database in ${dataDir} and cannot be reached`])
    await pause(50)
  }
}

/**
 * Reached through another process's socket. When that process ends, one of those that still need the database opens it, under the
 * same name. On loopback with a password the name would be another: there the others have to be started again.
 */
function follow(dataDir: string, holder: Endpoint, log: Log): Embedded {
  const url = urlOf(dataDir, holder)
  if (!('path' in holder)) return { url, close: async () => {} }
  let closed = false
  let line: Socket | null = null
  let heir: Embedded | null = null
  let turn = Promise.resolve()

  /** Says nothing and waits for its end. */
  const watch = (): void => {
    if (closed) return
    line = connect(holder.path)
    line.unref()
    line.on('error', () => {})
    line.on('close', () => {
      turn = inherit()
    })
  }
  const inherit = async (): Promise<void> => {
    try {
      await pause(50)
      if (closed) return
      const lock = await takeLock(dataDir)
      if (!('publish' in lock)) return watch()
      heir = await serve(dataDir, lock, log)
      log.info('the embedded database is held by this process now: the one that had it has ended')
    } catch (error) {
      log.error({ err: error }, 'the embedded database could not be taken over')
      watch()
    }
  }
  watch()
  return {
    url,
    async close() {
      closed = true
      line?.destroy()
      await turn
      await heir?.close()
    },
  }
}

async function serve(dataDir: string, lock: Held, log: Log): Promise<Embedded> {
  const path = join(dataDir, SOCKET)
  const onSocket = process.platform !== 'win32' && Buffer.byteLength(path) <= LONGEST_PATH
  const password = onSocket ? null : randomBytes(32).toString('base64url')
  const server = new EmbeddedServer({ folder: join(dataDir, 'db'), password, log })
  const close = async (): Promise<void> => {
    await server.close()
    await lock.release()
  }
  try {
    if (onSocket) await rm(path, { force: true })
    const listening = await server.start(onSocket ? { path } : { host: '127.0.0.1', port: 0 })
    if (onSocket) await chmod(path, 0o600)
    const address = listening.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const endpoint = password === null ? { path } : { port, password }
    await lock.publish(endpoint)
    return { url: urlOf(dataDir, endpoint), close }
  } catch (error) {
    await close()
    throw new ConfigError([`DATA_DIR: the embedded database in ${dataDir} cannot be opened: ${reasonOf(error)}`])
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}

function urlOf(dataDir: string, endpoint: Endpoint): string {
  if ('path' in endpoint) return `postgres://postgres@localhost:5432/postgres?host=${encodeURIComponent(dataDir)}`
  return `postgres://postgres:${endpoint.password}@127.0.0.1:${endpoint.port}/postgres`
}
