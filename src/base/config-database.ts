import type { DatabaseConfig } from './config.ts'
import { exampleOf } from './config-problem.ts'
import type { ConfigReader, Environment } from './config-reader.ts'
import { INSTANCE_NAME, type SettingName } from './settings.ts'

const PLACEMENT = new RegExp(`^DATABASE_URL_(${INSTANCE_NAME})(?:_FILE)?$`)
const REPLICA = new RegExp(`^DATABASE_REPLICA_URL_(${INSTANCE_NAME})(?:_FILE)?$`)
const WANTED = 'must be a postgresql:// URL'

/** Where the data lives (D2, D16, D17), as one of `workers` processes sees it. */
export function readDatabase(
  reader: ConfigReader,
  env: Environment,
  { production, workers }: { readonly production: boolean; readonly workers: number },
): DatabaseConfig {
  const url = postgresUrl(reader, 'DATABASE_URL')
  const embedded = url === null && !reader.has('DATABASE_URL')
  const adminUrl = postgresUrl(reader, 'DATABASE_ADMIN_URL')
  const directUrl = postgresUrl(reader, 'DATABASE_DIRECT_URL')
  const placements = readPlacements(reader, env)
  const replicas = readReplicas(reader, env, placements)
  const allowEmbedded = reader.flag('ALLOW_EMBEDDED', false)
  const migrateOnStart = reader.flag('MIGRATE_ON_START', !production)
  const appRole = reader.flag('DATABASE_APP_ROLE', true)
  const appPassword = reader.text('DATABASE_APP_PASSWORD')
  const tenantLogin = reader.flag('TENANT_LOGIN', false)
  const slugPrefix = reader.text('DATABASE_SLUG_PREFIX') ?? ''
  const poolMax = reader.count('DATABASE_POOL_MAX', 10, [2, 1000])
  const allTotal = reader.count('DATABASE_POOL_TOTAL', Math.max(2, poolMax * 2) * workers, [2, 100_000])
  const poolTotal = Math.floor(allTotal / workers)
  if (poolTotal < poolMax)
    reader.problem(
      'DATABASE_POOL_TOTAL',
      workers === 1
        ? `must be at least DATABASE_POOL_MAX (${poolMax}): it holds those of all servers`
        : `must be at least DATABASE_POOL_MAX times WORKERS (${poolMax} x ${workers}): it holds those of all servers and workers`,
    )
  const defaultPlacement = reader.text('DEFAULT_PLACEMENT') ?? 'default'
  if (defaultPlacement !== 'default' && placements[defaultPlacement] === undefined)
    reader.problem(
      'DEFAULT_PLACEMENT',
      `DATABASE_URL_${defaultPlacement.toUpperCase()} is not set: it names that server`,
    )

  if (embedded) {
    if (production && !allowEmbedded)
      reader.problem('DATABASE_URL', 'needed in production; ALLOW_EMBEDDED=true keeps the data in DATA_DIR instead')
    else if (production) reader.warn('ALLOW_EMBEDDED', 'the data lives in DATA_DIR: one process, one disk, no replica')
    for (const name of ['DATABASE_ADMIN_URL', 'DATABASE_DIRECT_URL', 'DATABASE_REPLICA_URL'] as const)
      if (reader.has(name)) reader.problem(name, `needs DATABASE_URL, for example ${exampleOf('DATABASE_URL')}`)
    if (Object.keys(placements).length > 0)
      reader.problem('DATABASE_URL', `needed by the placements ${Object.keys(placements).join(', ')}`)
    if (tenantLogin)
      reader.problem(
        'TENANT_LOGIN',
        `needs DATABASE_URL, for example ${exampleOf('DATABASE_URL')}: the embedded database has no logins`,
      )
  }
  if (!appRole) {
    reader.warn('DATABASE_APP_ROLE', 'calls log in as the user of DATABASE_URL, whose rights stand behind every tenant')
    if (appPassword !== null)
      reader.problem(
        'DATABASE_APP_PASSWORD',
        'of no use with DATABASE_APP_ROLE=off: take one of the two away, or turn the role on, for example DATABASE_APP_ROLE=on',
      )
  }
  if (appPassword !== null && appPassword.length < 16)
    reader.problem('DATABASE_APP_PASSWORD', 'must have at least 16 characters')
  if (!/^(?:[a-z][a-z0-9_]{0,13})?$/.test(slugPrefix))
    reader.problem('DATABASE_SLUG_PREFIX', 'must be at most 14 of a-z, 0-9 and _, beginning with a letter')

  return {
    url,
    adminUrl: adminUrl ?? url,
    directUrl: directUrl ?? url,
    placements,
    replicas,
    appPassword,
    appRole,
    poolMax,
    poolTotal,
    defaultPlacement,
    poolMaxLifetime: reader.count('DATABASE_POOL_MAX_LIFETIME', 1800, [0, 86_400]) * 1000,
    poolMaxUses: reader.count('DATABASE_POOL_MAX_USES', 5_000, [0, 1_000_000_000]),
    pipeline: reader.flag('DATABASE_PIPELINE', false),
    citus: readCitus(reader, embedded, replicas),
    tenantLogin,
    tenantConnections: reader.count('TENANT_LOGIN_CONNECTIONS', 50, [2, 1000]),
    migrateOnStart: embedded || migrateOnStart,
    slugPrefix,
  }
}

