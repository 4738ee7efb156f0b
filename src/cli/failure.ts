import { DatabaseUnavailable, StatementTimeout, TenantBusy, TenantFenced } from '#db/database.ts'
import { RegistryError } from '#tenancy/registry-error.ts'

/** What went wrong, for the person at the terminal: one sentence, and what to do where that is known. */
export function explain(error: unknown): string {
  if (error instanceof RegistryError) return error.message
  if (error instanceof DatabaseUnavailable)
    return `the database cannot be reached${because(error)}. Is it running, and is its URL (DATABASE_URL, DATABASE_URL_<NAME>) right?`
  if (error instanceof TenantFenced)
    return 'the tenant is suspended, deleted or being moved: its data cannot be read now'
  if (error instanceof TenantBusy || error instanceof StatementTimeout) return 'the database took too long; try again'
  return error instanceof Error ? error.message : String(error)
}

/** The code of what caused it, in brackets; '' when there is none. */
export function because(error: Error): string {
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? ` (${code})` : ''
}
