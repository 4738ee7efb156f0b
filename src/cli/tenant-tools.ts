import type { Command } from 'commander'
import { list } from './parse.ts'
import { withRegistry } from './session.ts'
import { table } from './table.ts'
import { answer, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly off?: readonly string[]
  readonly on?: readonly string[]
}

/** `tenant tools` */
export function defineTools(command: Command, terminal: Terminal): void {
  command
    .command('tools <slug>')
    .description('which tools a tenant has; without --off and --on they are shown')
    .option('--off <names>', 'switch these off: for everybody in the tenant they are as if they were not there', list)
    .option('--on <names>', 'switch these on again', list)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nNames are separated by commas. Running servers go by it within a second. Prompts and resources have no switch.',
    )
    .action(async (slug: string, { json, off = [], on = [] }: Options) => {
      await withRegistry(
        terminal,
        async ({ registry, actor }) => {
          const tenant = await registry.tenants.get(actor, slug)
          const changes = off.length + on.length > 0
          const tools = changes
            ? await registry.tools.set(tenant, actor, { off, on })
            : await registry.tools.list(tenant, actor)
          answer(terminal, json, tools, () =>
            table(
              tools.map(({ name, title, on: has, known }) => ({
                tool: name,
                is: has ? 'on' : 'off',
                title: known ? title : 'no tool of this server any more',
              })),
            ),
          )
        },
        { tools: true },
      )
    })
}