/** DATABASE_URL_<NAME> by lower-cased name. */
function readPlacements(reader: ConfigReader, env: Environment): Readonly<Record<string, string>> {
  const names = Object.keys(env).flatMap((variable) => PLACEMENT.exec(variable)?.[1] ?? [])
  return Object.fromEntries(
    [...new Set(names)].toSorted().flatMap((name) => {
      const here = reader.of(name)
      if (name === 'DEFAULT') here.problem('DATABASE_URL', 'the placement default is DATABASE_URL itself')
      const url = postgresUrl(here, 'DATABASE_URL')
      return url === null ? [] : [[name.toLowerCase(), url]]
    }),
  )
}

function readCitus(reader: ConfigReader, embedded: boolean, replicas: Readonly<Record<string, string>>): boolean {
  const citus = reader.flag('DATABASE_CITUS', false)
  if (citus && embedded)
    reader.problem('DATABASE_CITUS', `needs the coordinator in DATABASE_URL, for example ${exampleOf('DATABASE_URL')}`)
  if (citus && replicas['default'] !== undefined)
    reader.problem(
      'DATABASE_REPLICA_URL',
      'of no use with DATABASE_CITUS=true, as tenants live on the workers: take one of the two away, for example DATABASE_CITUS=false',
    )
  return citus
}

/** DATABASE_REPLICA_URL and DATABASE_REPLICA_URL_<NAME>, by placement. */
function readReplicas(
  reader: ConfigReader,
  env: Environment,
  placements: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const own = postgresUrl(reader, 'DATABASE_REPLICA_URL')
  const names = new Set(Object.keys(env).flatMap((variable) => REPLICA.exec(variable)?.[1] ?? []))
  const named = [...names].toSorted().flatMap((name) => {
    const here = reader.of(name)
    const url = postgresUrl(here, 'DATABASE_REPLICA_URL')
    if (placements[name.toLowerCase()] === undefined)
      here.problem(
        'DATABASE_REPLICA_URL',
        `needs the server that it is a replica of, for example ${exampleOf(`DATABASE_URL_${name}`)}`,
      )
    return url === null ? [] : [[name.toLowerCase(), url] as const]
  })
  return Object.fromEntries([...(own === null ? [] : [['default', own] as const]), ...named])
}

function postgresUrl(reader: ConfigReader, name: SettingName): string | null {
  const value = reader.text(name)
  if (value === null) return null
  return /^postgres(?:ql)?:\/\//.test(value) && URL.canParse(value) ? value : reader.problem(name, WANTED)
}
