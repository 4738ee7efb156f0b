/** Members whose values never reach a log line, whatever they stand in. In lower case. */
const SECRETS: ReadonlySet<string> = new Set([
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
])

/** Levels that are looked at; what lies deeper is not logged. */
const DEPTH = 6
const CENSORED = '[redacted]'

/**
 * The same record without secrets, by the names of its members, at every level. It is itself when there is nothing to take away. (pino's own redaction
 * took 40 us of every line: a path for each name and level.) Not what an `err` holds: its serializer makes a record of it, which is redacted then.
 */
export function redacted(record: Record<string, unknown>): Record<string, unknown> {
  const { err } = record
  if (!(err instanceof Error)) return withoutSecrets(record, DEPTH)
  const { err: _, ...rest } = record
  const clean = withoutSecrets(rest, DEPTH)
  return clean === rest ? record : { ...clean, err }
}

function withoutSecrets(record: Record<string, unknown>, levels: number): Record<string, unknown> {
  let copy: Record<string, unknown> | null = null
  for (const name of Object.keys(record)) {
    const value = record[name]
    const clean = SECRETS.has(name.toLowerCase()) ? CENSORED : cleaned(value, levels - 1)
    if (clean === value) continue
    copy ??= { ...record }
    copy[name] = clean
  }
  return copy ?? record
}

function cleaned(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  // Words of its own for JSON are what is written, not its members.
  if ('toJSON' in value) return value
  if (levels === 0) return '[deeper]'
  if (Array.isArray(value)) {
    const clean = value.map((each) => cleaned(each, levels - 1))
    return clean.some((each, at) => each !== value[at]) ? clean : value
  }
  return isRecord(value) ? withoutSecrets(value, levels) : value
}

/** Errors too: JSON says what they own. */
const isRecord = (value: object): value is Record<string, unknown> => !Array.isArray(value)
