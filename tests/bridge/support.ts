import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { run } from '#cli/run.ts'
import { until } from '../support/until.ts'

/** The environment of one person with an empty folder of logins. */
export function person(more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> & {
  readonly GATEHOUSE_CONFIG_DIR: string
} {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bridge-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return { GATEHOUSE_CONFIG_DIR: folder, GATEHOUSE_TOKEN_STORE: 'file', ...more }
}

/** The file of the only login. */
export const loginFile = (folder: string): string =>
  join(folder, readdirSync(folder).find((name) => /^login-.*\.json$/.test(name)) ?? '')

/** Lets its token be over, as far as this machine knows. */
export function age(folder: string): void {
  const file = loginFile(folder)
  const login = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  writeFileSync(file, JSON.stringify({ ...login, expires_at: 1 }))
}

export interface Ran {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

/** Opens the page of a sign-in and comes back: by default as a browser that follows every redirect. */
export type Browse = (page: URL, input: PassThrough) => Promise<unknown>
const follow: Browse = async (page) => await fetch(page)

/** `gatehouse login` in this process, and somebody who opens the page it prints. */
export async function signIn(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  browse: Browse = follow,
): Promise<Ran> {
  const stdin = new PassThrough()
  let stdout = ''
  let stderr = ''
  const opened: Promise<unknown>[] = []
  const out = sink((piece) => (stdout += piece))
  const err = sink((piece) => {
    stderr += piece
    const page = /^ {2}(http\S+)$/m.exec(stderr)?.[1]
    if (page !== undefined && opened.length === 0) opened.push(browse(new URL(page), stdin).catch(() => undefined))
  })
  const exit = await run(['login', ...args, '--no-browser'], { env, cwd: '/', stdin, stdout: out, stderr: err })
  await Promise.all(opened)
  return { exit, stdout, stderr }
}

const sink = (take: (piece: string) => void): Writable =>
  new Writable({
    write(chunk: Buffer, _encoding, done) {
      take(chunk.toString())
      done()
    },
  })

type Json = Record<string, unknown>

/** A host in front of `gatehouse connect` in this process. */
export interface RunningBridge {
  readonly stdin: PassThrough
  readonly stdout: PassThrough
  /** Everything the bridge sent, in order. */
  readonly sent: Json[]
  stderr(): string
  /** Sends a request and waits for the answer with its id. */
  ask(method: string, params?: unknown): Promise<Json>
  tell(message: Json): void
  initialize(): Promise<Json>
  /** Ends the host's side; answers the exit code. */
  leave(): Promise<number>
}

export function startBridge(
  env: Readonly<Record<string, string>>,
  url: string,
  args: readonly string[] = [],
): RunningBridge {
  const stdin = new PassThrough()
  const stdout = new PassThrough()
  const sent: Json[] = []
  let held = ''
  stdout.on('data', (piece: Buffer) => {
    held += piece.toString()
    const lines = held.split('\n')
    held = lines.pop() ?? ''
    for (const line of lines) sent.push(JSON.parse(line) as Json)
  })
  let said = ''
  const stderr = sink((piece) => (said += piece))
  const ended = run(['connect', url, ...args], { env, cwd: '/', stdin, stdout, stderr })
  let asks = 0
  const tell = (message: Json): void => void stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const ask = async (method: string, params?: unknown): Promise<Json> => {
    asks += 1
    const id = asks
    tell({ id, method, ...(params === undefined ? {} : { params }) })
    await until(() => sent.some((message) => message['id'] === id && message['method'] === undefined))
    return sent.find((message) => message['id'] === id && message['method'] === undefined) ?? {}
  }
  return {
    stdin,
    stdout,
    sent,
    stderr: () => said,
    ask,
    tell,
    async initialize() {
      const clientInfo = { name: 'host', version: '1' }
      const answer = await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
      tell({ method: 'notifications/initialized' })
      return answer
    },
    async leave() {
      stdin.end()
      return await ended
    },
  }
}

/** The envelope of 2026-07-28. */
export const modern = (more: Json = {}): Json => ({
  ...more,
  _meta: {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'host', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
  },
})
