/** The one source of time, so that tests can move it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** NumericDate of RFC 7519 section 2: whole seconds since the epoch. */
export const seconds = (clock: Clock): number => Math.floor(clock.now() / 1000)
