/** Is a database server slower than it could be? */
export interface Strain {
  /** A transaction was begun, which is the same work each time, and took this many milliseconds. */
  begun(milliseconds: number): void
  /** Beginning takes longer than it needs to: processors, network or our own loop have more to do than they can at once. */
  strained(): boolean
}

/** Parts that a transaction's beginning counts for in the average. */
const WEIGHT = 1 / 16
/** Strained: above so many times the least, and so many milliseconds more. */
const TIMES = 3
const MORE = 0.5
/** The least is forgotten by so much with each transaction: a server that was moved further away is not strained for ever. */
const FORGET = 1.0005

/**
 * What long queries of one tenant cost the others is seen where everybody's work is the same: in how long BEGIN takes, against the least it
 * took. Nothing is asked of the server for it. Until the first hundred nobody knows what the least is.
 */
export function createStrain(): Strain {
  let least = Infinity
  let usual = 0
  let seen = 0
  return {
    begun(milliseconds) {
      seen += 1
      least = Math.min(least * FORGET, milliseconds)
      usual += (milliseconds - usual) * WEIGHT
    },
    strained: () => seen > 100 && usual > least * TIMES + MORE,
  }
}
