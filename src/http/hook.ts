import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * A Fastify hook that waits only when there is something to wait for: an async one costs every request a turn of the microtask queue. What it
 * throws, or what its promise rejects with, is the request's failure.
 */
export const hook =
  <Request extends FastifyRequest>(work: (request: Request, reply: FastifyReply) => Promise<void> | undefined) =>
  (request: Request, reply: FastifyReply, done: (error?: Error) => void): void => {
    try {
      const later = work(request, reply)
      if (later === undefined) done()
      else later.then(() => done(), done)
    } catch (error) {
      done(error as Error)
    }
  }
