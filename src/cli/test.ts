import { spawn } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadToolsDir } from '#base/config-load.ts'
import { importFlag } from '#toolkit/resolve.ts'
import type { Define } from './commands.ts'
import { EXIT, tell } from './terminal.ts'

/** `test`: runs what is in `tests/` of the folder of tools with Node's own runner, TypeScript too. Exit 1 when a test failed or there is none. */
export const define: Define = (command, { terminal, end }) => {
  command
    .argument('[files...]', 'names in `tests/`, for example add-note.test.ts (default: all)')
    .option('--dir <folder>', 'of the tools (default: TOOLS_DIR, or else ./tools)')
    .action(async (names: readonly string[], { dir }: { readonly dir?: string }) => {
      const asked = resolve(terminal.cwd, dir ?? loadToolsDir(terminal.env, { cwd: terminal.cwd }) ?? 'tools')
      const tests = join(asked, 'tests')
      const found = existsSync(tests)
        ? readdirSync(tests)
            .filter((name) => /\.test\.(?:ts|js|mjs)$/.test(name))
            .sort()
        : []
      const wanted = names.length === 0 ? found : names
      const missing = wanted.filter((name) => !found.includes(name))
      if (wanted.length === 0 || missing.length > 0) {
        tell(terminal, `error: there is no test ${missing.join(', ') || '*.test.ts or *.test.js'} in ${tests}`)
        return end(EXIT.failed)
      }
      const folder = realpathSync(asked)
      const argv = [
        '--enable-source-maps',
        ...importFlag(folder),
        '--test',
        '--test-reporter=spec',
        ...wanted.map((name) => join(folder, 'tests', name)),
      ]
      const child = spawn(process.execPath, argv, { cwd: terminal.cwd, stdio: ['ignore', 'pipe', 'pipe'] })
      child.stdout.on('data', (chunk: Buffer) => void terminal.stdout.write(chunk))
      child.stderr.on('data', (chunk: Buffer) => void terminal.stderr.write(chunk))
      const code = await new Promise<number | null>((done, failed) => {
        child.once('error', failed)
        child.once('close', done)
      })
      if (code !== 0) end(EXIT.failed)
    })
}
