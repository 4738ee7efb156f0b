import { z } from 'zod'
import type { Clock } from '#base/clock.ts'
import { createSeal } from '#base/seal.ts'
import { LONGEST_FIELD, type UpstreamFields } from '#base/upstream.ts'

/** What a sealed row belongs to: bound to it, and not inside. */
interface UpstreamPlace {
  /** Tenant id. */
  readonly tenant: string
  readonly name: string
  readonly url: string | null
}

/** Credentials as the registry keeps them: at rest nobody reads them without SESSION_SECRET. */
export interface UpstreamSeal {
  seal(place: UpstreamPlace, fields: UpstreamFields): string
  /** null: not sealed here, not for this place, or by a secret that is in the list no more. `current`: by the first of the list. */
  open(place: UpstreamPlace, sealed: string): { readonly fields: UpstreamFields; readonly current: boolean } | null
}

const INSIDE = z.record(z.string().max(64), z.string().min(1).max(LONGEST_FIELD))
/** Seconds: they end when they are removed, or the secret leaves the list. */
const LIFE = 100 * 365 * 86_400

/** @param secrets SESSION_SECRET: the first seals, all open. */
export function createUpstreamSeal({
  secrets,
  clock,
}: {
  readonly secrets: readonly string[]
  readonly clock: Clock
}): UpstreamSeal {
  // Not PUBLIC_URL, as in what travels: a deployment that gets another name keeps its registry.
  const options = { purpose: 'upstream-credentials', issuer: 'registry', schema: INSIDE, life: LIFE, clock } as const
  const all = createSeal({ ...options, secrets })
  const first = createSeal({ ...options, secrets: secrets.slice(0, 1) })
  const binding = ({ tenant, name, url }: UpstreamPlace): string => JSON.stringify([tenant, name, url])
  return {
    seal: (place, fields) => first.seal(fields, binding(place)),
    open(place, sealed) {
      const fields = first.open(sealed, binding(place))
      if (fields !== null) return { fields, current: true }
      const old = all.open(sealed, binding(place))
      return old === null ? null : { fields: old, current: false }
    },
  }
}
