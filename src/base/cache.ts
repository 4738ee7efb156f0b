import { LRUCache } from 'lru-cache'
import type { Clock } from './clock.ts'

export interface CacheOptions {
  /** Most entries held; the least recently used go first. */
  readonly max: number
  readonly clock: Clock
}

/** Entries looked at whenever one is stored: more than one, so that what has expired goes faster than what is new comes. */
const LOOKED_AT = 2

/**
 * A bounded map whose entries expire by our clock. A cache here can be emptied at any moment without changing an answer, only its cost.
 * What has expired is given up as new entries come, at constant cost and without a timer: at the latest when the longest time that anything is
 * stored for has passed since it was last asked for. So of keys that are asked for once (tokens) about those of two such times are held, not `max`.
 */
export class TtlCache<Value extends object> {
  readonly #entries: LRUCache<string, { readonly value: Value; readonly until: number }>
  readonly #clock: Clock

  constructor({ max, clock }: CacheOptions) {
    this.#entries = new LRUCache({ max })
    this.#clock = clock
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.until > this.#clock.now()) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  /** @param ttl milliseconds; nothing is stored when it is not above 0. */
  set(key: string, value: Value, ttl: number): void {
    if (ttl <= 0) return
    const now = this.#clock.now()
    this.#entries.set(key, { value, until: now + ttl })
    this.#sweep(now)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  /** Drops every entry that `matches`; walks all entries. */
  deleteWhere(matches: (value: Value, key: string) => boolean): void {
    for (const [key, entry] of this.#entries.entries()) if (matches(entry.value, key)) this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  /** Only from the least recently used on: whatever stands before an expired entry was asked for before it, and so expires in its turn. */
  #sweep(now: number): void {
    for (let looked = 0; looked < LOOKED_AT; looked += 1) {
      const [oldest] = this.#entries.rkeys()
      if (oldest === undefined || (this.#entries.peek(oldest)?.until ?? now) > now) return
      this.#entries.delete(oldest)
    }
  }
}

/** Many askers, one answer: while work for a key is under way, later callers get the same promise. */
export class SingleFlight<Value> {
  readonly #flying = new Map<string, Promise<Value>>()

  async run(key: string, work: () => Promise<Value>): Promise<Value> {
    const under = this.#flying.get(key)
    if (under !== undefined) return await under
    const started = work().finally(() => this.#flying.delete(key))
    this.#flying.set(key, started)
    return await started
  }
}
