import { FetchFailed } from '#base/fetch.ts'
import { Refusal } from '#base/refusal.ts'

/**
 * The refusal for "the provider could not be asked", from what made it so. Retry-After of the provider is passed on.
 * An error that is no FetchFailed (and no Refusal, which is passed through) is a bug and stays what it is.
 */
export function unavailable(error: unknown): unknown {
  if (!(error instanceof FetchFailed)) return error
  const { retryAfter } = error
  return new Refusal('provider_unavailable', {
    cause: error,
    detail: error.message,
    ...(retryAfter === null ? {} : { retryAfter }),
  })
}
