import { InvalidArgumentError, type Command } from 'commander'
import type { MoveRecord } from '#tenancy/move-record.ts'
import type { MoveOptions } from '#tenancy/move-run.ts'
import { confirm } from './confirm.ts'
import { duration } from './parse.ts'
import { withRegistry, type Session } from './session.ts'
import { moment, sheet } from './table.ts'
import { answer, tell, typed, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly yes?: boolean
  readonly to?: string
  readonly verify?: MoveOptions['verify']
  readonly patience?: number
  readonly hold?: number
}

const VERIFY = 'what is compared: how many rows, which keys, or every column (counts, keys, rows; default: keys)'
const PATIENCE = 'time that open writes are given to end (default: 30s)'
const HOLD = 'time for which writes may be held up (default: 5s)'

/** `tenant move|move-status|move-confirm|move-back|move-cancel` */
export function defineMove(command: Command, terminal: Terminal): void {
  const how = ({ verify, patience, hold }: Options): MoveOptions => ({
    ...(verify === undefined ? {} : { verify }),
    ...(patience === undefined ? {} : { patience }),
    ...(hold === undefined ? {} : { limit: hold }),
    onProgress: ({ state, words }) => tell(terminal, `${state}: ${words}`),
  })
  const one = async (
    slug: string,
    json: boolean | undefined,
    work: (
      session: Session,
      tenant: Awaited<ReturnType<Session['registry']['tenants']['get']>>,
    ) => Promise<MoveRecord | null>,
  ): Promise<void> => {
    await withRegistry(terminal, async (session) => {
      const tenant = await session.registry.tenants.get(session.actor, slug)
      show(terminal, slug, await work(session, tenant), json)
    })
  }

  command
    .command('move <slug>')
    .description(
      'bring a tenant to another Postgres server while it works; goes on with a move that was left in the middle',
    )
    .requiredOption('--to <placement>', 'that server: DATABASE_URL_<NAME>, lower case, or default')
    .option('--verify <what>', VERIFY, closeness)
    .option('--patience <duration>', PATIENCE, duration)
    .option('--hold <duration>', HOLD, duration)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nWhat the tenant leaves is kept until `tenant move-confirm`; until then `tenant move-back` takes it back.',
    )
    .action(async (slug: string, { to = '', json, ...rest }: Options) => {
      await one(
        slug,
        json,
        async ({ registry, actor }, tenant) => await registry.moves.move(tenant, actor, to, how(rest)),
      )
      tell(terminal, `Look at it, then: ${typed(terminal, `tenant move-confirm ${slug}`)}`)
    })

  command
    .command('move-status <slug>')
    .description("a tenant's latest move")
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await one(slug, json, async ({ registry, actor }, tenant) => await registry.moves.show(tenant, actor))
    })

  const last = command
    .command('move-confirm <slug>')
    .description('after a move: drop what the tenant left, for good')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json, yes }: Options) => {
      await one(slug, json, async ({ registry, actor }, tenant) => {
        const loss = `This drops what ${slug} left on the server it was moved from; there is no way back after it.`
        await confirm(last, terminal, { yes, loss, word: slug })
        return await registry.moves.confirm(tenant, actor)
      })
    })

  command
    .command('move-back <slug>')
    .description('after a move, before it is confirmed: bring the tenant back with everything written since')
    .option('--verify <what>', VERIFY, closeness)
    .option('--patience <duration>', PATIENCE, duration)
    .option('--hold <duration>', HOLD, duration)
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json, ...rest }: Options) => {
      await one(slug, json, async ({ registry, actor }, tenant) => await registry.moves.back(tenant, actor, how(rest)))
    })

  command
    .command('move-cancel <slug>')
    .description('end a move that was not finished: the tenant stays where it is, the copy is dropped')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await one(slug, json, async ({ registry, actor }, tenant) => await registry.moves.cancel(tenant, actor))
    })
}

function show(terminal: Terminal, slug: string, move: MoveRecord | null, json: boolean | undefined): void {
  if (move === null) tell(terminal, `${slug} was never moved.`)
  const now = Date.now()
  answer(terminal, json, move === null ? null : { slug, ...move }, () =>
    move === null
      ? ''
      : sheet({
          slug,
          ...move,
          counts: Object.entries(move.counts ?? {})
            .map(([table, rows]) => `${table} ${rows}`)
            .join(', '),
          started_at: moment(move.started_at, now),
          switched_at: moment(move.switched_at, now),
          ended_at: moment(move.ended_at, now),
        }),
  )
}

function closeness(text: string): 'counts' | 'keys' | 'rows' {
  if (text === 'counts' || text === 'keys' || text === 'rows') return text
  throw new InvalidArgumentError('Write counts, keys or rows.')
}
