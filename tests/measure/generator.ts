/**
 * A process of its own that sends calls at a fixed rate, whether they are answered or not (an open loop: who waits for answers before
 * sending the next call does not see what the others wait for). Started by generators.ts.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'

export interface Job {
  readonly url: string
  readonly token: string
  readonly body: string
  readonly seconds: number
  /** Calls a second; `closed`: as many as are answered, `connections` at a time. */
  readonly rate: number | 'closed'
  /** Most connections, and so calls under way; a call that finds none free is not sent, and counted. */
  readonly connections: number
}

export interface Sent {
  /** Milliseconds of each served call, from the moment it was sent. */
  readonly served: number[]
  /** Answers by status; `error` where the result of a 200 is one, `broken` without an answer, `unsent` without a free connection. */
  readonly counts: Readonly<Record<string, number>>
  /** Milliseconds by which sends came late, at the 99th percentile: what the generator itself does not manage. */
  readonly late: number
  /** Seconds of processor time that this process took. */
  readonly cpu: number
}

export const percentile = (values: readonly number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

async function run({ url, token, body, seconds, rate, connections }: Job): Promise<Sent> {
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: 60_000, bodyTimeout: 60_000 })
  const served: number[] = []
  const lateness: number[] = []
  const counts: Record<string, number> = {}
  const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1)
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    authorization: `Bearer ${token}`,
  }
  const from = performance.now()
  const cpu = process.cpuUsage()
  let under = 0
  const send = async (): Promise<void> => {
    under += 1
    const sent = performance.now()
    try {
      const answer = await pool.request({ path: pathname, method: 'POST', headers, body })
      let bytes = 0
      let head = ''
      for await (const piece of answer.body as AsyncIterable<Buffer>) {
        bytes += piece.length
        if (bytes < 8_192) head += piece.toString('latin1')
      }
      const failed = answer.statusCode === 200 && head.includes('"isError":true')
      count(failed ? 'error' : String(answer.statusCode))
      if (answer.statusCode === 200 && !failed) served.push(performance.now() - sent)
    } catch {
      count('broken')
    } finally {
      under -= 1
    }
  }
  const pending: Promise<void>[] = []
  if (rate === 'closed') {
    const caller = async (): Promise<void> => {
      while (performance.now() - from < seconds * 1000) await send()
    }
    pending.push(...Array.from({ length: connections }, caller))
  } else {
    for (let call = 0; call < rate * seconds; call++) {
      const due = from + (call * 1000) / rate
      const early = due - performance.now()
      if (early > 1) await pause(early)
      lateness.push(Math.max(0, performance.now() - due))
      if (under >= connections) count('unsent')
      else pending.push(send())
      // However late it is, answers must be read in between.
      if (call % 16 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all(pending)
  await pool.close()
  const { user, system } = process.cpuUsage(cpu)
  return { served, counts, late: percentile(lateness, 0.99), cpu: (user + system) / 1e6 }
}

if (process.send !== undefined)
  process.on('message', (job: Job) => {
    void run(job).then((sent) => process.send?.(sent))
  })
