import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import type { Config } from '#base/config.ts'
import type { Log } from '#base/log.ts'

/**
 * How hard it is for this process. `busy`: tenants with many calls under way get fewer at a time. `overloaded`: they get 503.
 * `drowning`: everybody does, before a token is looked at.
 */
export type Pressure = 'calm' | 'busy' | 'overloaded' | 'drowning'

/** One look at the process. */
export interface Sample {
  /** Milliseconds that timers were late on average since the look before; Infinity when none fired. */
  readonly delay: number
  /** Between 0 and 1: the part of the time in which the event loop worked. */
  readonly utilization: number
  /** Bytes. */
  readonly heap: number
}

/** Milliseconds between two looks. */
const INTERVAL = 250
/** Looks after the start that count for nothing: what is loaded and compiled then passes. */
const GRACE = 20
/** Looks in a row that it takes to begin, and to end, shedding: one long garbage collection is no overload. */
const IN_A_ROW = 2
/** Where it gets hard: above, what stands in the queue of the loop costs everybody more than it brings anybody. */
const BUSY = { delay: 15, utilization: 0.75 }
/** Where it is easy again. */
const EASY = { delay: 8, utilization: 0.55 }
/** Calls of one tenant at a time, where others are about: not bounded by the loop; what the first halving halves; what is given back at each look. */
const UNBOUNDED = 1_000
const FIRST = 16
const BACK = 2

/** Turns looks into a level; 0 as a limit: not watched. Shedding begins above the limit and ends below half of it. */
export function createGauge({ maxDelay, maxHeap }: Config['pressure']): (sample: Sample) => Pressure {
  let looks = 0
  let above = 0
  let below = 0
  let shedding = false
  const over = ({ delay, heap }: Sample, part: number): boolean =>
    (maxDelay > 0 && delay > maxDelay * part) || (maxHeap > 0 && heap > maxHeap * (part < 1 ? 0.95 : part))
  return (sample) => {
    looks += 1
    if (looks <= GRACE) return 'calm'
    above = over(sample, 1) ? above + 1 : 0
    below = over(sample, 0.5) ? 0 : below + 1
    if (above >= IN_A_ROW) shedding = true
    if (below >= IN_A_ROW) shedding = false
    if (shedding) return maxDelay > 0 && sample.delay > maxDelay * 2 ? 'drowning' : 'overloaded'
    return isBusy(sample) ? 'busy' : 'calm'
  }
}

const isBusy = ({ delay, utilization }: Sample): boolean => delay > BUSY.delay || utilization > BUSY.utilization

/**
 * Calls that one tenant may have under way at a time while others are about, because each step of a call stands before everybody's next one: half as
 * many after each look at a busy loop, at least one; two more after each look at an easy one.
 */
export function createThrottle(): (sample: Sample) => number {
  let most = UNBOUNDED
  return (sample) => {
    if (isBusy(sample)) most = Math.max(1, Math.floor(Math.min(most, FIRST) / 2))
    else if (sample.delay < EASY.delay && sample.utilization < EASY.utilization)
      most = most < FIRST ? most + BACK : UNBOUNDED
    return most
  }
}

export interface PressureWatch {
  /** How hard it is at present, as of the last look. */
  level(): Pressure
  /** Calls that one tenant may have under way at a time while others are about. */
  most(): number
  /** Looks for as long as the app is open. */
  watch(app: FastifyInstance): Promise<void>
}

export const sheds = (level: Pressure): boolean => level === 'overloaded' || level === 'drowning'

export function createPressureWatch(config: Config['pressure'], log: Log): PressureWatch {
  const gauge = createGauge(config)
  const throttle = createThrottle()
  let level: Pressure = 'calm'
  let most = UNBOUNDED
  return {
    level: () => level,
    most: () => most,
    async watch(app) {
      // Without limits of its own: what happens above them is decided here, tenant by tenant.
      await app.register(underPressure, { sampleInterval: INTERVAL, eventLoopUtilizationMode: 'interval' })
      const looking = setInterval(() => {
        const { eventLoopDelay, eventLoopUtilized, heapUsed } = app.memoryUsage()
        const before = sheds(level)
        const sample = { delay: eventLoopDelay, utilization: eventLoopUtilized, heap: heapUsed }
        level = gauge(sample)
        most = throttle(sample)
        if (sheds(level) === before) return
        const seen = { event_loop_delay_ms: Math.round(eventLoopDelay), heap_used_bytes: heapUsed }
        if (before) log.warn(seen, 'load shedding ended')
        else log.warn(seen, 'load shedding began: this process has more to do than it can')
      }, INTERVAL)
      looking.unref()
      app.addHook('onClose', async () => clearInterval(looking))
    },
  }
}
