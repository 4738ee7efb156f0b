/** Why the registry did not do what was asked. Shown to operators and tenant admins (CLI, API), never to MCP callers. */
export type RegistryErrorCode =
  /** There is no such tenant, member, domain, organisation or key. */
  | 'unknown'
  /** It is there already. */
  | 'exists'
  /** What was given cannot be right. */
  | 'invalid'
  /** The one who asks may not do this. */
  | 'forbidden'
  /** A tenant keeps at least one owner. */
  | 'last_owner'
  /** It contradicts the present state (a deleted tenant is resumed, a revoked key rotated). */
  | 'conflict'
  /** It is not any more what the caller takes it for (a Precondition): read again. */
  | 'stale'
  /** Asked again too soon; the message says when it may be. */
  | 'limited'

/** Thrown by every function of the registry; the message is one plain sentence without secrets. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError'
  readonly code: RegistryErrorCode
  /** The input that is at fault, by its snake_case name, for forms and problem documents; null: none in particular. */
  readonly field: string | null
  /** Seconds until it may be asked again; only with `limited`. */
  readonly retryAfter: number | null
  constructor(code: RegistryErrorCode, message: string, field: string | null = null, retryAfter: number | null = null) {
    super(message)
    this.code = code
    this.field = field
    this.retryAfter = retryAfter
  }
}
