import { userInfo } from 'node:os'
import { systemClock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import { createLog, type Log } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import { openDatabase } from '#db/open.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { createDns } from '#tenancy/dns.ts'
import { createRegistry, type Actor, type Registry } from '#tenancy/registry.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import { createScopes } from '#tenancy/roles.ts'
import type { OfferedTool } from '#tenancy/tenant-tools.ts'
import { offeredTools } from '#desk/admin-tools.ts'
import { createCatalogue } from '#toolkit/catalogue.ts'
import { loadDefinitions } from '#toolkit/load.ts'
import { tell, type Terminal } from './terminal.ts'

/** The configuration of this command, with what is likely wrong in it told beside the answer. */
export function configOf(terminal: Terminal): Config {
  const config = loadConfig(terminal.env, { cwd: terminal.cwd })
  for (const warning of config.warnings) tell(terminal, `warning: ${warning}`)
  return config
}

/** Warnings and errors only, beside the answer. */
export const logOf = (terminal: Terminal): Log =>
  createLog('warn', { write: (line) => void terminal.stderr.write(line) })

/** Runs `work` with the database open, and closes it whatever comes. Beside a running embedded server it goes through that one. */
export async function withDatabase<T>(
  terminal: Terminal,
  work: (database: Database, config: Config) => Promise<T>,
): Promise<T> {
  const config = ensureSessionSecret(configOf(terminal))
  const database = await openDatabase({ config, log: logOf(terminal), clock: systemClock })
  try {
    return await work(database, config)
  } finally {
    await database.close()
  }
}

export interface Session {
  readonly config: Config
  readonly database: Database
  readonly registry: Registry
  /** The person at this terminal; operators may do everything. */
  readonly actor: Actor
}

export interface SessionOptions {
  /** Are scopes judged, or tools named? Then the tools are loaded, which says what there are. */
  readonly tools?: boolean
}

/**
 * Runs `work` on the registry. An embedded one is migrated first, as `serve` would; another must have been.
 * @throws RegistryError `conflict` when it was not.
 */
export async function withRegistry<T>(
  terminal: Terminal,
  work: (session: Session) => Promise<T>,
  { tools = false }: SessionOptions = {},
): Promise<T> {
  return await withDatabase(terminal, async (database, config) => {
    if (database.kind === 'embedded') await database.admin.bootstrap()
    const version = await database.admin.controlVersion()
    if (version === null || version < database.admin.required.control)
      throw new RegistryError('conflict', 'the registry is not migrated to this version: run `gatehouse migrate` first')
    const secret = config.sessionSecrets[0] ?? ''
    const offer = tools ? await offerOf(config, terminal) : NOTHING
    const registry = createRegistry({
      database,
      clock: systemClock,
      auditKey: auditKey(secret, CONTROL_SCHEMA),
      scopes: createScopes(offer.scopes),
      offered: () => offer.offered,
      slugPrefix: config.database.slugPrefix,
      deleteDays: config.tenantDeleteDays,
      dns: createDns({ servers: config.dnsServers }),
      links: { issuer: config.publicUrl, secrets: config.sessionSecrets },
      upstreams: config.upstreams,
    })
    return await work({ config, database, registry, actor: operator() })
  })
}

interface Offered {
  readonly scopes: readonly string[]
  readonly offered: readonly OfferedTool[]
}
const NOTHING: Offered = { scopes: [], offered: [] }

/** Of the built-in tools and TOOLS_DIR; what a program brings that has Gatehouse as its library is not seen from here. */
async function offerOf({ toolsDir, production }: Config, terminal: Terminal): Promise<Offered> {
  const { tools, resources, prompts } = await loadDefinitions({ toolsDir, production, log: logOf(terminal) })
  const { scopes } = createCatalogue(tools, [...resources.values(), ...prompts.values()])
  return { scopes, offered: offeredTools(tools) }
}

/** The operating system's user, for the audit. Containers may run as a number without a name. */
export function operator(): Actor {
  try {
    return { kind: 'operator', name: userInfo().username }
  } catch {
    return { kind: 'operator', name: `uid:${process.getuid?.() ?? 'unknown'}` }
  }
}
