import type { Entry, FairQueueOptions } from './fair-queue-options.ts'

/**
 * Who is next, when several parties share places: fair by what each has had, not by who came first, so that a party with 200 callers
 * waiting never stands before one with a single caller. (Start-time fair queueing: Goyal, Vin, Cheng, SIGCOMM 1996.)
 *
 * - alone, a party has up to `most` places; with others about, an even share of all of them, counted by how much these really use;
 * - the last place is kept for a party that holds none;
 * - the next free place goes to the waiting party that has had least; who was away has saved nothing up.
 *
 * Lanes are forgotten two seconds after their last caller. It preempts nobody.
 */
export interface FairQueue {
  /** Answers, at once or when its turn comes, the function that gives the place back (to be called once). */
  enter(party: string, entry?: Entry): (() => void) | Promise<() => void>
  /** Do the party's calls usually last so long that it has less than its share, with others about? */
  slow(party: string): boolean
  /** Callers so far that got no turn: too many waited, or for too long. */
  readonly refused: number
  /** Places held, and callers waiting; of one party, or of all. */
  count(party?: string): { readonly held: number; readonly waiting: number }
}

/** Milliseconds for which a party counts as present, and over which its use is averaged. */
const MEMORY = 2_000
/** Milliseconds between two reckonings of how many parties compete. */
const RECKON = 100
/** Milliseconds that a call is charged before any of its party was seen to end. */
const GUESS = 5

/** Callers of a party that may always be served side by side, as far as there are places. */
const FEW = 4
/** Nor is a party held back while another has so many times its callers. */
const DWARFED = 4
/** With more callers than this it always may be: else one huge party would set all others free. */
const MANY = 32
/** Places of a party of which nobody knows yet how long its calls last. */
const UNKNOWN = 2
/** Milliseconds that a party rests at most after a caller. */
const LONGEST_REST = 250

/** That calls became slow is believed sooner than that they became quick: what a slow one costs, others pay. */
const learned = (usual: number | null, lasted: number): number =>
  usual === null ? lasted : usual + (lasted - usual) / (lasted > usual ? 2 : 8)

interface Waiter {
  readonly weight: number
  readonly admit: (leave: () => void) => void
}

interface Lane {
  held: number
  most: number | undefined
  readonly waiting: Waiter[]
  /** What it has had, on the queue's virtual clock. */
  paid: number
  /** Place-milliseconds of the last MEMORY, decaying; brought up to date at `seen`. */
  used: number
  seen: number
  /** What of `crowd` it is itself. */
  counted: number
  /** Milliseconds that its calls usually last; null before the first has ended. */
  usual: number | null
  /** Nobody of it is let in before. */
  rested: number
}

