import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import type { OutlookFacts } from '#base/client-outlook.ts'
import type { Config } from '#base/config.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Provider } from '#identity/provider.ts'
import { isBrokered } from '#login/mode.ts'
import { signInIssuer } from './examination-clients.ts'
import { examineDatabase, isThere, type DatabaseQuestions } from './examination-database.ts'
import { examineName } from './examination-name.ts'
import { examineRegistration } from './examination-registration.ts'
import { examineStore } from './examination-store.ts'
import { explain } from './failure.ts'
import { failed, ok, warning, type Finding } from './finding.ts'
import { withProviders } from './judges.ts'
import type { Terminal } from './terminal.ts'

/** What was seen of this configuration, and what clients meet at it. */
export interface Examined extends OutlookFacts {
  readonly findings: readonly Finding[]
  readonly reached: true
}

/** Milliseconds a clock may differ: tokens forgive 30 s. */
const SKEW = { warn: 5_000, fail: 30_000 }

/** Everything `doctor` looks at, in the order it is shown. Changes nothing but what a first start would make. */
export async function examine(config: Config, terminal: Terminal, asked: DatabaseQuestions): Promise<Examined> {
  const url = `${config.publicUrl}/mcp`
  const before = [
    ok('configuration', `${config.production ? 'production' : 'development'}, ${url}`),
    ...config.warnings.map((line) => warning('configuration', line)),
    await examineDataDir(config),
    ...(await examineName(config.publicUrl)),
    ...(await examineDatabase(config, terminal, asked)),
    ...(await examineStore(config)),
  ]
  return await withProviders(
    config,
    async () => null,
    async (judges) => {
      const brokered = isBrokered(config.login.mode, signingIn(judges.providers))
      const providers = await Promise.all(
        judges.providers.map(async (provider) => {
          const found = await examineProvider(provider)
          // Who does not answer is not asked again.
          return found.status === 'ok'
            ? [found, ...(await examineRegistration(provider, judges.fetch, brokered))]
            : [found]
        }),
      )
      return {
        findings: [...before, ...providers.flat(), await examineClock(judges.providers, judges.fetch)],
        url,
        issuer: await signInIssuer(judges, { publicUrl: config.publicUrl, brokered }),
        broken: null,
        reached: true,
      }
    },
  )
}

/** Whom this server could sign people in with. */
const signingIn = (providers: readonly Provider[]): readonly string[] =>
  providers.filter(({ login }) => login != null).map(({ id }) => id)

async function examineDataDir({ dataDir, database }: Config): Promise<Finding> {
  if (!(await isThere(dataDir))) return ok('data dir', `${dataDir} is not there yet; it is made when it is needed`)
  const writable = await access(dataDir, constants.W_OK).then(
    () => true,
    () => false,
  )
  if (!writable) return (database.url === null ? failed : warning)('data dir', `${dataDir} cannot be written`)
  return ok('data dir', dataDir)
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
