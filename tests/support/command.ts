import { PassThrough, Readable, Writable } from 'node:stream'
import type { Environment } from '#base/config-reader.ts'
import { run } from '../../src/cli/run.ts'

export interface CommandAnswer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** One command line in this process, as `gatehouse <argv>` would run it with exactly this environment. */
export async function command(argv: readonly string[], env: Environment, input = ''): Promise<CommandAnswer> {
  const written = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr'): Writable => {
    const stream = new PassThrough()
    stream.on('data', (piece: Buffer) => (written[name] += piece.toString()))
    return stream
  }
  const code = await run(argv, {
    env,
    cwd: '/',
    stdin: Readable.from([input]),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
  })
  await new Promise((resolve) => setImmediate(resolve))
  return { code, ...written }
}
