/** A value, or the promise of one: what is there already costs no turn of the microtask queue. On the path of every request only. */
export type Soon<T> = T | Promise<T>

async function later<T, R>(value: Promise<T>, next: (value: T) => Soon<R>): Promise<R> {
  return await next(await value)
}

/** Goes on with the value: at once when it is there. */
export function soon<T, R>(value: Soon<T>, next: (value: T) => Soon<R>): Soon<R> {
  return value instanceof Promise ? later(value, next) : next(value)
}
