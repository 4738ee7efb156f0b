import type { Actor, RegistryOptions } from './registry.ts'

export interface RevocationRecord {
  readonly id: string
  readonly kind: 'token' | 'person'
  readonly digest: string
  readonly iss: string | null
  readonly sub: string | null
  readonly reason: string | null
  readonly created_at: string
  readonly until: string | null
}

/** What is refused everywhere (D22). Repeating one changes nothing. */
export interface Revocations {
  /** One token, by `tokenDigest`; a person may revoke a token they hold. `until`: milliseconds, when it expires anyway; null: unknown. */
  revokeToken(
    actor: Actor,
    input: { readonly digest: string; readonly until: number | null; readonly reason?: string },
  ): Promise<void>
  /** Operators only: (iss, sub) is refused in every tenant. */
  blockPerson(
    actor: Actor,
    input: { readonly iss: string; readonly sub: string; readonly reason?: string },
  ): Promise<void>
  unblockPerson(actor: Actor, input: { readonly iss: string; readonly sub: string }): Promise<void>
  /** Operators only; complete. */
  list(actor: Actor): Promise<readonly RevocationRecord[]>
}

export function createRevocations(_options: RegistryOptions): Revocations {
  throw new Error('unfinished')
}
