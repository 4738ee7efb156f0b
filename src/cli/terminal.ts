import type { Readable, Writable } from 'node:stream'
import { npmScript } from '#base/config-load.ts'
import type { Environment } from '#base/config-reader.ts'

/** Where a command reads and writes. A value, so that tests run commands in their own process. */
export interface Terminal {
  /** undefined: the process's own, with `.env` in development. */
  readonly env?: Environment
  /** Where relative paths start. */
  readonly cwd: string
  readonly stdin: Readable & { readonly isTTY?: boolean }
  /** The answer, and nothing else. */
  readonly stdout: Writable
  /** Ends what has no end of its own (`audit tail`). Absent: SIGINT and SIGTERM of the process do. */
  readonly stop?: AbortSignal
  /** Everything that is not the answer. */
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number }
}

/** Exit codes (DESIGN section 4). `login`: a person has to run `gatehouse login` (client side only). */
export const EXIT = { done: 0, failed: 1, usage: 2, partial: 3, login: 77, configuration: 78 } as const
export type Exit = (typeof EXIT)[keyof typeof EXIT]

/** One line beside the answer. */
export function tell(terminal: Terminal, line: string): void {
  terminal.stderr.write(`${line}\n`)
}

/** How a command is typed here: as this one was, which npm tells of what it starts. */
export function typed(terminal: Terminal, words: string): string {
  const script = npmScript(terminal.env)
  if (script === 'npx') return `npx gatehouse ${words}`
  return script === 'gatehouse' ? `npm run gatehouse -- ${words}` : `gatehouse ${words}`
}

/** What could steer a terminal, or turn the direction of text, and is let through by JSON.stringify. */
const STEERING = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu

/** JSON that is safe to look at: names come from outside. The escapes say the same to whoever parses it. */
export const json = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replaceAll(STEERING, (found) =>
    // By UTF-16 code units, as JSON has them (RFC 8259 section 7).
    found
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )

/** The answer of a command: with --json exactly one JSON document, otherwise text. Empty text is no line at all. */
export function answer(terminal: Terminal, asJson: boolean | undefined, value: unknown, text: () => string): void {
  const out = asJson === true ? json(value, 2) : text()
  if (out !== '') terminal.stdout.write(`${out}\n`)
}
