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
      else void finish(later, done)
    } catch (error) {
      done(asError(error))
    }
  }

async function finish(work: Promise<void>, done: (error?: Error) => void): Promise<void> {
  let failure: Error | undefined
  try {
    await work
  } catch (error) {
    failure = asError(error)
  }
  done(failure)
}

/** Fastify's hooks fail with errors only; what else is thrown would count as success. */
export const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error('something else than an error was thrown', { cause: thrown })
