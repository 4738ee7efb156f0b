import { StatementTimeout } from '#db/database.ts'

/** When a run must end: its caller is gone, or its time is up. */
export interface Deadline {
  /** Made when it is asked for: most runs never look at it. */
  readonly signal: AbortSignal
}

/** Who waits for a run. */
export interface Waiting {
  readonly signal: AbortSignal
  /** Calls when the caller is gone, and answers how to end that; cheaper than a listener on `signal`, where there is a way. */
  readonly whenGone?: (stop: (reason: unknown) => void) => () => void
}

/**
 * Gives the work a deadline that ends with the caller's patience or when time is up, whichever comes first. Nothing stays on the caller's
 * signal afterwards: that one is aborted after every normal call too, and must not reach what belongs to the next.
 * @param outlasts the answer is waited for beyond the deadline, because the work ends itself in order (a transaction); else the deadline's reason
 * is the answer, and the work is no longer waited for.
 */
export async function withDeadline<T>(
  milliseconds: number,
  caller: Waiting,
  outlasts: boolean,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const end = new End()
    const stop = (reason: unknown): void => {
      end.come(reason)
      if (!outlasts) settle(() => reject(reason))
    }
    const timer = setTimeout(() => stop(new StatementTimeout('the tool took too long')), milliseconds)
    let leave = (): void => {}
    const settle = (how: () => void): void => {
      clearTimeout(timer)
      leave()
      how()
    }
    leave = caller.whenGone === undefined ? listen(caller.signal, stop) : caller.whenGone(stop)
    if (end.over && !outlasts) {
      leave()
      return
    }
    work(end).then(
      (answer) => settle(() => resolve(answer)),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}

/** A class: run-context.ts says why. */
class End implements Deadline {
  over = false
  #reason: unknown = undefined
  #controller: AbortController | null = null

  come(reason: unknown): void {
    if (!this.over) this.#reason = reason
    this.over = true
    this.#controller?.abort(reason)
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.over) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }
}

function listen(signal: AbortSignal, stop: (reason: unknown) => void): () => void {
  const gone = (): void => stop(signal.reason)
  signal.addEventListener('abort', gone)
  if (signal.aborted) gone()
  return () => signal.removeEventListener('abort', gone)
}
