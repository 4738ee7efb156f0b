import { getHeapStatistics } from 'node:v8'
import type { ConfigReader } from './config-reader.ts'

/** Calls under way at once in one process. */
export interface ConcurrencyConfig {
  readonly total: number
  /** Where the tenant's plan says nothing else. */
  readonly perTenant: number
  /** Of one person or key. */
  readonly perPrincipal: number
  /** Streams of subscriptions/listen of one tenant. */
  readonly streamsPerTenant: number
}

/** Above which the process sheds load; 0: not watched. */
export interface PressureConfig {
  /** Milliseconds that the event loop is late on average. */
  readonly maxDelay: number
  /** Bytes of the heap in use. */
  readonly maxHeap: number
}

const MEBIBYTE = 1024 * 1024

export function readFairness(reader: ConfigReader): {
  readonly concurrency: ConcurrencyConfig
  readonly pressure: PressureConfig
} {
  const calls = [1, 100_000] as const
  const total = reader.count('CONCURRENT_CALLS', 256, calls)
  const perTenant = reader.count('CONCURRENT_CALLS_PER_TENANT', Math.min(64, total), calls)
  if (perTenant > total)
    reader.problem('CONCURRENT_CALLS_PER_TENANT', `is more than CONCURRENT_CALLS (${total}), for example 64 of 256`)
  return {
    concurrency: {
      total,
      perTenant,
      perPrincipal: reader.count('CONCURRENT_CALLS_PER_PRINCIPAL', 128, calls),
      streamsPerTenant: reader.count('STREAMS_PER_TENANT', 128, calls),
    },
    pressure: {
      maxDelay: reader.count('MAX_EVENT_LOOP_DELAY', 500, [0, 60_000]),
      maxHeap: reader.count('MAX_HEAP', defaultHeap(), [0, 1_000_000]) * MEBIBYTE,
    },
  }
}

/** MiB: nine tenths of what V8 may take, short of which it spends its time collecting. */
const defaultHeap = (): number => Math.floor((getHeapStatistics().heap_size_limit * 0.9) / MEBIBYTE)
