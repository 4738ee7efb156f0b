import { pino, type DestinationStream, type Logger } from 'pino'
import type { Config } from './config.ts'

export type Log = Logger

/** Paths whose values never reach a log line, wherever an object with them is logged. */
const REDACTED = [
  'authorization',
  'cookie',
  'set-cookie',
  'token',
  'access_token',
  'refresh_token',
  'id_token',
  'client_secret',
  'api_key',
  'password',
  'secret',
]

/**
 * JSON lines on stdout (or `destination`). Secrets are removed by name at the top level and one and two levels down.
 * @param worker its number, on every line; null: there is one process.
 */
export function createLog(
  level: Config['logLevel'],
  destination?: DestinationStream,
  worker: number | null = null,
): Log {
  const paths = REDACTED.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`])
  const options = {
    level,
    redact: { paths, censor: '[redacted]' },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    base: worker === null ? null : { worker },
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
