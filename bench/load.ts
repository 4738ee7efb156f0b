/**
 * A process that sends one request after another over plain sockets and counts what comes back: bytes that were made before, no HTTP
 * client, one request at a time on each connection. Started by loads.ts, on a core of its own.
 */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { createAnswerReader, problemOf } from './answers.ts'
import { requestBytes, type Call } from './requests.ts'
import { quantile } from './statistics.ts'
import { memoryOf, ticksOf, ticksPerSecond } from './vitals.ts'

export interface Job {
  readonly port: number
  /** Of the server, whose processor time is read at the same moments. */
  readonly pid: number
  readonly path: string
  readonly call: Call
  /** One, or a file with one a line: each request takes one at random (the same way in every run), or each is taken once, and then it ends. */
  readonly token: string | { readonly file: string; readonly once?: boolean }
  readonly connections: number
  /** Opened too, and left alone. */
  readonly idle: number
  /** Seconds before anything counts. */
  readonly warm: number
  readonly seconds: number
  /** Requests a second, whether they are answered or not; null: each connection sends when it was answered. */
  readonly rate: number | null
}

export interface Slice {
  readonly served: number
  readonly seconds: number
  /** When it began, in microseconds of this machine's monotonic clock, which profiles go by too. */
  readonly began: number
  /** Answers a second. */
  readonly rps: number
  /** Milliseconds; at a fixed rate from the moment it was due, so that waiting for a free connection counts. */
  readonly p50: number
  readonly p99: number
  readonly most: number
  /** Microseconds of the server's processor for each answer; null where that cannot be read. */
  readonly cpu: number | null
  /** Part of one core that the server was at work; and the generator itself. */
  readonly busy: number | null
  readonly self: number
  /** MB that the server held when the slice ended. */
  readonly memory: number | null
  /** What was not 2xx with a result, by what it was: the case is void. */
  readonly problems: Readonly<Record<string, number>>
}

/** Milliseconds that may pass without any answer before the slice is given up. */
const PATIENCE = 10_000

interface Connection {
  send(due: number): void
  free: boolean
}

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function dice(): () => number {
  let state = 0x9e3779b9
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

async function open(
  port: number,
  buffer: Buffer,
  onBytes: (bytes: Buffer) => void,
  onEnd: () => void,
): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          onBytes(buffer.subarray(0, length))
          return true
        },
      },
    })
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
    socket.on('close', onEnd)
  })
}

/** Runs one slice. Rejects when a connection breaks or nothing is answered any more. */
export async function run(job: Job): Promise<Slice> {
  const tokens = typeof job.token === 'string' ? [job.token] : readFileSync(job.token.file, 'utf8').trim().split('\n')
  const requests = tokens.map((token) => requestBytes(job.call, job.port, job.path, token))
  const random = dice()
  const once = typeof job.token === 'object' && job.token.once === true
  let taken = 0
  const next = (): Buffer | undefined =>
    requests[once ? taken++ : requests.length === 1 ? 0 : Math.floor(random() * requests.length)]
  const times: number[] = []
  const problems: Record<string, number> = {}
  const waiting: number[] = []
  let counting = false
  let ended = false
  let last = performance.now()
  let broken: ((error: Error) => void) | null = null
  const whole = new Promise<never>((_, reject) => (broken = reject))
  whole.catch(() => {})
  const sockets: Socket[] = []
  let used: (() => void) | null = null
  let first: (() => void) | null = null
  const answered = new Promise<void>((resolve) => (first = resolve))
  const spent = new Promise<void>((resolve) => (used = resolve))

  async function connection(): Promise<Connection> {
    let sent = 0
    let socket: Socket | null = null
    const self: Connection = {
      free: true,
      send(due) {
        const request = next()
        if (request === undefined) return used?.()
        self.free = false
        sent = due
        socket?.write(request)
      },
    }
    const take = createAnswerReader((answer) => {
      const now = performance.now()
      last = now
      first?.()
      self.free = true
      if (counting) {
        const problem = problemOf(answer)
        if (problem === null) times.push(now - sent)
        else problems[problem] = (problems[problem] ?? 0) + 1
      }
      if (ended) return
      if (job.rate === null) self.send(now)
      else {
        const due = waiting.shift()
        if (due !== undefined) self.send(due)
      }
    })
    const onEnd = (): void => {
      if (!ended) broken?.(new Error('the server closed a connection'))
    }
    socket = await open(
      job.port,
      Buffer.alloc(65_536),
      (bytes) => {
        try {
          take(bytes)
        } catch (error) {
          broken?.(error instanceof Error ? error : new Error(String(error)))
        }
      },
      onEnd,
    )
    sockets.push(socket)
    return self
  }

  for (let index = 0; index < job.idle; index++) {
    const end = (): void => {
      if (!ended) broken?.(new Error('the server closed an idle connection'))
    }
    sockets.push(await open(job.port, Buffer.alloc(1024), () => {}, end))
  }
  const connections = await Promise.all(Array.from({ length: job.connections }, connection))
  const pause = async (seconds: number): Promise<void> =>
    await Promise.race([new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000)), spent, whole])

  last = performance.now()
  const watch = setInterval(() => {
    if (performance.now() - last > PATIENCE) broken?.(new Error(`no answer for ${PATIENCE / 1000} s`))
  }, 500)
  let ticking: NodeJS.Timeout | null = null
  if (job.rate === null) for (const each of connections) each.send(performance.now())
  else {
    const { rate } = job
    const from = performance.now()
    let made = 0
    ticking = setInterval(() => {
      const now = performance.now()
      while (made < ((now - from) * rate) / 1000) {
        made += 1
        const free = connections.find((each) => each.free)
        // A timer is up to a millisecond late: who is sent in this tick was due in it.
        if (free === undefined) waiting.push(now)
        else free.send(now)
      }
    }, 1)
  }
  try {
    await pause(job.warm)
    // Who has not answered once is still starting.
    await Promise.race([answered, whole])
    const monotonic = Number(process.hrtime.bigint() / 1000n)
    const [began, ticks, own] = [performance.now(), ticksOf(job.pid), process.cpuUsage()]
    counting = true
    await pause(job.seconds)
    counting = false
    const [over, ticksThen, ownThen] = [performance.now(), ticksOf(job.pid), process.cpuUsage(own)]
    const seconds = (over - began) / 1000
    const worked = ticks === null || ticksThen === null ? null : (ticksThen - ticks) / ticksPerSecond()
    return {
      served: times.length,
      seconds,
      began: monotonic,
      rps: times.length / seconds,
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      most: quantile(times, 1),
      cpu: worked === null || times.length === 0 ? null : (worked / times.length) * 1e6,
      busy: worked === null ? null : worked / seconds,
      self: (ownThen.user + ownThen.system) / 1e6 / seconds,
      memory: memoryOf(job.pid),
      problems,
    }
  } finally {
    ended = true
    clearInterval(watch)
    if (ticking !== null) clearInterval(ticking)
    for (const socket of sockets) socket.destroy()
  }
}

if (process.send !== undefined && process.argv.includes('--generate'))
  process.on('message', (job: Job) => {
    run(job).then(
      (slice) => process.send?.({ slice }),
      (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
    )
  })
