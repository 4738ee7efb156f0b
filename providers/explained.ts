import { Refusal } from '#base/refusal.ts'
import type { VerifyContext } from '#identity/provider.ts'

/** Tells `token explain` how a check ended that somebody else made (the JWT verifier tells its own). */
export async function explained<Value>(
  trace: VerifyContext['trace'],
  check: string,
  work: Promise<Value>,
): Promise<Value> {
  try {
    const value = await work
    trace?.(check, true, '')
    return value
  } catch (error) {
    if (error instanceof Refusal) trace?.(check, false, error.message)
    throw error
  }
}
