import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { Argument } from 'commander'
import { loadToolsDir } from '#base/config-load.ts'
import type { Define } from './commands.ts'
import { scaffold } from './scaffold.ts'
import { EXIT, tell, typed } from './terminal.ts'

interface Options {
  readonly dir?: string
  readonly js?: boolean
  readonly table: boolean
}

const NAME = /^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/
/** A name of Postgres has at most 63 octets, and the table's begins with x_. */
const LONGEST = 48

/** `new tool <name>`: writes files and asks nobody. Exit 2 for a bad name, 1 when a file is there already: then nothing is written. */
export const define: Define = (command, { terminal, end }) => {
  command
    .addArgument(new Argument('<what>', 'what to begin').choices(['tool']))
    .argument('<name>', 'its name: a-z, 0-9 and - or _')
    .option('--dir <folder>', 'of the tools (default: TOOLS_DIR, or else ./tools)')
    .option('--js', 'JavaScript instead of TypeScript')
    .option('--no-table', 'a tool without a table of its own')
    .action((_: 'tool', name: string, { dir, js, table }: Options) => {
      if (!NAME.test(name) || name.length > LONGEST)
        return command.error(
          `error: ${JSON.stringify(name)} is no name: a-z first, then a-z 0-9 - or _, at most ${LONGEST}`,
          {
            exitCode: EXIT.usage,
          },
        )
      const folder = resolve(terminal.cwd, dir ?? loadToolsDir(terminal.env, { cwd: terminal.cwd }) ?? 'tools')
      const files = [
        ...scaffold({
          name: name.replaceAll('_', '-'),
          ending: js === true ? '.js' : '.ts',
          number: table ? nextNumber(join(folder, 'sql')) : null,
        }),
      ].map(([path, text]) => ({ path: join(folder, path), text }))
      const taken = [
        ...files.map(({ path }) => path),
        ...['.ts', '.js', '.mjs'].map((ending) => join(folder, `${name.replaceAll('_', '-')}${ending}`)),
      ].filter((path) => existsSync(path))
      if (taken.length > 0) {
        tell(terminal, `error: nothing was written, because this is there already: ${[...new Set(taken)].join(', ')}`)
        return end(EXIT.failed)
      }
      for (const { path, text } of files) {
        mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
        // Not even one that came this moment is written over.
        writeFileSync(path, text, { flag: 'wx', mode: 0o644 })
        terminal.stdout.write(`${relative(terminal.cwd, path)}\n`)
      }
      tell(terminal, `Test it:  ${typed(terminal, `test --dir ${relative(terminal.cwd, folder) || '.'}`)}`)
      return tell(terminal, `Serve it: TOOLS_DIR=${folder} ${typed(terminal, 'serve')}`)
    })
}

/** One more than the last migration there. */
function nextNumber(folder: string): number {
  if (!existsSync(folder)) return 1
  const numbers = readdirSync(folder).map((name) => Number(/^(\d{4})_/.exec(name)?.[1] ?? 0))
  return Math.max(0, ...numbers) + 1
}
