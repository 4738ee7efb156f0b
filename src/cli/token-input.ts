import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { isJwtShaped } from '#identity/jwt-parse.ts'
import { EXIT, tell, type Terminal } from './terminal.ts'

/** For the help of every command that is given a token. */
export const OFF_THE_COMMAND_LINE =
  'The token never belongs on the command line, where others on this machine can see it.'

/** The token of standard input or of a file; ends the command when there is none, or when it stands on the command line. */
export async function readToken(command: Command, terminal: Terminal, file: string | undefined): Promise<string> {
  if (file !== undefined && looksLikeToken(file))
    command.error(
      'error: that looks like a token, and others on this machine could see it: treat it as leaked. Give it by standard input or in a file.',
      { exitCode: EXIT.usage },
    )
  const token = await read(terminal, file)
  if (token === null) command.error('error: the file cannot be read', { exitCode: EXIT.failed })
  if (token === '')
    command.error(`error: there is no token ${file === undefined ? 'on standard input' : 'in the file'}`, {
      exitCode: EXIT.usage,
    })
  return token
}

const looksLikeToken = (word: string): boolean =>
  isJwtShaped(word) || /^(?:gh_key_|gh[a-z]_|github_pat_|ya29\.|Bearer\b)/.test(word)

/** As people paste it: with `Bearer` before it, or a line break after it. null: there is no such file. */
async function read(terminal: Terminal, file: string | undefined): Promise<string | null> {
  if (file === undefined && terminal.stdin.isTTY === true)
    tell(terminal, 'Paste the token, then press Enter and Ctrl-D.')
  try {
    const all = await (file === undefined ? text(terminal.stdin) : readFile(resolve(terminal.cwd, file), 'utf8'))
    return all.trim().replace(/^(?:authorization:\s*)?bearer\s+/i, '')
  } catch {
    return null
  }
}
