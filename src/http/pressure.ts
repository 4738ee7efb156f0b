import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
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
/** Milliseconds between two looks of the throttle: a flood fills the loop in less than one look at the process. */
const GLANCE = 100
/** Utilization of the loop above which the throttle closes by half, or where it is full by more, and below which it may open. */
const CLOSES = 0.75
const FULL = 0.95
const OPENS = 0.55
/** Milliseconds that a step waits on average for its turn: above, the throttle closes a little, below it may open. A few long steps do as much harm as many short ones. */
const LATE = { closes: 0.6, opens: 0.4 }
/** Utilization below which it is others on this machine that make steps late, and not calls of ours. */
const OURS = 0.2
/** Milliseconds between the timers that are watched. */
const RESOLUTION = 10
/** Calls of one tenant at a time where others are about: at first, and at least (of the time, with one call). */
const FIRST = 16
const LEAST = 1 / 16
/** Below so many it is taken to be a flood that closed it. */
const FEW = 4
const MOST = 1_000

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

/** What the throttle sees at a look. */
interface Glance {
  /** Of the event loop, between 0 and 1, since the look before. */
  readonly utilization: number
  /** Milliseconds that timers were late on average since the look before; NaN when none fired. */
  readonly late: number
  /** Places held or waited for. */
  readonly wanted: number
}

/**
 * Calls that one tenant may have under way at a time while others are about, because each step of a call stands before everybody's next one; below
 * 1, the part of the time in which it may have one. It closes while the loop is busy and opens while it is not, beyond the first 16 only as
 * far as it is made use of: so nobody begins with more.
 */
export function createThrottle(): (glance: Glance) => number {
  let most = FIRST
  let usual = 0
  return ({ utilization, late, wanted }) => {
    // One look sees few timers; none at all when a step took longer than it.
    usual += (Math.min(Number.isNaN(late) ? RESOLUTION : late, RESOLUTION) - usual) / 4
    if (utilization > CLOSES) most = Math.max(LEAST, most / (utilization > FULL ? 4 : 2))
    else if (usual > LATE.closes && utilization > OURS && most <= FIRST) most = Math.max(LEAST, most / 1.25)
    else if (utilization < OPENS && (usual < LATE.opens || utilization < OURS)) {
      if (most < FIRST || wanted > most / 2) most = Math.min(MOST, most * 1.15)
      else most = Math.max(FIRST, most / 1.05)
    }
    return most
  }
}

export interface PressureWatch {
  /** How hard it is at present, as of the last look. */
  level(): Pressure
  /** Calls that one tenant may have under way at a time while others are about; see createThrottle. */
  most(): number
  /** Has it more to do than is good for everybody, or is it kept from that by the throttle? */
  busy(): boolean
  /** Looks for as long as the app is open. @param wanted how many places are held or waited for. */
  watch(app: FastifyInstance, wanted: () => number): Promise<void>
}

export const sheds = (level: Pressure): boolean => level === 'overloaded' || level === 'drowning'

export function createPressureWatch(config: Config['pressure'], log: Log): PressureWatch {
  const gauge = createGauge(config)
  const throttle = createThrottle()
  let level: Pressure = 'calm'
  let most = FIRST
  return {
    level: () => level,
    most: () => most,
    busy: () => level !== 'calm' || most < FEW,
    async watch(app, wanted) {
      // Without limits of its own: what happens above them is decided here, tenant by tenant.
      await app.register(underPressure, { sampleInterval: INTERVAL, eventLoopUtilizationMode: 'interval' })
      const looking = setInterval(() => {
        const { eventLoopDelay, eventLoopUtilized, heapUsed } = app.memoryUsage()
        const before = sheds(level)
        const sample = { delay: eventLoopDelay, utilization: eventLoopUtilized, heap: heapUsed }
        level = gauge(sample)
        if (sheds(level) === before) return
        const seen = { event_loop_delay_ms: Math.round(eventLoopDelay), heap_used_bytes: heapUsed }
        if (before) log.warn(seen, 'load shedding ended')
        else log.warn(seen, 'load shedding began: this process has more to do than it can')
      }, INTERVAL)
      let last = performance.eventLoopUtilization()
      const lateness = monitorEventLoopDelay({ resolution: RESOLUTION })
      lateness.enable()
      const glancing = setInterval(() => {
        const now = performance.eventLoopUtilization()
        most = throttle({
          utilization: performance.eventLoopUtilization(now, last).utilization,
          late: lateness.mean / 1e6 - RESOLUTION,
          wanted: wanted(),
        })
        lateness.reset()
        last = now
      }, GLANCE)
      for (const timer of [looking, glancing]) timer.unref()
      app.addHook('onClose', async () => {
        clearInterval(looking)
        clearInterval(glancing)
        lateness.disable()
      })
    },
  }
}
