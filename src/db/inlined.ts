import pg from 'pg'
import type { Sql } from './sql.ts'

/**
 * A statement as text alone, its values written into it as literals: for a simple message, in which several statements are said in one round trip. For
 * statements of ours only, never for a tool's. Throws for a value that is neither text, number nor null.
 */
export const inlined = ({ text, values }: Sql): string =>
  text.replaceAll(/\$(\d+)/g, (_, number: string) => literal(values[Number(number) - 1]))

function literal(value: unknown): string {
  if (value === null) return 'NULL'
  if (typeof value === 'string') {
    // Postgres holds no NUL; escapeLiteral would let it through, and the message would end there.
    if (value.includes('\0')) throw new TypeError('a text with NUL')
    return pg.escapeLiteral(value)
  }
  if (typeof value === 'number' && Number.isFinite(value)) return `${value}`
  throw new TypeError(`a value of type ${typeof value} is not written into a statement`)
}
