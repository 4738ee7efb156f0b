/** How a database server fares, and what of it a tenant with slow transactions may use beside others. */
export interface Strain {
  /** A transaction was begun, which is the same work each time, and took this many milliseconds. */
  begun(milliseconds: number): void
  /** Beginning takes longer than it needs to: processors, network or our own loop have more to do than they can at once. */
  strained(): boolean
  /** The part of its share of connections for a tenant whose transactions usually last so many milliseconds; up to 1. */
  part(usual: number): number
}

/** Parts that a transaction's beginning counts for in the average. */
const WEIGHT = 1 / 16
/** Strained: above so many times the least, and so many milliseconds more. */
const TIMES = 3
const MORE = 0.5
/** The least is forgotten by so much with each step, in minutes therefore: a server that was moved further away is not strained for ever. */
const FORGET = 1.0005
/** Milliseconds that a tenant's transactions may last without costing it anything of its share: at first, at least and at most. */
const FIRST = 20
const LEAST = 10
const MOST = 400
/** Beginnings that a transaction of a few quick statements lasts as long as, whatever else is going on. */
const QUICK = 4
/** Milliseconds between two changes of that. */
const STEP = 100
/** How it shrinks while the server is strained, and grows while it is not and somebody could use more. */
const SHRINK = 0.8
const GROW = 1.02

/**
 * What long queries of one tenant cost the others is seen where everybody's work is the same: in how long BEGIN takes, against the least it
 * took. Nothing is asked of the server for it. Until the first hundred nobody knows what the least is.
 *
 * How many long queries a server bears nobody tells us: so a tenant that has them begins with few of them at a time, and has more for as long as
 * the server is not strained by it.
 */
export function createStrain(now: () => number = () => performance.now()): Strain {
  let least = Infinity
  let usual = 0
  let seen = 0
  let borne = FIRST
  let stepped = now()
  /** Since the last step somebody had less than their share. */
  let wanted = false
  const strained = (): boolean => seen > 100 && usual > least * TIMES + MORE

  function step(): void {
    least *= FORGET
    if (strained()) borne = Math.max(LEAST, borne * SHRINK)
    else if (wanted) borne = Math.min(MOST, borne * GROW)
    else borne += (FIRST - borne) / 20
    wanted = false
  }

  return {
    begun(milliseconds) {
      seen += 1
      least = Math.min(least, milliseconds)
      usual += (milliseconds - usual) * WEIGHT
      const at = now()
      if (at - stepped < STEP) return
      stepped = at
      step()
    },
    strained,
    part(lasts) {
      // Where our own loop is what everything waits for, beginning takes longer as well, and nobody is slow for that.
      const slow = lasts - QUICK * usual
      if (slow <= borne) return 1
      wanted = true
      return borne / slow
    },
  }
}
