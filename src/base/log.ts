import { pino, stdSerializers, type DestinationStream, type Logger } from 'pino'
import type { Config } from './config.ts'
import { redacted } from './redact.ts'

/** Makes no children: what one says on each of its lines would pass redact.ts by. */
export type Log = Pick<Logger, 'level' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'>

/**
 * JSON lines on stdout (or `destination`). Secrets are taken out by name (redact.ts).
 * @param worker its number, on every line; null: there is one process.
 */
export function createLog(
  level: Config['logLevel'],
  destination?: DestinationStream,
  worker: number | null = null,
): Log {
  const options = {
    level,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    base: worker === null ? null : { worker },
    serializers: { err: (error: unknown) => (error instanceof Error ? redacted(stdSerializers.err(error)) : error) },
    formatters: { level: (label: string) => ({ level: label }), log: redacted },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
