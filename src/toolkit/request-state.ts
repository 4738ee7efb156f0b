import { z } from 'zod'
import { canonicalJson } from '#base/canonical.ts'
import type { Clock } from '#base/clock.ts'
import { createSeal } from '#base/seal.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { InvalidArguments } from './arguments.ts'

/** Seconds a state may be sent back. */
const LIFE = 600

/** Whose state it is, and of which call. */
export interface StateBinding {
  readonly principal: Principal
  /** tools/call, prompts/get or resources/read. */
  readonly method: string
  /** Of the tool or prompt, or the resource's URI. */
  readonly name: string
  readonly args: unknown
}

/** `requestState` (MCP 2026-07-28, basic/patterns/mrtr): it passes through the caller's hands and comes back as it was or not at all (D34). */
export interface StateSeal {
  seal(state: unknown, binding: StateBinding): string
  /** Throws InvalidArguments, with the same words for every cause. */
  open(text: string, binding: StateBinding): unknown
}

/**
 * A state of another person, tenant or call does not open.
 * @param secrets SESSION_SECRET: the first seals, all open.
 * @param issuer PUBLIC_URL.
 */
export function createStateSeal(options: {
  readonly secrets: readonly string[]
  readonly issuer: string
  readonly clock: Clock
}): StateSeal {
  const sealed = createSeal({
    ...options,
    purpose: 'request-state',
    schema: z.strictObject({ state: z.unknown() }),
    life: LIFE,
  })
  return {
    seal: (state, binding) => sealed.seal({ state: state ?? null }, bound(binding)),
    open(text, binding) {
      const opened = sealed.open(text, bound(binding))
      if (opened === null) throw new InvalidArguments('Invalid or expired requestState')
      return opened.state
    },
  }
}

/** A binding may be of any length, so the arguments stand in it whole; no digest is needed. */
const bound = ({ principal: { identity, tenant }, method, name, args }: StateBinding): string =>
  canonicalJson({
    who: identity.key === null ? { iss: identity.iss, sub: identity.sub } : { key: identity.key.id },
    tenant: tenant.id,
    method,
    name,
    args: args ?? {},
  })
