import { createHash } from 'node:crypto'
import type { Clock } from '#base/clock.ts'
import { createSeal, type Seal } from '#base/seal.ts'
import { Code, Flow, Refresh } from './flow.ts'

/** What sign-in hands out and gets back (D25). None has a binding of its own: what must match stands inside. */
export interface Seals {
  /** In this browser's cookie, from the approved consent to the callback: 10 minutes (D24). */
  readonly flow: Seal<Flow>
  /** Our authorization code: 60 seconds (D28). */
  readonly code: Seal<Code>
  /** Our refresh token: at most 30 days; `signed_in` inside ends the family earlier (D28). */
  readonly refresh: Seal<Refresh>
}

export interface SealsOptions {
  /** SESSION_SECRET: the first seals, all open. */
  readonly secrets: readonly string[]
  /** PUBLIC_URL. */
  readonly issuer: string
  readonly clock: Clock
}

/** Seconds from the approved consent to the callback. */
export const FLOW_LIFE = 600
/** Seconds from the callback to the token request. */
const CODE_LIFE = 60
/** Seconds from the sign-in for which it can be renewed, however often. */
export const SIGN_IN_LIFE = 30 * 86_400

export function createSeals({ secrets, issuer, clock }: SealsOptions): Seals {
  const common = { secrets, issuer, clock }
  return {
    flow: createSeal({ ...common, purpose: 'flow', schema: Flow, life: FLOW_LIFE }),
    code: createSeal({ ...common, purpose: 'code', schema: Code, life: CODE_LIFE }),
    refresh: createSeal({ ...common, purpose: 'refresh', schema: Refresh, life: SIGN_IN_LIFE }),
  }
}

/**
 * The cookie of one sign-in (D24): several can be under way in one browser, and each callback finds its own.
 * @param publicUrl with http (loopback) a cookie carries neither the prefix nor Secure, which browsers would refuse.
 */
export const flowCookie = (publicUrl: string, state: string): string =>
  `${publicUrl.startsWith('https:') ? '__Host-' : ''}gh_flow_${createHash('sha256').update(state).digest('base64url').slice(0, 22)}`
