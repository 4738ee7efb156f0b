import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '#base/clock.ts'
import type { OutlookFacts } from '#base/client-outlook.ts'
import type { Config } from '#base/config.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Database } from '#db/database.ts'
import { openDatabase } from '#db/open.ts'
import { sql } from '#db/sql.ts'
import type { Provider } from '#identity/provider.ts'
import { isBrokered } from '#login/mode.ts'
import { examineCitus } from './examination-citus.ts'
import { signInIssuer } from './examination-clients.ts'
import { examineLogins } from './examination-logins.ts'
import { explain } from './failure.ts'
import { failed, ok, warning, type Finding } from './finding.ts'
import { withProviders } from './judges.ts'
import { logOf } from './session.ts'
import type { Terminal } from './terminal.ts'

/** What was seen of this configuration, and what clients meet at it. */
export interface Examined extends OutlookFacts {
  readonly findings: readonly Finding[]
  readonly reached: true
}

/** Milliseconds a clock may differ: tokens forgive 30 s. */
const SKEW = { warn: 5_000, fail: 30_000 }

/** Everything `doctor` looks at, in the order it is shown. Changes nothing but what a first start would make. */
export async function examine(config: Config, terminal: Terminal): Promise<Examined> {
  const url = `${config.publicUrl}/mcp`
  const before = [
    ok('configuration', `${config.production ? 'production' : 'development'}, ${url}`),
    ...config.warnings.map((line) => warning('configuration', line)),
    await examineDataDir(config),
    ...(await examineDatabase(config, terminal)),
  ]
  return await withProviders(
    config,
    async () => null,
    async (judges) => ({
      findings: [
        ...before,
        ...(await Promise.all(judges.providers.map(async (provider) => await examineProvider(provider)))),
        await examineClock(judges.providers, judges.fetch),
      ],
      url,
      issuer: await signInIssuer(judges, {
        publicUrl: config.publicUrl,
        brokered: isBrokered(config.login.mode, signingIn(judges.providers)),
      }),
      broken: null,
      reached: true,
    }),
  )
}

/** Whom this server could sign people in with. */
const signingIn = (providers: readonly Provider[]): readonly string[] =>
  providers.filter(({ login }) => login != null).map(({ id }) => id)

const isThere = async (path: string): Promise<boolean> =>
  await stat(path).then(
    () => true,
    () => false,
  )

async function examineDataDir({ dataDir, database }: Config): Promise<Finding> {
  if (!(await isThere(dataDir))) return ok('data dir', `${dataDir} is not there yet; it is made when it is needed`)
  const writable = await access(dataDir, constants.W_OK).then(
    () => true,
    () => false,
  )
  if (!writable) return (database.url === null ? failed : warning)('data dir', `${dataDir} cannot be written`)
  return ok('data dir', dataDir)
}

async function examineDatabase(config: Config, terminal: Terminal): Promise<readonly Finding[]> {
  if (config.database.url === null && !(await isThere(join(config.dataDir, 'db'))))
    return [ok('database', 'embedded, not made yet: `serve` or `migrate` makes it')]
  let database: Database
  try {
    database = await openDatabase({ config: ensureSessionSecret(config), log: logOf(terminal), clock: systemClock })
  } catch (error) {
    return [failed('database', explain(error))]
  }
  try {
    return await examineOpen(database, config)
  } catch (error) {
    return [failed('database', explain(error))]
  } finally {
    await database.close()
  }
}

async function examineOpen(database: Database, config: Config): Promise<readonly Finding[]> {
  const { admin, kind } = database
  const version = await admin.controlVersion()
  if (version === null)
    return [
      failed(
        'database',
        `${kind}, reached, but never migrated: run \`gatehouse migrate\`, until then nothing is served`,
      ),
    ]
  const started = performance.now()
  await database.ping()
  const took = Math.round(performance.now() - started)
  const reached = ok('database', `${kind}, answers in ${took} ms`)
  const { control, tenant } = admin.required
  if (version < control)
    return [
      reached,
      failed(
        'migrations',
        `the registry is at version ${version}, this program needs ${control}: run \`gatehouse migrate\``,
      ),
    ]
  const [tenants] = await database.control({ as: 'operator' }, async (db) => {
    return await db.query<{ all: number; behind: number }>(sql`
      SELECT count(*)::integer AS all, (count(*) FILTER (WHERE schema_version < ${tenant}))::integer AS behind
      FROM tenants WHERE status <> 'deleted'`)
  })
  const { all = 0, behind = 0 } = tenants ?? {}
  const migrations =
    behind > 0
      ? failed('migrations', `${behind} of ${all} tenants are behind version ${tenant}: run \`gatehouse migrate\``)
      : ok('migrations', `registry at version ${version}, ${all} tenants at version ${tenant}`)
  return [
    reached,
    migrations,
    await examineWall(database),
    ...(await examineLogins(database, config.database)),
    ...(await citusOf(database)),
  ]
}

const HARDEN =
  'Run `gatehouse migrate` once with a superuser in DATABASE_ADMIN_URL and the database refuses them too; only a superuser can'

async function citusOf({ admin }: Database): Promise<readonly Finding[]> {
  const state = await admin.citus()
  return state === null ? [] : examineCitus(state)
}

/** D15: does the database itself refuse what db.query refuses? */
async function examineWall({ admin, kind }: Database): Promise<Finding> {
  const { level, open } = await admin.wall()
  if (level === 'hardened') return ok('wall', 'hardened: the database itself refuses every escape that was tried')
  const detail = `guarded: only Gatehouse itself refuses ${open.join(', ')}`
  // The embedded one stops mistakes, not hostile SQL (D19): known, and nothing to be done.
  return kind === 'embedded' ? ok('wall', detail) : warning('wall', `${detail}. ${HARDEN}`)
}

async function examineProvider(provider: Provider): Promise<Finding> {
  const check = `provider ${provider.id}`
  if (provider.warm === undefined) return ok(check, 'nothing to fetch beforehand')
  try {
    await provider.warm()
  } catch (error) {
    const why = provider.state?.().last_error ?? explain(error)
    if (provider.id === 'development') return ok(check, 'answers while `serve` runs; it does not run now')
    return failed(check, `keys cannot be fetched: ${why}`)
  }
  const keys = provider.state?.().keys ?? null
  return ok(
    check,
    `reached, ${keys === null ? 'ready' : `${keys} keys`}; its client id or audience must serve this deployment alone`,
  )
}

/** The clock against the Date header of the first provider that answers (RFC 9110 section 6.6.1: whole seconds). */
async function examineClock(providers: readonly Provider[], fetch: GuardedFetch): Promise<Finding> {
  const issuers = providers.map((provider) => provider.authorization_server).filter((issuer) => issuer !== null)
  for (const issuer of issuers) {
    try {
      const response = await fetch.raw(new URL(issuer), { method: 'HEAD' })
      const there = Date.parse(response.headers.get('date') ?? '')
      if (Number.isNaN(there)) continue
      const skew = Math.abs(Date.now() - there)
      const detail = `${Math.round(skew / 1000)} s from ${new URL(issuer).host}`
      if (skew > SKEW.fail) return failed('clock', `${detail}: tokens will be refused as expired or not yet valid`)
      return skew > SKEW.warn ? warning('clock', detail) : ok('clock', detail)
    } catch {
      // The provider's own check tells that it cannot be reached.
    }
  }
  return ok('clock', 'no provider to compare it with')
}
