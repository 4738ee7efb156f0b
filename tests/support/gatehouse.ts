import { Writable } from 'node:stream'
import { loadConfig } from '#base/config-load.ts'
import { createLog } from '#base/log.ts'
import { createGatehouse, type GatehouseParts } from '#http/gatehouse.ts'
import { mintDevToken } from '#http/dev-token.ts'
import type { Config } from '#base/config.ts'
import { DIRECT_LANE } from './direct-lane.ts'
import { freshDatabase, type DatabaseKind, type FreshDatabase } from './database.ts'
import { freePort } from './free-port.ts'

export { freePort }

/** The whole server on loopback, on a database of its own, as `npm start` makes it. */
export interface RunningGatehouse {
  readonly config: Config
  readonly url: string
  readonly mcp: string
  readonly database: FreshDatabase
  /** The environment of a command line beside it. */
  readonly env: Readonly<Record<string, string>>
  /** Every log line so far, as text. */
  readonly lines: readonly string[]
  /** A real token of the development sign-in. */
  token(email: string): Promise<string>
  /** Ends the server and keeps the database, to look at what it left. */
  stop(): Promise<void>
  close(): Promise<void>
}

export async function startGatehouse(options: {
  readonly kind: DatabaseKind
  /** Beside PORT, DATABASE_URL and DATA_DIR. */
  readonly env?: Readonly<Record<string, string>>
  readonly parts?: Omit<GatehouseParts, 'log'>
  /** A second replica on the same database. */
  readonly beside?: RunningGatehouse
}): Promise<RunningGatehouse> {
  const database = options.beside?.database ?? (await freshDatabase({ kind: options.kind }))
  const { database: at, dataDir, sessionSecrets } = database.config
  const env: Record<string, string> = {
    PORT: String(await freePort()),
    DATA_DIR: dataDir,
    SESSION_SECRET: sessionSecrets.join(','),
    DATABASE_SLUG_PREFIX: at.slugPrefix,
    ...(at.url === null ? {} : { DATABASE_URL: at.url }),
    LOG_LEVEL: 'info',
    ...DIRECT_LANE,
    ...options.env,
  }
  const config = loadConfig(env)
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const gatehouse = await createGatehouse(config, { ...options.parts, log: createLog(config.logLevel, sink) })
  await gatehouse.listen()
  let stopped: Promise<void> | null = null
  const stop = async (): Promise<void> => await (stopped ??= gatehouse.close())
  return {
    config,
    url: config.publicUrl,
    mcp: `${config.publicUrl}/mcp`,
    database,
    env,
    lines,
    token: async (email) => await mintDevToken({ dataDir: config.dataDir, publicUrl: config.publicUrl, email }),
    stop,
    async close() {
      await stop()
      if (options.beside === undefined) await database.drop()
    },
  }
}
