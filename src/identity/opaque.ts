import type { Clock } from '#base/clock.ts'

export interface OpaqueOptions<Value extends object> {
  readonly provider: string
  /** Asks the provider. Throws a Refusal: `provider_unavailable` when it could not judge, any other when it judged. */
  readonly check: (token: string) => Promise<{ readonly value: Value; readonly exp: number | null }>
  readonly clock: Clock
  readonly maxPositive?: number
  readonly maxNegative?: number
}

export interface OpaqueVerifier<Value extends object> {
  verify(token: string): Promise<Value>
}

export function createOpaqueVerifier<Value extends object>(_options: OpaqueOptions<Value>): OpaqueVerifier<Value> {
  throw new Error('not built yet')
}
