import { Command, CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { blocks, pages } from './pages.ts'

/** Every call of our program in a shell block: the words after it, as the shell would give them. */
const calls = pages.flatMap((page) =>
  blocks(page, 'sh').flatMap((text) =>
    [
      ...text
        .replaceAll('\\\n', ' ')
        .matchAll(/(?:npm run -s gatehouse -- |node (?:\/app\/)?dist\/src\/main\.js )([^\n)|>]*)/g),
    ].map(([, line = '']) => ({
      page,
      line,
      words: [...line.replace(/ [<#].*$/, '').matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
        ([, double, single, bare]) => double ?? single ?? (bare ?? '').replaceAll('"', ''),
      ),
    })),
  ),
)

const nowhere = { cwd: '/', stdin: process.stdin, stdout: process.stderr, stderr: process.stderr, env: {} }

function prepare(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} })
  for (const child of command.commands) prepare(child)
  if (command.commands.length === 0) command.action(() => {})
}

/** What the program says against these words, without doing anything; null: it would run. */
async function objection(words: readonly string[]): Promise<string | null> {
  const [name = '', ...rest] = words
  const entry = COMMANDS[name]
  if (entry === undefined) return `there is no command ${name}`
  const command = new Command(name)
  const { define } = await entry.load()
  define(command, { terminal: nowhere, end: () => {} })
  prepare(command)
  try {
    await command.parseAsync(rest, { from: 'user' })
    return null
  } catch (error) {
    if (error instanceof CommanderError) return error.message
    throw error
  }
}

test('a wrong command line would be found out', async () => {
  expect(await objection(['tenant', 'create'])).toMatch(/missing required argument/)
  expect(await objection(['tenant', 'list', '--no-such-option'])).toMatch(/unknown option/)
  expect(await objection(['no-such-command'])).toMatch(/no command/)
})

test('every command of ours on a page is one the program takes', async () => {
  expect(calls.length).toBeGreaterThan(30)
  const wrong: string[] = []
  for (const { page, line, words } of calls) {
    const said = await objection(words)
    if (said !== null) wrong.push(`${page}: ${line}: ${said}`)
  }
  expect(wrong).toEqual([])
})
