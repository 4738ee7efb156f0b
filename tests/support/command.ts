import { Readable, Writable } from 'node:stream'
import { run } from '#cli/run.ts'
import type { FreshDatabase } from './database.ts'

export interface Ran {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
  /** stdout as the one JSON document it must be; whoever asks knows its shape. */
  json(): never
}

export interface Shell {
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** As if a person sat at a terminal. */
  readonly isTTY?: boolean
  /** Ends a command that has no end of its own. */
  readonly ends?: AbortSignal
  /** Told of stdout as it comes. */
  readonly onOutput?: (text: string) => void
  readonly onError?: (text: string) => void
}

/** Runs one command line in this process; `input` is its standard input. */
export async function gatehouse(shell: Shell, line: string | readonly string[], input = ''): Promise<Ran> {
  const [out, stdout] = sink(shell.onOutput)
  const [err, stderr] = sink(shell.onError)
  const tty = { isTTY: shell.isTTY === true }
  const stdin = Object.assign(Readable.from(input === '' ? [] : [input]), tty)
  const argv = typeof line === 'string' ? line.split(' ') : line
  const stop = shell.ends === undefined ? {} : { stop: shell.ends }
  const terminal = { ...stop, env: shell.env, cwd: shell.cwd ?? '/', stdin, stdout, stderr: Object.assign(stderr, tty) }
  const exit = await run(argv, terminal)
  const text = out.join('')
  return { exit, stdout: text, stderr: err.join(''), json: () => JSON.parse(text) as never }
}

function sink(onOutput: (text: string) => void = () => {}): readonly [string[], Writable] {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString())
      onOutput(chunk.toString())
      done()
    },
  })
  return [chunks, stream]
}

/** The environment of a command that works on this database: the embedded one's through the socket of the process that holds it. */
export function environment({ config }: FreshDatabase): Readonly<Record<string, string>> {
  const { url, slugPrefix } = config.database
  return {
    DATA_DIR: config.dataDir,
    SESSION_SECRET: config.sessionSecrets.join(','),
    ...(url === null ? {} : { DATABASE_URL: url }),
    ...(slugPrefix === '' ? {} : { DATABASE_SLUG_PREFIX: slugPrefix }),
  }
}
