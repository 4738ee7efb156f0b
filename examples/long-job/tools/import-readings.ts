import { defineTool, sql, ToolError, uuidv7, z } from 'gatehouse'

/** Lines of one statement: the caller hears of progress, and a cancelled job ends, after each. */
const BATCH = 100

export default defineTool({
  title: 'Import readings',
  description: 'Keeps readings given as lines of the form sensor,value. All of them or none. Tells its progress.',
  scopes: ['readings:write'],
  access: 'write',
  // It may take two minutes, and counts as twenty calls against the limits.
  timeout: 120_000,
  cost: 20,
  input: z.object({ csv: z.string().min(1).max(500_000) }),
  output: z.object({ imported: z.number().int() }),
  async run({ csv }, { db, now, progress, signal }) {
    const lines = csv.trim().split('\n').map(readingIn)
    const at = new Date(now())
    for (let done = 0; done < lines.length; done += BATCH) {
      // The caller has gone or time is up: whatever is thrown, the transaction is rolled back.
      signal.throwIfAborted()
      const batch = lines.slice(done, done + BATCH)
      await db.query(sql`
        INSERT INTO x_readings (id, sensor, value, created_at)
        SELECT id, sensor, value, ${at} FROM unnest(${batch.map(() => uuidv7(now()))}::uuid[], ${batch.map(({ sensor }) => sensor)}::text[],
          ${batch.map(({ value }) => value)}::double precision[]) AS given (id, sensor, value)`)
      await progress(done + batch.length, lines.length, `${done + batch.length} of ${lines.length} lines`)
    }
    return { text: `${lines.length} readings imported.`, structured: { imported: lines.length } }
  },
})

function readingIn(line: string, index: number): { readonly sensor: string; readonly value: number } {
  const [, sensor, value] = /^([\w-]{1,40}),(-?\d{1,12}(?:\.\d{1,12})?)$/.exec(line.trim()) ?? []
  if (sensor === undefined)
    throw new ToolError(`Line ${index + 1} is not of the form sensor,value. Nothing was imported.`)
  return { sensor, value: Number(value) }
}
