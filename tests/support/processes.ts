import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The arguments of Node with which the program runs from its source, and as it was built (by tests/support/build.ts). */
export const SOURCE: readonly string[] = ['--conditions=gatehouse-source', '--import', 'tsx', file('../../src/main.ts')]
export const BUILT: readonly string[] = ['--enable-source-maps', file('../../dist/src/main.js')]

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The program as a process of its own. Only the given environment, so that nothing of this machine decides. */
function start(args: readonly string[], env: Readonly<Record<string, string>>, program = BUILT): ChildProcess {
  return spawn(process.execPath, [...program, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** One command to its end. */
export async function gatehouse(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  program = BUILT,
): Promise<Finished> {
  const child = start(args, env, program)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (piece: Buffer) => (stdout += piece.toString()))
  child.stderr?.on('data', (piece: Buffer) => (stderr += piece.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

export interface Replica {
  readonly url: string
  readonly mcp: string
  /** Everything it printed so far. */
  output(): string
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** `serve`, until it is ready, or with `ready: false` until it listens. PORT must be in the environment. */
export async function startReplica(
  env: Readonly<Record<string, string>>,
  {
    ready = true,
    program = BUILT,
    patience = 25_000,
  }: { readonly ready?: boolean; readonly program?: readonly string[]; readonly patience?: number } = {},
): Promise<Replica> {
  const child = start(['serve'], env, program)
  let said = ''
  child.stdout?.on('data', (piece: Buffer) => (said += piece.toString()))
  child.stderr?.on('data', (piece: Buffer) => (said += piece.toString()))
  const url = `http://127.0.0.1:${env['PORT']}`
  await until(async () => child.exitCode !== null || (await fetch(`${url}/${ready ? 'readyz' : 'livez'}`)).ok, patience)
  if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}\n${said}`)
  return {
    url,
    mcp: `${url}/mcp`,
    output: () => said,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const ended = once(child, 'exit') as Promise<[number | null]>
      child.kill(signal)
      return (await ended)[0]
    },
  }
}
