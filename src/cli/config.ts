import type { Define } from './commands.ts'
import { redact } from './redact.ts'
import { configOf } from './session.ts'
import { columns, plain } from './table.ts'
import { answer } from './terminal.ts'

/** `config print` */
export const define: Define = (command, { terminal }) => {
  command
    .command('print')
    .description('the whole configuration, secrets taken out')
    .option('--json', 'print one JSON document')
    .action(({ json }: { json?: boolean }) => {
      const shown = redact(configOf(terminal))
      answer(terminal, json, shown, () => columns(lines(shown, '')))
    })
}

/** `database.poolMax  10`: one line for each value. */
function lines(value: unknown, path: string): readonly (readonly [string, string])[] {
  const isTree =
    typeof value === 'object' &&
    value !== null &&
    !(Array.isArray(value) && value.every((item) => typeof item !== 'object'))
  if (!isTree) return [[path, plain(value)]]
  return Object.entries(value).flatMap(([name, member]) => lines(member, path === '' ? name : `${path}.${name}`))
}
