/** What one party may ask of the queue. */
export interface Entry {
  /** Aborted while waiting: the caller leaves the queue, and `enter` rejects with the reason. */
  readonly signal?: AbortSignal | undefined
  /** Called when it has to wait, with what ends the waiting: `enter` rejects with that reason. In place of a signal, which costs each call. */
  readonly onWait?: (leave: (reason: Error) => void) => void
  /** Places that it takes; default 1. More than there are count as all there are. */
  readonly weight?: number
  /** Most places of this party at once; default that of the queue. */
  readonly most?: number | undefined
}

export interface FairQueueOptions {
  /** Places in all. */
  readonly places: () => number
  /** Most places of one party at once, also when it is alone. */
  readonly most: () => number
  /**
   * Most places of a party with more than four callers, inside and waiting, while others are about; default: no fewer than alone. Below 1
   * it has one caller inside for that part of the time.
   */
  readonly contended?: () => number
  /** Milliseconds a caller waits for its turn. */
  readonly patience: number
  /** Callers of one party that may wait. */
  readonly maxWaiting: number
  /** What the order is reckoned in: `time` that places were held, or `calls`, where a call that only waits costs no more than another. */
  readonly charge: 'time' | 'calls'
  /**
   * The part of its share, up to 1, that a party has whose calls usually last so many milliseconds, while one is about whose calls last less
   * than half of that. Until one of its calls has ended nobody knows, and it has two places. Absent: how long calls last makes no difference.
   */
  readonly part?: (usual: number) => number
  /** Milliseconds of any clock that only goes forward; for tests. */
  readonly now?: () => number
  /** What a caller is told that waited too long, or came when too many of its party waited. */
  readonly refuse: (why: 'late' | 'full') => Error
}