export function createFairQueue(options: FairQueueOptions): FairQueue {
  const { charge, part, patience, maxWaiting, refuse, now = () => performance.now() } = options
  const lanes = new Map<string, Lane>()
  const lined = new Set<Lane>()
  let held = 0
  let refused = 0
  /** The virtual clock: what the last party admitted had had by then. */
  let clock = 0
  /** How many parties compete, in whole parties: one that hardly uses its places counts little. */
  let crowd = 0
  let reckoned = -Infinity
  /** Callers, inside and waiting, of the party that had most of them at the last reckoning. */
  let largest = 0
  /** Milliseconds that calls usually last of the party whose calls last least. */
  let quickest = Infinity

  function laneOf(party: string, at: number): Lane {
    const known = lanes.get(party)
    if (known !== undefined) return known
    const lane = {
      held: 0,
      most: undefined,
      waiting: [],
      paid: clock,
      used: 0,
      seen: at,
      counted: 0,
      usual: null,
      rested: 0,
    }
    lanes.set(party, lane)
    return lane
  }

  function look(lane: Lane, at: number): void {
    const passed = at - lane.seen
    lane.used = (lane.used + lane.held * passed) * Math.exp(-passed / MEMORY)
    lane.seen = at
  }

  function reckon(at: number): void {
    reckoned = at
    crowd = 0
    largest = 0
    quickest = Infinity
    for (const [party, lane] of lanes) {
      if (lane.held === 0 && lane.waiting.length === 0 && at - lane.seen > MEMORY) {
        lanes.delete(party)
        continue
      }
      // Who holds nothing was last seen when it left: that must stay known.
      if (lane.held > 0) look(lane, at)
      const lately = (lane.used * Math.exp((lane.seen - at) / MEMORY)) / MEMORY
      lane.counted = lane.waiting.length > 0 ? 1 : Math.min(1, lately)
      crowd += lane.counted
      largest = Math.max(largest, callers(lane))
      quickest = Math.min(quickest, lane.usual ?? Infinity)
    }
  }

  const callers = (lane: Lane): number => lane.held + lane.waiting.length

  /** Who asks for little, or for little beside another, is not whom it is about, and would only stand in a line of their own. */
  const throttled = (lane: Lane): number =>
    lanes.size > 1 && callers(lane) > FEW && (callers(lane) > MANY || callers(lane) * DWARFED > largest)
      ? (options.contended?.() ?? Infinity)
      : Infinity

  /** Of its share, by how long its calls last. */
  const partOf = ({ usual }: Lane): number =>
    part === undefined || usual === null || usual < 2 * quickest ? 1 : part(usual)

  function share(lane: Lane): number {
    const most = lane.most ?? options.most()
    if (lanes.size === 1) return most
    const even = Math.min(most, Math.floor(throttled(lane)), Math.floor(options.places() / (1 + crowd - lane.counted)))
    if (part !== undefined && lane.usual === null) return Math.max(1, Math.min(even, UNKNOWN))
    return Math.max(1, Math.floor(even * partOf(lane)))
  }

  /** May the lane take this many more by its own share? The last place of several is for who holds none. */
  function within(lane: Lane, weight: number): boolean {
    // A timer may come a moment early.
    if (lane.held === 0) return lane.rested === 0 || lane.rested - now() < 1
    const places = options.places()
    return lane.held + weight <= share(lane) && held + weight <= (places > 3 ? places - 1 : places)
  }

  /** With nobody inside even the heaviest is let in. */
  const fits = (weight: number): boolean => held === 0 || held + weight <= options.places()

  function take(lane: Lane, weight: number): () => void {
    const from = now()
    look(lane, from)
    const guess = charge === 'time' ? (lane.usual ?? GUESS) * weight : weight
    if (lane.held === 0 && lane.waiting.length === 0) lane.paid = Math.max(lane.paid, clock)
    clock = Math.max(clock, lane.paid)
    lane.paid += guess
    lane.held += weight
    held += weight
    let left = false
    return () => {
      if (left) return
      left = true
      const at = now()
      // Also here: who waits would not hear that the others have gone.
      if (at - reckoned > RECKON) reckon(at)
      const lasted = at - from
      look(lane, at)
      lane.held -= weight
      held -= weight
      if (charge === 'time') lane.paid += lasted * weight - guess
      lane.usual = learned(lane.usual, lasted)
      const few = throttled(lane)
      if (few < 1) rest(lane, at, lasted * (1 / few - 1))
      if (lined.size > 0) serve()
    }
  }

  function rest(lane: Lane, at: number, wanted: number): void {
    const pause = Math.min(LONGEST_REST, Math.ceil(wanted))
    lane.rested = at + pause
    setTimeout(serve, pause)
  }

  function serve(): void {
    while (lined.size > 0) {
      let next: Lane | undefined
      for (const lane of lined)
        if ((next === undefined || lane.paid < next.paid) && within(lane, lane.waiting[0]?.weight ?? 1)) next = lane
      const [first] = next?.waiting ?? []
      // Whose turn it is waits for enough places: else small callers would pass a heavy one for ever.
      if (next === undefined || first === undefined || !fits(first.weight)) return
      // Only now out of the line: while its party waits, nothing is forgiven it.
      const leave = take(next, first.weight)
      next.waiting.shift()
      if (next.waiting.length === 0) lined.delete(next)
      first.admit(leave)
    }
  }

  async function queue(lane: Lane, weight: number, { signal, onWait }: Entry): Promise<() => void> {
    const deny = (why: 'late' | 'full'): Error => {
      refused += 1
      return refuse(why)
    }
    if (lane.waiting.length >= maxWaiting) throw deny('full')
    return await new Promise<() => void>((resolve, reject) => {
      const leave = (reason: unknown): void => {
        const place = lane.waiting.indexOf(waiter)
        if (place === -1) return
        lane.waiting.splice(place, 1)
        look(lane, now())
        if (lane.waiting.length === 0) lined.delete(lane)
        signal?.removeEventListener('abort', abort)
        clearTimeout(late)
        reject(reason instanceof Error ? reason : new Error('aborted', { cause: reason }))
        // It may have been the one for whom the others waited.
        serve()
      }
      const abort = (): void => leave(signal?.reason)
      const late = setTimeout(() => leave(deny('late')), patience)
      const waiter: Waiter = {
        weight,
        admit(give) {
          clearTimeout(late)
          signal?.removeEventListener('abort', abort)
          resolve(give)
        },
      }
      signal?.addEventListener('abort', abort)
      onWait?.(leave)
      if (lane.held === 0 && lane.waiting.length === 0) lane.paid = Math.max(lane.paid, clock)
      lane.waiting.push(waiter)
      lined.add(lane)
      serve()
    })
  }

  return {
    enter(party, entry = {}) {
      const { signal, weight = 1, most } = entry
      signal?.throwIfAborted()
      const at = now()
      if (at - reckoned > RECKON) reckon(at)
      const lane = laneOf(party, at)
      lane.most = most
      const size = Math.max(1, Math.min(weight, options.places()))
      if (lined.size === 0 && within(lane, size) && fits(size)) return take(lane, size)
      return queue(lane, size, entry)
    },
    slow(party) {
      const lane = lanes.get(party)
      return lane !== undefined && lanes.size > 1 && partOf(lane) < 1
    },
    get refused() {
      return refused
    },
    count(party) {
      if (party !== undefined) {
        const lane = lanes.get(party)
        return { held: lane?.held ?? 0, waiting: lane?.waiting.length ?? 0 }
      }
      let waiting = 0
      for (const lane of lined) waiting += lane.waiting.length
      return { held, waiting }
    },
  }
}
