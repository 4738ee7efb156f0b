import type { FastifyRequest } from 'fastify'

/** One thing that a request has, where nothing else can reach for it. */
export interface Beside<T> {
  get(request: FastifyRequest): T | undefined
  set(request: FastifyRequest, value: T): void
}

/**
 * Kept on the request, under a symbol that only the caller of this has. Not in a WeakMap: when V8 collects young objects, the values of one count
 * as alive whatever became of their keys, so one that leads back to its request keeps both until old space is collected.
 */
export function beside<T>(): Beside<T> {
  const place = Symbol('beside')
  type Holder = FastifyRequest & { [place]?: T }
  return {
    get: (request) => (request as Holder)[place],
    set(request, value) {
      const holder: Holder = request
      holder[place] = value
    },
  }
}
