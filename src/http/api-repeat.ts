import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { canonicalJson } from '#base/canonical.ts'
import type { Log } from '#base/log.ts'
import type { Operation } from '#desk/operation.ts'
import type { Answers } from '#tenancy/answers.ts'
import type { Actor } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { ApiError } from './api-problem.ts'

export interface Repeats {
  readonly answers: Answers
  readonly log: Log
}

/** For whom an answer is kept. */
export interface Caller {
  /** null: an operator, in none. */
  readonly tenant: Tenant | null
  readonly actor: Actor
}

/** What is done once however often it is asked, and whether this answer is that of an earlier time. */
interface Done {
  readonly result: object
  readonly replayed: boolean
}

/** A string of RFC 9651 section 3.3.3, or the same without its quotes, as most clients send it. */
const KEY = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255}))$/

/** The Idempotency-Key of a request; null: none. @throws ApiError `invalid_request`: none that can be. */
export function repeatKeyOf({ headers }: FastifyRequest): string | null {
  const given = headers['idempotency-key']
  if (given === undefined) return null
  const [, quoted, bare] = typeof given === 'string' ? (KEY.exec(given) ?? []) : []
  const key = quoted ?? bare
  if (key === undefined)
    throw new ApiError(
      'invalid_request',
      'An Idempotency-Key has 1 to 255 printable ASCII characters, a UUID for example.',
    )
  return key
}

/**
 * Does it once for this key, whichever replica is asked how often. Only good answers are kept: after a failure the key may be used again.
 * What is kept holds no secret, so who repeats a creation gets null in its place.
 * @throws ApiError `idempotency_key_reused`, `idempotency_key_in_use`, and what `perform` throws.
 */
export async function once(
  { answers, log }: Repeats,
  key: string,
  operation: Operation<z.ZodObject, z.ZodObject, unknown>,
  input: Readonly<Record<string, unknown>>,
  { tenant, actor }: Caller,
  status: number,
  perform: () => Promise<object>,
): Promise<Done> {
  const begun = await answers.begin(tenant, actor, { operation: operation.id, key, request: canonicalJson(input) })
  if (begun.kind === 'other')
    throw new ApiError(
      'idempotency_key_reused',
      'This Idempotency-Key was used for another request in the last 24 hours.',
    )
  if (begun.kind === 'under_way')
    throw new ApiError('idempotency_key_in_use', 'The same request is under way: ask again in a moment.', {
      retryAfter: 1,
    })
  if (begun.kind === 'answered') {
    const result: object = JSON.parse(begun.answer.body)
    return { result, replayed: true }
  }
  try {
    const result = await perform()
    const secrets = Object.fromEntries((operation.secrets ?? []).map((name) => [name, null]))
    const body = JSON.stringify({ ...result, ...secrets })
    // It is done, whatever comes now: better an answer that cannot be repeated than none.
    await answers
      .keep(tenant, actor, begun.id, { status, body })
      .catch((error: unknown) => log.warn({ err: error }, 'an answer could not be kept for repetition'))
    return { result, replayed: false }
  } catch (error) {
    await answers.forget(tenant, actor, begun.id).catch(() => {})
    throw error
  }
}
