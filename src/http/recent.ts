import { TtlCache } from '#base/cache.ts'
import type { Clock } from '#base/clock.ts'
import type { Identity } from '#identity/identity.ts'
import type { Principal } from '#tenancy/tenant.ts'

/** A caller who was let in a moment ago. */
interface RecentCaller {
  readonly identity: Identity
  readonly principal: Principal
}

/**
 * Callers who were let in within the last second: the same token, from the same address, for the same tenant is let in again without asking anybody,
 * unless the registry has changed meanwhile (D21) or the token's time is over. A bad token is never remembered here.
 */
export interface RecentCallers {
  get(key: string): RecentCaller | undefined
  /** @param generation of the registry from before the caller was judged. */
  add(key: string, caller: RecentCaller, generation: number | null): void
}

/** Milliseconds. What is judged elsewhere than in the registry (a provider's keys, a revocation at the provider) is late by so much at most. */
const FOR = 1_000
const MOST = 10_000

/** @param generation of the registry, see RegistryDoor; null: nothing is remembered. */
export function createRecentCallers(clock: Clock, generation: () => number | null): RecentCallers {
  const held = new TtlCache<RecentCaller & { readonly generation: number }>({ max: MOST, clock })
  return {
    get(key) {
      const known = held.get(key)
      if (known === undefined) return undefined
      if (known.generation === generation()) return known
      held.delete(key)
      return undefined
    },
    add(key, { identity, principal }, before) {
      // What changed while the caller was judged may have been seen, or not.
      if (before === null || before !== generation()) return
      const left = identity.exp === null ? FOR : Math.min(FOR, identity.exp * 1000 - clock.now())
      held.set(key, { identity, principal, generation: before }, left)
    },
  }
}
