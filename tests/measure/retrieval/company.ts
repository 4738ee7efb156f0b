import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#base/clock.ts'
import { loadConfig } from '#base/config-load.ts'
import { createLog } from '#base/log.ts'
import { openDatabase } from '#db/open.ts'
import { sql } from '#db/sql.ts'
import type { TenantPlace } from '#db/database.ts'
import { progressOf } from '#tenancy/passages/queue.ts'
import { freePort } from '../../support/free-port.ts'
import { gatehouse, startReplica, type Replica } from '../../support/processes.ts'
import { rpc } from '../../support/rpc.ts'
import { until } from '../../support/until.ts'
import type { SetDocument } from './set.ts'

/** A hit of search_documents. */
export interface Hit {
  readonly title: string
  /** null: not among the nearest in meaning. */
  readonly similarity: number | null
}

/** The built server on its embedded database, as its clients see it. */
export interface Company {
  write(document: SetDocument): Promise<void>
  /** Up to 100 hits, best first. @throws when it was not searched in that mode, or the tool failed. */
  search(query: string, mode: 'words' | 'hybrid'): Promise<readonly Hit[]>
  /** Starts the server again with search by meaning, and waits until its worker has embedded every passage. */
  withMeaning(embeddings: Readonly<Record<string, string>>, passages: number): Promise<void>
  close(): Promise<void>
}

/** Milliseconds for all passages: a real model on a slow machine takes its time. */
const PATIENCE = 600_000

export async function startCompany(): Promise<Company> {
  const folder = await mkdtemp(join(tmpdir(), 'gh-retrieval-'))
  await chmod(folder, 0o700)
  const key = randomBytes(32).toString('hex')
  const port = String(await freePort())
  const base = {
    DATA_DIR: folder,
    SESSION_SECRET: randomBytes(32).toString('hex'),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    PORT: port,
    API_KEY: key,
    API_KEY_TENANT: 'acme',
    RATE_LIMIT: 'off',
    LOG_LEVEL: 'warn',
  }
  const { code, stderr } = await gatehouse(['tenant', 'create', 'acme'], base)
  if (code !== 0) throw new Error(stderr)
  let server: Replica = await startReplica(base, { patience: 120_000 })

  async function call(name: string, given: object): Promise<Record<string, unknown>> {
    const { status, text, json } = await rpc(server.mcp, key, 'tools/call', { name, arguments: given })
    const { result } = (json ?? {}) as {
      result?: { isError?: boolean; structuredContent?: Record<string, unknown> }
    }
    if (result?.structuredContent === undefined || result.isError === true)
      throw new Error(`${name} answered ${status}: ${text}`)
    return result.structuredContent
  }

  return {
    async write({ title, content }) {
      await call('create_document', { title, content })
    },
    async search(query, mode) {
      const found = await call('search_documents', { query, limit: 100 })
      if (found['mode'] !== mode)
        throw new Error(`searched by ${String(found['mode'])}, not by ${mode}: ${String(found['note'])}`)
      return found['items'] as Hit[]
    },
    async withMeaning(embeddings, passages) {
      await server.end('SIGTERM')
      const env = { ...base, ...embeddings }
      server = await startReplica(env, { patience: 120_000 })
      const config = loadConfig(env, { cwd: folder })
      const model = `${config.embeddings?.model}/${config.embeddings?.dimensions}`
      const database = await openDatabase({ config, log: createLog('silent'), clock: systemClock })
      try {
        const [place] = await database.control(
          { as: 'resolver', access: 'read' },
          async (db) =>
            await db.query<TenantPlace>(
              sql`SELECT schema, placement, schema_version AS "schemaVersion" FROM tenants WHERE slug = 'acme'`,
            ),
        )
        if (place === undefined) throw new Error('the tenant is gone')
        await until(async () => {
          const progress = await database.tenant(place, { access: 'read' }, async (db) => await progressOf(db, model))
          return progress.unsplit === 0 && progress.embedded === passages
        }, PATIENCE)
      } finally {
        await database.close()
      }
    },
    async close() {
      await server.end('SIGTERM')
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
