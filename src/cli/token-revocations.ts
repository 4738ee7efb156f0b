import type { Command } from 'commander'
import { Refusal } from '#base/refusal.ts'
import { API_KEY_PREFIX } from '#identity/api-key.ts'
import { bearerToken } from '#identity/bearer.ts'
import { isJwtShaped, parseJwt } from '#identity/jwt-parse.ts'
import { revocationDigest } from '#identity/token-digest.ts'
import type { Revocations } from '#tenancy/revocations.ts'
import type { Define } from './commands.ts'
import { withRegistry } from './session.ts'
import { moment, plain, sheet, table } from './table.ts'
import { answer, EXIT, tell } from './terminal.ts'
import { OFF_THE_COMMAND_LINE, readToken } from './token-input.ts'

interface Options {
  readonly json?: boolean
  readonly reason?: string
}

type Revocation = Awaited<ReturnType<Revocations['list']>>[number]
/** What a list shows of a revoked token: never the token. */
type RevokedToken = Pick<Revocation, 'id' | 'digest' | 'reason' | 'created_at' | 'until'>

/** Milliseconds an opaque token is refused at least. It does not say when it ends; longer than GitHub keeps one that nobody uses (a year). */
const OPAQUE_FOR = 400 * 86_400_000
/** The last moment RFC 3339 can write. */
const LAST = Date.parse('9999-12-31T23:59:59.999Z')

/** `token revoke|revocations` (D22) */
export const defineRevocations: Define = (command, { terminal }) => {
  const revoke = command
    .command('revoke [file]')
    .description('refuse this one token everywhere, within a second; reads it from standard input or a file')
    .option('--reason <text>', 'why, for the list and the audit')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `\n${OFF_THE_COMMAND_LINE} Only its digest is kept. It cannot be taken back: its\nperson signs in again. Revoke it at its provider too, where it may open more than this server.`,
    )
    .action(async (file: string | undefined, { json, reason }: Options) => {
      const token = await readToken(revoke, terminal, file)
      const { until, whose } = read(revoke, token)
      await withRegistry(terminal, async ({ registry: { revocations }, actor }) => {
        const digest = revocationDigest(token)
        await revocations.revokeToken(actor, { digest, until, ...(reason === undefined ? {} : { reason }) })
        if (json !== true) {
          if (whose !== null) tell(terminal, `The token says it is of ${plain(whose)}.`)
          if (until <= Date.now()) tell(terminal, 'It says it has expired: nothing accepted it any more.')
          tell(terminal, 'This token is refused everywhere from now on. Other tokens of the same person are not.')
        }
        const list = await revocations.list(actor)
        const records = list.filter((each) => each.kind === 'token' && each.digest === digest).map(shown)
        for (const record of records) answer(terminal, json, record, () => sheet(readable(record)))
      })
    })

  command
    .command('revocations')
    .description('the tokens that were revoked, by their digests')
    .option('--json', 'print one JSON document')
    .action(async ({ json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tokens = (await registry.revocations.list(actor)).filter(({ kind }) => kind === 'token').map(shown)
        if (tokens.length === 0) tell(terminal, 'No token was revoked.')
        answer(terminal, json, tokens, () => table(tokens.map(readable)))
      })
    })
}

interface Read {
  /** Milliseconds since the epoch. */
  readonly until: number
  /** `iss|sub` as the token claims, proved or not; null: it does not say. */
  readonly whose: string | null
}

/** What there is to know of the token without judging it. Ends the command at what no server would take for a token: revoking that would cut off nobody. */
function read(command: Command, token: string): Read {
  const refuse = (why: string): never => command.error(`error: nothing was done. ${why}`, { exitCode: EXIT.usage })
  if (token.startsWith(API_KEY_PREFIX))
    return refuse('This is an API key, which has an end of its own: `gatehouse key revoke <slug> <key-id>`.')
  try {
    bearerToken({ rawHeaders: ['authorization', `Bearer ${token}`], url: '/' })
    if (!isJwtShaped(token)) return { until: Date.now() + OPAQUE_FOR, whose: null }
    const { iss, sub, exp } = parseJwt(token).claims
    return {
      until: typeof exp === 'number' ? Math.min(Math.max(0, exp * 1000), LAST) : LAST,
      whose: typeof iss === 'string' && typeof sub === 'string' ? `${iss}|${sub}` : null,
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return refuse(`This is not a whole token (${error.code}): give it alone and from its first character to its last.`)
  }
}

const shown = ({ id, digest, reason, created_at, until }: Revocation): RevokedToken => ({
  id,
  digest,
  reason,
  created_at,
  until,
})

function readable({ created_at, until, ...record }: RevokedToken): Readonly<Record<string, unknown>> {
  const now = Date.now()
  return { ...record, revoked: moment(created_at, now), until: moment(until, now) }
}
