import type { Command } from 'commander'
import { createInterface } from 'node:readline/promises'
import { EXIT, type Terminal } from './terminal.ts'

/**
 * Goes on only with a yes: --yes, or a person who types `word` at a terminal. Otherwise the command ends with exit 2, nothing done.
 * @param loss what will be gone, as a sentence: `This deletes the tenant acme and all its data.`
 */
export async function confirm(
  command: Command,
  terminal: Terminal,
  { yes, loss, word }: { readonly yes: boolean | undefined; readonly loss: string; readonly word: string },
): Promise<void> {
  if (yes === true) return
  if (terminal.stdin.isTTY !== true)
    command.error(`error: nothing was done. ${loss} Confirm with --yes.`, { exitCode: EXIT.usage })
  const prompt = createInterface({ input: terminal.stdin, output: terminal.stderr })
  try {
    const typed = await prompt.question(`${loss}\nType ${word} to go on: `)
    if (typed.trim() !== word) command.error('error: nothing was done', { exitCode: EXIT.usage })
  } finally {
    prompt.close()
  }
}
