import type { Command } from 'commander'
import { systemClock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'
import { Refusal } from '#base/refusal.ts'
import { API_KEY_PREFIX } from '#identity/api-key.ts'
import { createAuthenticator } from '#identity/authenticate.ts'
import { userId, type Identity } from '#identity/identity.ts'
import { parseJwt, peekIssuer } from '#identity/jwt-parse.ts'
import type { ApiKeyLookup } from '#identity/api-key.ts'
import { createKeyLookup } from '#tenancy/key-lookup.ts'
import { watchRegistry } from '#tenancy/registry-cache.ts'
import type { Define } from './commands.ts'
import { withProviders } from './judges.ts'
import { configOf, withDatabase } from './session.ts'
import { columns, plain, sheet } from './table.ts'
import { answer, EXIT, type Terminal } from './terminal.ts'
import { OFF_THE_COMMAND_LINE, readToken } from './token-input.ts'

interface Check {
  readonly check: string
  readonly ok: boolean
  readonly detail: string
}

/** What was found. Holds neither the token nor its signature. */
interface Explanation {
  readonly accepted: boolean
  /** The refusal's code, as in the log. */
  readonly code: string | null
  readonly detail: string | null
  readonly checks: readonly Check[]
  /** Header and claims as they stand in the token, proved or not; null when it is no JWT. */
  readonly header: unknown
  readonly claims: unknown
  readonly identity: Readonly<Record<string, unknown>> | null
}

/** `token explain [file]` */
export const defineExplain: Define = (command, { terminal, end }) => {
  const explain: Command = command
    .command('explain [file]')
    .description('show each check of a token, and why it is refused; reads the token from standard input or a file')
    .option('--ip <address>', 'where it would come from, for keys that work from certain networks only')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `\n${OFF_THE_COMMAND_LINE} It is judged as the server would,\nexcept for the registry: whether it was revoked, and who is let in where, is not looked at.`,
    )
    .action(async (file: string | undefined, { json, ip }: { json?: boolean; ip?: string }) => {
      const token = await readToken(explain, terminal, file)
      const explanation = await judge(terminal, token, ip ?? null)
      answer(terminal, json, explanation, () => readable(explanation))
      if (!explanation.accepted) end(EXIT.failed)
    })
}

/** Only a key needs the database, and a token of ours, which stands for one. */
async function judge(terminal: Terminal, token: string, ip: string | null): Promise<Explanation> {
  if (!token.startsWith(API_KEY_PREFIX)) {
    const { publicUrl } = loadConfig(terminal.env, { cwd: terminal.cwd })
    if (peekIssuer(token) !== publicUrl) return await judgeWith(configOf(terminal), async () => null, token, ip)
  }
  return await withDatabase(terminal, async (database, config) => {
    if (database.kind === 'embedded') await database.admin.bootstrap()
    const watch = await watchRegistry(database)
    return await judgeWith(config, createKeyLookup({ database, clock: systemClock, watch }), token, ip)
  })
}

async function judgeWith(
  config: Config,
  keyLookup: ApiKeyLookup,
  token: string,
  ip: string | null,
): Promise<Explanation> {
  return await withProviders(config, keyLookup, async ({ providers }) => {
    const checks: Check[] = []
    const trace = (check: string, ok: boolean, detail: string): void => void checks.push({ check, ok, detail })
    const found = { checks, ...contents(token) }
    try {
      const identity = await createAuthenticator({ providers, clock: systemClock }).authenticate(token, {
        ip,
        trace,
      })
      return { accepted: true, code: null, detail: null, ...found, identity: facts(identity) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { code } = error
      const detail =
        code === 'key_address' && ip === null
          ? 'it works from certain networks only: say from where with --ip'
          : error.detail
      if (checks.every(({ ok }) => ok))
        checks.push({ check: checks.length === 0 ? 'provider' : 'proof', ok: false, detail: error.message })
      return { accepted: false, code, detail, ...found, identity: null }
    }
  })
}

function contents(token: string): Pick<Explanation, 'header' | 'claims'> {
  try {
    return parseJwt(token)
  } catch {
    return { header: null, claims: null }
  }
}

/** The claims stand elsewhere already. */
function facts({ claims: _claims, ...identity }: Identity): Readonly<Record<string, unknown>> {
  return { user_id: userId(identity), ...identity }
}

function readable({ accepted, code, detail, checks, claims, identity }: Explanation): string {
  const parts = [
    columns(
      checks.map(({ check, ok, detail }) => [ok ? 'pass' : 'FAIL', check, plain(detail) === '-' ? '' : plain(detail)]),
    ),
    ...(isRecord(claims) ? [`Claims, as the token states them:\n${sheet(withTimes(claims))}`] : []),
    ...(identity === null ? [] : [`Identity:\n${sheet(identity)}`]),
    accepted
      ? 'Accepted: the token is genuine and meant for this server. Whether it was revoked, and whether its person may enter a tenant, was not looked at.'
      : `Refused: ${code}${detail === null ? '' : `: ${plain(detail)}`}. docs/troubleshooting.md says more about each code.`,
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** NumericDates also as a date. */
function withTimes(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const entries = Object.entries(claims).map(([name, value]) => {
    const isTime =
      ['iat', 'exp', 'nbf', 'auth_time'].includes(name) && typeof value === 'number' && Math.abs(value) < 1e11
    return [name, isTime ? `${value} (${new Date(value * 1000).toISOString()})` : value] as const
  })
  return Object.fromEntries(entries)
}
