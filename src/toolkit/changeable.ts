/** Something that others hold on to while what is behind it is exchanged. */
export interface Changeable<T extends object> {
  readonly value: T
  change(next: T): void
}

/**
 * For development, where tools are read again while the server runs: every property is looked up anew, in what is there now. Whoever takes
 * a property out and keeps it keeps the old one.
 */
export function changeable<T extends object>(first: T): Changeable<T> {
  const held = { now: first }
  const value = new Proxy(first, {
    get: (_, key) => Reflect.get(held.now, key),
    has: (_, key) => Reflect.has(held.now, key),
  })
  return { value, change: (next) => void (held.now = next) }
}

/** The same without a way in between: what is never exchanged costs nothing. */
export const unchanging = <T extends object>(value: T): Changeable<T> => ({
  value,
  change: () => {
    throw new Error('this is never exchanged')
  },
})
