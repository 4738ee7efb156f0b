import type { Command } from 'commander'
import type { Config } from '#base/config.ts'
import type { Define } from './commands.ts'
import { confirm } from './confirm.ts'
import { issuerAndSubject, knownIssuers, personOf } from './named-person.ts'
import { withRegistry } from './session.ts'
import { moment, sheet, table } from './table.ts'
import { answer, EXIT, tell, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly yes?: boolean
  readonly reason?: string
}

interface Subject {
  readonly iss: string
  readonly sub: string
}

interface Blocked extends Subject {
  readonly id: string
  readonly reason: string | null
  readonly created_at: string
}

const PERSON = 'the user id (provider:sub), or iss|sub with the issuer byte for byte'

/** `person block|unblock|list` (D22) */
export const define: Define = (command, { terminal }) => {
  const block: Command = command
    .command('block')
    .description('refuse a person and the keys they made, in every tenant, within a second')
    .argument('<person>', PERSON)
    .option('--reason <text>', 'why, for the list and the audit')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .action(async (reference: string, { json, yes, reason }: Options) => {
      await withRegistry(terminal, async ({ config, registry: { revocations }, actor }) => {
        const person = await subjectOf(block, terminal, config, reference)
        const loss = `${reference} and the keys they made lose all access, in every tenant.`
        await confirm(block, terminal, { yes, loss, word: reference })
        await revocations.blockPerson(actor, { ...person, ...(reason === undefined ? {} : { reason }) })
        const records = blocked(await revocations.list(actor)).filter((each) => isSame(each, person))
        for (const record of records) answer(terminal, json, record, () => sheet(readable(record)))
      })
    })

  const unblock: Command = command
    .command('unblock')
    .description('let a blocked person in again, where they are a member')
    .argument('<person>', PERSON)
    .option('--json', 'print one JSON document')
    .action(async (reference: string, { json }: Options) => {
      await withRegistry(terminal, async ({ config, registry, actor }) => {
        const person = await subjectOf(unblock, terminal, config, reference)
        await registry.revocations.unblockPerson(actor, person)
        answer(terminal, json, { ...person, blocked: false }, () => `${reference} is no longer blocked.`)
      })
    })

  command
    .command('list')
    .description('the people who are blocked')
    .option('--json', 'print one JSON document')
    .action(async ({ json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const people = blocked(await registry.revocations.list(actor))
        if (people.length === 0) tell(terminal, 'Nobody is blocked.')
        answer(terminal, json, people, () => table(people.map(readable)))
      })
    })
}

/** Who is meant; ends the command when that is not clear. An issuer that nobody here speaks for is told of: it may be misspelt, and block nobody. */
async function subjectOf(command: Command, terminal: Terminal, config: Config, reference: string): Promise<Subject> {
  const whole = issuerAndSubject(reference)
  if (whole === null) {
    const person = await personOf(config, { userId: reference }, 'write iss|sub, as `member list --json` shows them')
    if (typeof person === 'string') command.error(`error: ${person}`, { exitCode: EXIT.usage })
    return { iss: person.iss, sub: person.sub }
  }
  const { issuer: iss, sub } = whole
  if (sub === '') command.error('error: say who: iss|sub', { exitCode: EXIT.usage })
  const known = await knownIssuers(config)
  if (!known.some(({ issuers }) => issuers.includes(iss)))
    tell(terminal, `warning: no configured provider has the issuer ${iss}; it counts byte for byte`)
  return { iss, sub }
}

const isSame = (one: Subject, other: Subject): boolean => one.iss === other.iss && one.sub === other.sub

const blocked = (
  revocations: readonly (Omit<Blocked, keyof Subject> & { readonly iss: string | null; readonly sub: string | null })[],
): readonly Blocked[] =>
  revocations.flatMap(({ id, iss, sub, reason, created_at }) =>
    iss === null || sub === null ? [] : [{ id, iss, sub, reason, created_at }],
  )

const readable = ({ created_at, ...record }: Blocked): Readonly<Record<string, unknown>> => ({
  ...record,
  blocked: moment(created_at, Date.now()),
})
