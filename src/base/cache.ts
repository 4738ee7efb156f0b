import { LRUCache } from 'lru-cache'
import type { Clock } from './clock.ts'

export interface CacheOptions {
  /** Most entries held; the least recently used go first. */
  readonly max: number
  readonly clock: Clock
}

/**
 * A bounded map whose entries expire by our clock. A cache here can be emptied at any moment without changing an answer, only its cost.
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
    if (ttl > 0) this.#entries.set(key, { value, until: this.#clock.now() + ttl })
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
