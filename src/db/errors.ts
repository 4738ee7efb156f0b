import { DatabaseUnavailable, StatementTimeout } from './database.ts'

/** The five-character SQLSTATE of an error that Postgres sent; null for every other error. */
export function sqlState(error: unknown): string | null {
  const code = codeOf(error)
  return code !== null && error instanceof Error && 'severity' in error && /^[0-9A-Z]{5}$/.test(code) ? code : null
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}

/** Did Postgres speak about itself, and not about the statement? Classes 08, 53, 57P and 58 (its manual, appendix A), and log-in. */
const ABOUT_THE_SERVER = /^(08|53|57P|58)|^(28000|28P01|3D000|25P03)$/

/** A statement or a lock took too long. */
const TOO_LONG = new Set(['57014', '55P03'])

/** Codes of Node for what goes wrong with sockets, names and certificates. */
const SYSTEM = /^(E[A-Z]{3,}|ERR_(SSL|TLS)_.*|CERT_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*|UNABLE_TO_.*)$/

/** What pg and its pool say without a code when a connection breaks, or none comes free. */
const CONNECTION_LOST =
  /^(Connection terminated|Client has encountered|Client was closed|Connection ended|timeout e|Cannot use a pool)/

/**
 * Puts an error into the words of database.ts. What Postgres says about a statement (SQLSTATE in `code`) passes unchanged, and so
 * does what is no matter of the database at all.
 */
export function named(error: unknown): unknown {
  const state = sqlState(error)
  if (state !== null && TOO_LONG.has(state))
    return new StatementTimeout('the statement took too long', { cause: error })
  const code = codeOf(error)
  const unreachable =
    state === null
      ? (code !== null && SYSTEM.test(code)) || (error instanceof Error && CONNECTION_LOST.test(error.message))
      : ABOUT_THE_SERVER.test(state)
  if (!unreachable) return error
  return new DatabaseUnavailable(`the database cannot be reached (${code ?? 'connection lost'})`, { cause: error })
}
