/** Milliseconds until a worker that died is started again: doubled each time, up to the most, and the first again once one has lived long enough. */
const WAIT = { first: 100, most: 10_000 }
const STEADY = 60_000
/** Starts in a row that never came to listening: then it is of no use to try again. */
const TRIES = 5

/** What a worker that ended leaves behind. */
export interface Ending {
  /** Did it come to listening? */
  readonly listened: boolean
  /** Milliseconds from its start. */
  readonly lived: number
}

/** When the one in a worker's place is started again. @returns milliseconds, or null when that was tried often enough. */
export function createPatience(): (ending: Ending) => number | null {
  let wait = WAIT.first
  let failed = 0
  return ({ listened, lived }) => {
    failed = listened ? 0 : failed + 1
    if (failed >= TRIES) return null
    if (listened && lived >= STEADY) wait = WAIT.first
    const now = wait
    wait = Math.min(wait * 2, WAIT.most)
    return now
  }
}
