/**
 * `npm run fuzz`: hostile HTTP at a whole server, over bare sockets. No input may be answered 5xx other than 503 with Retry-After, nothing
 * behind the gate may be served to nobody, and the server lives on. `npm run fuzz -- <seconds> <seed>`: 20 and random (printed) by default.
 */
import fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mintDevToken } from '#http/dev-token.ts'
import { startReplica } from '../support/processes.ts'
import { hostile, type Hostile } from './hostile.ts'

/** Milliseconds of silence after which no more is coming; a stream never ends by itself. */
const QUIET = 40
const PATIENCE = 5_000
/** Where nobody is served without a token, in whatever spelling. */
const PROTECTED = /^\/+(?:mcp|t\/[^?]*mcp|api)(?:[/?#;]|$)/i

const seconds = Number(process.argv[2] ?? 20)
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31))

const dataDir = await mkdtemp(join(tmpdir(), 'fuzz-'))
const port = await freePort()
const server = await startReplica({ DATA_DIR: dataDir, PORT: String(port), RATE_LIMIT: 'off', LOG_LEVEL: 'error' })
const publicUrl = `http://127.0.0.1:${port}`
const token = await mintDevToken({ dataDir, publicUrl, email: 'alice@acme.test' })
const statuses = new Map<number | null, number>()
console.log(`fuzz: ${seconds} s, seed ${seed}`)

try {
  await fc.assert(
    fc.asyncProperty(hostile(token), async (request) => judge(request, await send(request.bytes))),
    { seed, numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1_000, markInterruptAsFailure: false },
  )
  const alive = await fetch(`${publicUrl}/readyz`)
  if (!alive.ok) throw new Error(`the server is not ready any more: ${alive.status}`)
  const internal = server
    .output()
    .split('\n')
    .filter((line) => line.includes('internal error'))
  if (internal.length > 0) throw new Error(`internal errors in the log:\n${internal.slice(0, 3).join('\n')}`)
  const told = [...statuses]
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([status, count]) => `${status ?? 'closed'} ${count}`)
  console.log(`fuzz: ${[...statuses.values()].reduce((sum, count) => sum + count, 0)} requests; ${told.join(', ')}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  if (error instanceof Error && error.cause instanceof Error) console.error(error.cause.message)
  console.error(`fuzz: again with: npm run fuzz -- ${seconds} ${seed}`)
  process.exitCode = 1
} finally {
  await server.end('SIGTERM')
  await rm(dataDir, { recursive: true, force: true })
}

/** @throws Error when this answer must not be given. A connection closed without one is no service, and so no harm. */
function judge({ known, target }: Hostile, said: string): void {
  const answer = said.replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, '')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? Number.NaN)
  const seen = Number.isNaN(status) ? null : status
  statuses.set(seen, (statuses.get(seen) ?? 0) + 1)
  if (answer !== '' && seen === null) throw new Error(`no HTTP answer: ${answer.slice(0, 200)}`)
  if (status >= 500 && !(status === 503 && /\r\nretry-after: /i.test(answer)))
    throw new Error(`status ${status}: ${answer}`)
  if (known) return
  if (/"result"|"structuredContent"|"user_id"/.test(answer)) throw new Error(`served without a token: ${answer}`)
  if (status === 200 && PROTECTED.test(target)) throw new Error(`200 for ${target} without a token: ${answer}`)
}

async function send(bytes: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    let answer = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.end(Buffer.from(bytes, 'latin1')))
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error(answer === '' ? 'no answer' : 'quiet')))
    socket.on('data', (piece) => {
      answer += piece.toString('latin1')
      socket.setTimeout(QUIET)
    })
    socket.on('error', (error) => (error.message === 'no answer' ? reject(error) : resolve(answer)))
    socket.on('close', () => resolve(answer))
  })
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = net.createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}
