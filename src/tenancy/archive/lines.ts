import type { z } from 'zod'
import { LIMITS } from './format.ts'
import { RegistryError } from '../registry-error.ts'
import { broken } from './tar.ts'

/** The lines of a part, one after another: an array of all could be far larger than the part itself. */
export function* linesOf(name: string, content: Buffer): Generator<string> {
  if (content.at(-1) !== NEWLINE) throw broken(`${name} does not end with a line`)
  for (let from = 0; from < content.length;) {
    const to = content.indexOf(NEWLINE, from)
    if (to === from) throw broken(`${name} has an empty line`)
    if (to - from > LIMITS.line) throw broken(`${name} has a line of more than ${LIMITS.line} bytes`)
    yield textOf(name, content.subarray(from, to))
    from = to + 1
  }
}

const NEWLINE = 0x0a

function textOf(name: string, octets: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  } catch {
    throw broken(`${name} is not UTF-8`)
  }
}

/** The object on a line. */
export function objectOn(name: string, line: string): Readonly<Record<string, unknown>> {
  const value = parsed(name, line)
  if (!isObject(value)) throw broken(`${name} has a line that is no JSON object`)
  return value
}

/** A whole file as one JSON document of this shape. */
export function documentIn<Shape extends z.ZodType>(name: string, content: Buffer, shape: Shape): z.output<Shape> {
  const result = shape.safeParse(parsed(name, textOf(name, content)))
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw broken(`${name}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`)
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw broken(`${name} has a line that is no JSON`)
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * What went wrong, as it is told: what Postgres says of values that do not fit (SQLSTATE classes 22, 23 and 54) and what zlib says are
 * about the archive. Everything else is passed on.
 */
export function toldOf(error: unknown): unknown {
  if (error instanceof RegistryError || !(error instanceof Error) || !('code' in error)) return error
  const code = String(error.code)
  if (/^(22|23|54)[0-9A-Z]{3}$/.test(code)) return broken(`the database refuses what is in it: ${error.message}`)
  if (code === 'Z_BUF_ERROR') return broken('it ends too early: it was cut off')
  return code.startsWith('Z_') ? broken('it is not gzip, or damaged') : error
}
