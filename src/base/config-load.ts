import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { isLoopbackHost } from './address.ts'
import { ConfigError, type Config, type ProvidersConfig } from './config.ts'
import { readDatabase } from './config-database.ts'
import { readFairness } from './config-fairness.ts'
import { readSignIn } from './config-login.ts'
import { hasProvider, readProviders } from './config-providers.ts'
import { exampleOf } from './config-problem.ts'
import { readSizes } from './config-sizes.ts'
import { ConfigReader, type Environment } from './config-reader.ts'
import { parseSigningKeys } from './config-signing-key.ts'
import { readMetricsToken, readToolsDir } from './config-server.ts'
import { readTracing } from './config-tracing.ts'
import { readEmbeddings } from './config-search.ts'
import { readUpstreams } from './config-upstreams.ts'
import { likelyMistakes } from './config-typos.ts'
import { readWorkers } from './config-workers.ts'
import { isDnsServer, isHostHeader, isLoopbackUrl, isNetwork, isOrigin, isScope } from './config-values.ts'

export interface LoadOptions {
  /** Where relative paths and `.env` start; default the process's folder. */
  readonly cwd?: string
  /** Read `.env` there, outside production? Default: only when `env` is the process's own. */
  readonly dotenv?: boolean
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/**
 * The configuration from the environment, checked as a whole and frozen. Reads files of *_FILE and, in development, `.env`
 * (the environment itself wins); writes nothing. In development `sessionSecrets` may be empty: see `ensureSessionSecret`.
 * @throws ConfigError with every problem at once, and never the value of a secret.
 */
export function loadConfig(
  env: Environment = process.env,
  { cwd = process.cwd(), dotenv = env === process.env }: LoadOptions = {},
): Config {
  const all = dotenv && !isProduction(env) ? { ...readDotenv(cwd), ...env } : env
  const reader = new ConfigReader(all, cwd)
  const config = readAll(reader, all, cwd)
  const typos = likelyMistakes(all)
  if (reader.problems.length > 0) throw new ConfigError(reader.problems.map((problem) => withTypo(problem, typos)))
  return freeze({ ...config, warnings: [...reader.warnings, ...typos] })
}

/**
 * METRICS_TOKEN alone, for who asks a server from elsewhere and has no other part of its configuration. null: it is not set.
 * @throws ConfigError when it cannot be used.
 */
export const loadMetricsToken = (env?: Environment, options?: LoadOptions): string | null =>
  alone(readMetricsToken, env, options)

/** TOOLS_DIR alone, for who writes and tests tools. null: it is not set. @throws ConfigError when it is no absolute path. */
export const loadToolsDir = (env?: Environment, options?: LoadOptions): string | null =>
  alone(readToolsDir, env, options)

function alone<T>(
  read: (reader: ConfigReader) => T,
  env: Environment = process.env,
  { cwd = process.cwd(), dotenv = env === process.env }: LoadOptions = {},
): T {
  const reader = new ConfigReader(dotenv && !isProduction(env) ? { ...readDotenv(cwd), ...env } : env, cwd)
  const value = read(reader)
  if (reader.problems.length > 0) throw new ConfigError(reader.problems)
  return value
}

/** What is missing may stand there under a name that nothing reads: then the same line says so. */
function withTypo(problem: string, typos: readonly string[]): string {
  const [variable = ''] = problem.split(':', 1)
  const [typo = ''] = typos.find((line) => line.endsWith(`did you mean ${variable}?`))?.split(':', 1) ?? []
  return typo === '' ? problem : `${problem} (${typo} is set, and nothing reads it)`
}

/** As DECISIONS defines it, whatever NODE_ENV says: what others can reach is production. */
function isProduction(env: Environment): boolean {
  const url = env['PUBLIC_URL']?.trim() ?? ''
  const host = env['HOST']?.trim() ?? ''
  return (
    /^prod(?:uction)?$/i.test(env['NODE_ENV']?.trim() ?? '') ||
    (url !== '' && !isLoopbackUrl(url)) ||
    (host !== '' && !isLoopbackHost(bare(host))) ||
    Object.keys(env).some((name) => /^(?:RAILWAY_|FLY_|KUBERNETES_|RENDER$)/.test(name) && env[name] !== undefined)
  )
}

function readAll(reader: ConfigReader, env: Environment, cwd: string): Omit<Config, 'warnings'> {
  const production = isProduction(env)
  const host = bare(reader.text('HOST') ?? (production ? '0.0.0.0' : '127.0.0.1'))
  const port = reader.count('PORT', 3000, [1, 65_535])
  const publicUrl = readPublicUrl(reader, production, port)
  const providers = readProviders(reader, env, production)
  const egressAllowPrivate = reader.flag('EGRESS_ALLOW_PRIVATE', !production)
  if (production && !hasProvider(providers))
    reader.problem(
      'GOOGLE_CLIENT_ID',
      'no provider is configured: production needs one of Google, Auth0, GitHub, OIDC, JWT_ or API_KEY',
    )
  const developmentSignIn = !production && !hasProvider(providers)
  const workers = readWorkers(reader, developmentSignIn)
  const rateLimit = readRateLimit(reader, production)
  const rateLimitStore = readStore(reader)
  if (workers > 1 && rateLimit.on && rateLimitStore.kind === 'memory')
    reader.warn('RATE_LIMIT_STORE', `memory: each of the ${workers} WORKERS counts for itself; postgres counts for all`)
  return {
    production,
    developmentSignIn,
    workers,
    host,
    port,
    publicUrl,
    allowedHosts: reader
      .listOf('ALLOWED_HOSTS', isHostHeader, 'must be host names, perhaps with a port')
      .map((name) => name.toLowerCase()),
    corsOrigins: readOrigins(reader, publicUrl),
    dataDir: resolve(cwd, reader.text('DATA_DIR') ?? '.gatehouse'),
    database: readDatabase(reader, env, { production, workers }),
    sessionSecrets: readSessionSecrets(reader, production),
    signingKey: readSigningKey(reader),
    operators: readOperators(reader, production, providers),
    logLevel: reader.choice('LOG_LEVEL', LOG_LEVELS, 'info'),
    requestLog: reader.flag('REQUEST_LOG', true),
    directLane: reader.flag('GATEHOUSE_DIRECT_LANE', true),
    rateLimit,
    rateLimitStore,
    sizes: readSizes(reader),
    ...readFairness(reader),
    usageRetentionDays: reader.count('USAGE_RETENTION_DAYS', 90, [1, 3650]),
    auditRetentionDays: reader.count('AUDIT_RETENTION_DAYS', 400, [30, 3650]),
    ...readProxy(reader),
    metricsToken: readMetricsToken(reader),
    tracing: readTracing(reader),
    shutdownTimeout: reader.count('SHUTDOWN_TIMEOUT', 25, [1, 600]) * 1000,
    toolsDir: readToolsDir(reader),
    tenancy: {
      unmappedDomains: reader.choice('UNMAPPED_DOMAINS', ['reject', 'provision'], production ? 'reject' : 'provision'),
      personalTenants: reader.choice(
        'PERSONAL_TENANTS',
        ['per-user', 'shared', 'off'],
        production ? 'off' : 'per-user',
      ),
      provisionLimit: reader.count('PROVISION_LIMIT', 20, [0, 1_000_000]),
    },
    tenantDeleteDays: reader.count('TENANT_DELETE_DAYS', 7, [0, 90]),
    egressAllowPrivate,
    dnsServers: reader.listOf('DNS_SERVERS', isDnsServer, 'must be IP addresses, perhaps with a port'),
    requiredScopes: reader.listOf('REQUIRED_SCOPES', isScope, 'must be scopes, separated by commas'),
    providers,
    login: readSignIn(reader),
    upstreams: readUpstreams(reader, env, egressAllowPrivate),
    embeddings: readEmbeddings(reader, egressAllowPrivate),
  }
}

const bare = (host: string): string => host.replace(/^\[(.*)\]$/, '$1')

/** Never from a Host header. A platform's own name is taken only when nothing was said. */
function readPublicUrl(reader: ConfigReader, production: boolean, port: number): string {
  const render = reader.text('RENDER_EXTERNAL_URL')
  const railway = reader.text('RAILWAY_PUBLIC_DOMAIN')
  const fly = reader.text('FLY_APP_NAME')
  const said =
    reader.text('PUBLIC_URL') ??
    render ??
    (railway === null ? null : `https://${railway}`) ??
    (fly === null ? null : `https://${fly}.fly.dev`)
  const development = `http://127.0.0.1:${port}`
  if (said === null) {
    if (production) reader.problem('PUBLIC_URL', 'needed in production, for example https://mcp.example.com')
    return development
  }
  if (!isOrigin(said)) {
    reader.problem('PUBLIC_URL', 'must be an origin without path, query or user, for example https://mcp.example.com')
    return development
  }
  if (!said.toLowerCase().startsWith('https:') && !isLoopbackUrl(said))
    reader.problem('PUBLIC_URL', 'must be https; http is for this machine only')
  return new URL(said).origin
}

function readOrigins(reader: ConfigReader, publicUrl: string): Config['corsOrigins'] {
  const value = reader.text('CORS_ORIGINS') ?? (isLoopbackUrl(publicUrl) ? 'loopback' : '*')
  if (value === '*' || value === 'loopback') return value
  return reader
    .listOf('CORS_ORIGINS', isOrigin, 'must be *, loopback, or origins, for example https://app.example.com')
    .map((origin) => (URL.canParse(origin) ? new URL(origin).origin : origin))
}

function readSessionSecrets(reader: ConfigReader, production: boolean): readonly string[] {
  if (production && !reader.has('SESSION_SECRET'))
    reader.problem('SESSION_SECRET', 'needed in production: openssl rand -base64 48')
  return reader.listOf('SESSION_SECRET', (secret) => secret.length >= 32, 'must have at least 32 characters')
}

/** D29. */
function readSigningKey(reader: ConfigReader): string | null {
  const key = reader.text('SIGNING_KEY')
  if (key === null || parseSigningKeys(key) !== null) return key
  return reader.problem(
    'SIGNING_KEY',
    'must be an Ed25519 private key in PEM or JWK: openssl genpkey -algorithm ed25519',
  )
}

/** D3. An address alone could be asserted by any provider, so it names nobody. */
function readOperators(reader: ConfigReader, production: boolean, providers: ProvidersConfig): readonly string[] {
  const operators = reader.list('OPERATORS')
  const speaking = addressProviders(providers)
  for (const [, provider = ''] of operators.map((operator) => /^([a-z0-9_-]+):[^|]*$/.exec(operator) ?? []))
    if (provider !== '' && !speaking.includes(provider))
      reader.warn(
        'OPERATORS',
        `${provider}:email names nobody: ${provider} is not configured, or speaks for no domain now; write iss|sub`,
      )
  const bareEmail = (operator: string): boolean => !/[|:]/.test(operator) && operator.includes('@')
  if (operators.some(bareEmail)) {
    const wanted = 'an address alone names nobody: write iss|sub or provider:email'
    if (production) reader.problem('OPERATORS', wanted)
    else reader.warn('OPERATORS', wanted)
  }
  const known = (operator: string): boolean =>
    bareEmail(operator) || /^[^|\s]+\|\S+$/.test(operator) || /^[a-z0-9_-]+:[^@\s]+@[^@\s]+$/.test(operator)
  return reader.listOf('OPERATORS', known, 'must be iss|sub or provider:email')
}

/** Providers that can say whose an address is now (D6): GitHub verified it once, and anybody with the shared secret can write it. */
const addressProviders = (providers: ProvidersConfig): readonly string[] =>
  hasProvider(providers) ? speakingProviders(providers) : ['development']

const speakingProviders = ({ google, auth0, oidc }: ProvidersConfig): readonly string[] => [
  ...(google === null ? [] : ['google']),
  ...(auth0 === null || auth0.emailDomains.length === 0 ? [] : ['auth0']),
  ...oidc.filter(({ domains }) => domains.length > 0).map(({ id }) => id),
]

function readRateLimit(reader: ConfigReader, production: boolean): Config['rateLimit'] {
  const on = reader.flag('RATE_LIMIT', true)
  if (!on && production) reader.warn('RATE_LIMIT', 'off: nothing here bounds how often anyone may ask')
  const perMinute = [1, 1_000_000_000] as const
  return {
    on,
    perIp: reader.count('RATE_LIMIT_PER_IP', 300, perMinute),
    perTenant: reader.count('RATE_LIMIT_PER_TENANT', 6000, perMinute),
    perPrincipal: reader.count('RATE_LIMIT_PER_PRINCIPAL', 1200, perMinute),
  }
}

function readStore(reader: ConfigReader): Config['rateLimitStore'] {
  const name = 'RATE_LIMIT_STORE'
  const value = reader.text(name)
  if (value === null || value === 'memory') return { kind: 'memory' }
  if (value === 'postgres') {
    if (!reader.has('DATABASE_URL'))
      reader.problem(name, 'postgres needs DATABASE_URL: the embedded database has one process, which counts in memory')
    return { kind: 'postgres' }
  }
  // A URL without a host would be this machine's: nobody means that by redis://.
  if (/^(?:redis|valkey)s?:\/\/[^/]/.test(value) && URL.canParse(value)) return { kind: 'redis', url: value }
  reader.problem(name, 'must be memory, postgres, or a URL, for example rediss://user:password@cache.example.com:6379')
  return { kind: 'memory' }
}

/** D4: a header that anyone can send says nothing unless it comes from a proxy of ours. */
function readProxy(reader: ConfigReader): Pick<Config, 'trustProxy' | 'clientIpHeader'> {
  const trustProxy = reader.listOf('TRUST_PROXY', isNetwork, 'must be networks, for example 10.0.0.0/8')
  if (trustProxy.some((network) => network.endsWith('/0')))
    reader.warn('TRUST_PROXY', 'trusts everybody: whoever reaches this port chooses their own address')
  const clientIpHeader = reader.text('CLIENT_IP_HEADER')?.toLowerCase() ?? null
  if (clientIpHeader !== null && trustProxy.length === 0)
    reader.problem(
      'CLIENT_IP_HEADER',
      `needs TRUST_PROXY, for example ${exampleOf('TRUST_PROXY')}: otherwise any client could name its own address`,
    )
  if (clientIpHeader !== null && !/^[a-z0-9-]+$/.test(clientIpHeader))
    reader.problem('CLIENT_IP_HEADER', 'must be the name of a header, for example fly-client-ip')
  return { trustProxy, clientIpHeader }
}

function readDotenv(cwd: string): Environment {
  try {
    return parseEnv(readFileSync(join(cwd, '.env'), 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw new ConfigError([`.env: the file cannot be read`])
  }
}

function freeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) freeze(member)
    Object.freeze(value)
  }
  return value
}

/** The script of npm's that started this program, which npm tells of what it starts; undefined: none. */
export const npmScript = (env: Environment = process.env): string | undefined => env['npm_lifecycle_event']
