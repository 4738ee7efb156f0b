import { StatementTimeout } from '#db/database.ts'

/**
 * Gives the work a signal that ends with the caller's or when time is up, whichever comes first. Nothing stays on the caller's
 * signal afterwards: that one is aborted after every normal call too, and must not reach what belongs to the next.
 */
export async function withDeadline<T>(
  milliseconds: number,
  caller: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController()
  const gone = (): void => end.abort(caller.reason)
  const timer = setTimeout(() => end.abort(new StatementTimeout('the tool took too long')), milliseconds)
  caller.addEventListener('abort', gone)
  if (caller.aborted) gone()
  try {
    return await work(end.signal)
  } finally {
    clearTimeout(timer)
    caller.removeEventListener('abort', gone)
  }
}

/** The work's answer, or the signal's reason when that comes first. The work is not stopped by it, only no longer waited for. */
export async function unlessAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  return await new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop))
  })
}
