import { loadConfig } from '#base/config-load.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import { createLog } from '#base/log.ts'
import { createGatehouse as create, type Gatehouse, type GatehouseParts } from '#http/gatehouse.ts'
import type { GivenDefinitions } from '#toolkit/load.ts'

export type { Gatehouse }

export interface GatehouseOptions extends GivenDefinitions {
  /** Settings by name (docs/configuration.md). Default: the process's environment, and outside production `.env` in its folder. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Is told each log line, JSON with its line break. Default: stdout. */
  readonly log?: (line: string) => void
  /** Routes of the program's own, as a Fastify plugin: its hooks and parsers stay inside it. No token is asked for there. */
  readonly routes?: NonNullable<GatehouseParts['routes']>
}

/**
 * The whole server inside another program, not listening yet: settings are read and checked, tools loaded, the database opened.
 * `app` is the Fastify instance, with its routes; `listen` listens on HOST and PORT, `serve` also takes over SIGTERM and SIGINT, `close` ends it all.
 * Outside production a missing SESSION_SECRET is made in DATA_DIR, as `gatehouse serve` does.
 * Throws ConfigError (`problems`: a list) for settings, tools and an embedded database that cannot be used.
 */
export async function makeGatehouse({ env, log, routes, ...definitions }: GatehouseOptions): Promise<Gatehouse> {
  const config = ensureSessionSecret(loadConfig(env))
  const write = log ?? ((line: string) => void process.stdout.write(line))
  return await create(config, {
    log: createLog(config.logLevel, { write }),
    definitions,
    ...(routes === undefined ? {} : { routes }),
  })
}
