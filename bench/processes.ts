import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { connect } from 'node:net'
import { until } from '../tests/support/until.ts'
import { on, type Cores } from './cores.ts'

/** A server under measurement. */
export interface Running {
  readonly port: number
  readonly pid: number
  /** Seconds from its start until it was ready. */
  readonly took: number
  end(): Promise<void>
}

export interface Start {
  /** Arguments of Node. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly port: number
  /** What answers when it is ready; default: a port that takes connections. */
  readonly ready?: string
  /** Where what it prints goes; default: nowhere. What it says on stderr is in the error when it does not start. */
  readonly output?: string
  readonly cores: Cores | null
}

/** Starts a server on its core, with this environment and no other. Rejects with what it said when it ends before it is ready. */
export async function startServer({ args, env, port, ready, output, cores }: Start): Promise<Running> {
  const [command = '', ...rest] = on(cores?.server, [process.execPath, ...args])
  const began = performance.now()
  const child = spawn(command, rest, {
    env: { PATH: process.env['PATH'] ?? '', ...env, PORT: String(port) },
    stdio: ['ignore', output === undefined ? 'ignore' : openSync(output, 'a'), 'pipe'],
  })
  let said = ''
  child.stderr?.on('data', (part: Buffer) => (said = (said + part.toString()).slice(-2_000)))
  const ended = once(child, 'exit')
  try {
    await until(async () => {
      if (child.exitCode !== null) return true
      if (ready === undefined) return await listens(port)
      const answer = await fetch(`http://127.0.0.1:${port}${ready}`)
      await answer.arrayBuffer()
      return answer.ok
    }, 60_000)
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`${args.at(-1)} was not ready in time\n${said}`, { cause: error })
  }
  if (child.exitCode !== null) throw new Error(`${args.at(-1)} ended with ${child.exitCode}\n${said}`)
  return {
    port,
    pid: child.pid ?? 0,
    took: (performance.now() - began) / 1000,
    async end() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(late)
    },
  }
}

async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
