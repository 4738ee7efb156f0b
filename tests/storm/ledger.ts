/** What one tenant was told was done: each acknowledged write, and what must therefore stand in its tables. */
export type Kind = 'projects' | 'todos' | 'documents'

export interface Item {
  readonly kind: Kind
  readonly id: string
  /** The name or title of the last acknowledged write. */
  text: string
  /** A call is changing it: nobody else touches it, so that the last acknowledged write is known. */
  busy: boolean
  /** Acknowledged as deleted. */
  deleted: boolean
  /** The server said that it does not know whether the last write happened: its text proves nothing. */
  unsure: boolean
}

export class Ledger {
  readonly items: Item[] = []
  /** Acknowledged creates, updates and deletes. */
  acknowledged = 0

  created(kind: Kind, id: string, text: string): void {
    this.items.push({ kind, id, text, busy: false, deleted: false, unsure: false })
    this.acknowledged += 1
  }

  /** Any living one; null while there is none. */
  any(kind: Kind): Item | null {
    return this.#pick((item) => item.kind === kind && !item.deleted)
  }

  /** One that nobody changes at present; it is the taker's until `give`. */
  take(kind: Kind): Item | null {
    const item = this.#pick((item) => item.kind === kind && !item.deleted && !item.busy)
    if (item !== null) item.busy = true
    return item
  }

  give(item: Item): void {
    item.busy = false
  }

  /** A few throws of the dice instead of a filter over thousands. */
  #pick(fits: (item: Item) => boolean): Item | null {
    for (let tries = 0; tries < 12; tries++) {
      const item = this.items[Math.floor(Math.random() * this.items.length)]
      if (item !== undefined && fits(item)) return item
    }
    return null
  }

  /** What must be there and is not, or is there as it must not be. @param found id to text, per kind. */
  missing(found: Readonly<Record<Kind, ReadonlyMap<string, string>>>): readonly string[] {
    return this.items.flatMap(({ kind, id, text, deleted, unsure }) => {
      const stored = found[kind].get(id)
      if (unsure) return []
      if (deleted) return stored === undefined ? [] : [`${kind} ${id} was deleted and is there`]
      if (stored === undefined) return [`${kind} ${id} is not there`]
      return stored === text ? [] : [`${kind} ${id} is not what was last written`]
    })
  }
}
