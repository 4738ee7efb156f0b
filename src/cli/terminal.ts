import type { Readable, Writable } from 'node:stream'
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

/** The answer of a command: with --json exactly one JSON document, otherwise text. Empty text is no line at all. */
export function answer(terminal: Terminal, json: boolean | undefined, value: unknown, text: () => string): void {
  const out = json === true ? JSON.stringify(value, null, 2) : text()
  if (out !== '') terminal.stdout.write(`${out}\n`)
}
