import type pg from 'pg'

/** What a scripted server answers: rows, a command tag, an error (thrown), or nothing ever (a promise that does not settle). */
export type Script = (
  text: string,
  values: readonly unknown[],
) => Partial<pg.QueryResult> | Promise<Partial<pg.QueryResult>>

export interface ScriptedPool {
  readonly pool: pg.Pool
  /** Every statement, in the order in which it was sent. */
  readonly said: string[]
  /** What became of each connection that was given back. */
  readonly ends: ('kept' | 'destroyed')[]
}

/**
 * A pool whose server does what the script says: for answers that a real one does not give on demand, and to see what becomes of each
 * connection. What the script leaves open is answered as Postgres does: BEGIN, COMMIT, ROLLBACK by their tags, all else by no rows.
 */
export function scriptedPool(script: Script = () => ({})): ScriptedPool {
  const said: string[] = []
  const ends: ('kept' | 'destroyed')[] = []
  const query = async (asked: string | { text: string; values?: readonly unknown[] }): Promise<unknown> => {
    const { text, values = [] } = typeof asked === 'string' ? { text: asked } : asked
    said.push(text)
    return { rows: [], rowCount: 0, command: text.split(/\W/)[0], ...(await script(text, values)) }
  }
  const pool = {
    query,
    connect: async () => ({
      query,
      release: (destroy?: boolean) => void ends.push(destroy === true ? 'destroyed' : 'kept'),
      escapeIdentifier: (text: string) => `"${text}"`,
      escapeLiteral: (text: string) => `'${text}'`,
    }),
    end: async () => {},
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much of a pool as the door to the database uses
  return { pool: pool as unknown as pg.Pool, said, ends }
}

/** An error as pg makes it of what Postgres sent. */
export const sent = (code: string, message = 'words of Postgres'): Error =>
  Object.assign(new Error(message), { severity: 'ERROR', code })

/** No answer, ever. */
export const silence = async (): Promise<never> => await new Promise<never>(() => {})
