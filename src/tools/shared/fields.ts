import { z } from 'zod'
import { ToolError } from '#toolkit/tool.ts'

/** What Postgres and an RFC 3339 text can both hold. */
const YEARS = { from: 1900, to: 9999 }

export const idOf = (thing: string) =>
  z.uuid().toLowerCase().describe(`Id of the ${thing} (UUID), as answered by the create and list tools.`)

/** A time as an argument; answered as RFC 3339 in UTC with milliseconds, as it is stored. */
export const time = z.iso
  .datetime({ offset: true, error: 'must be an RFC 3339 time with an offset, for example 2026-12-24T17:00:00Z' })
  .refine((text) => inYears(new Date(text)), `must lie in the years ${YEARS.from} to ${YEARS.to}`)
  .overwrite((text) => (inYears(new Date(text)) ? new Date(text).toISOString() : text))

const inYears = (date: Date): boolean => date.getUTCFullYear() >= YEARS.from && date.getUTCFullYear() <= YEARS.to

/** A time as it is answered. */
export const timeOut = z.iso.datetime().describe('RFC 3339, UTC')

export const person = z.string().describe('user_id of the person or key that made it, for example google:1098765')

/** timestamptz as the driver gives it. */
export const isoOf = (value: Date): string => value.toISOString()

export const notFound = (thing: string): ToolError => new ToolError(`${thing} not found`)

/** Of a list of one row or none: the row, or the tool's "not found". Another tenant's id is as unknown as one that never was. */
export function only<Row>(rows: readonly Row[], thing: string): Row {
  const [row] = rows
  if (row === undefined) throw notFound(thing)
  return row
}
