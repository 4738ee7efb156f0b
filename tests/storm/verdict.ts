import type { Seen } from './calls.ts'
import { SECOND, type CutOffs } from './cut-offs.ts'
import { marksIn } from './mark.ts'
import type { StormTenant, Window, World } from './world.ts'

/** What the storm showed. The six that must be zero come first. */
export interface Figures {
  /** Rows of another tenant in an answer, or an answer to another tenant's id. */
  readonly foreignRowsRead: number
  /** Rows in a schema that bear another tenant's mark, or none. */
  readonly foreignRowsStored: number
  /** Calls sent later than a second after their cut-off, and served. */
  readonly servedAfterCutOff: number
  readonly acknowledgedWritesMissing: number
  /** Calls without an audit row, audit rows without a call, and calls with two. */
  readonly auditDifference: number
  /** Neither served, nor refused for a cut-off, nor a failure that the call asked for. */
  readonly unexpected: number
  readonly calls: number
  readonly served: number
  readonly rowsRead: number
  readonly acknowledgedWrites: number
  readonly auditRows: number
  readonly suspensions: number
  readonly revocations: number
  /** Calls sent later than a second after their cut-off: all of them must have been refused. */
  readonly callsAfterCutOff: number
  /** Milliseconds after its cut-off at which the last call that was still served was sent. */
  readonly latestServed: number
  /** Answers that broke off: streams that ended at a cut-off. */
  readonly brokenOff: number
  readonly callsByToken: Readonly<Record<string, number>>
  /** What the unexpected answers said, with counts; what is missing; what the servers logged as errors. */
  readonly complaints: readonly string[]
  readonly seconds: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

export interface Evidence {
  readonly world: World
  readonly seen: readonly Seen[]
  readonly counts: CutOffs
  readonly seconds: number
}

/** Judges after all servers have ended: everything they had to write is written. */
export async function judge({ world, seen, counts, seconds }: Evidence): Promise<Figures> {
  const stored = await readStored(world)
  const audit = await readAudit(world)
  const called = seen.map(({ requestId }) => requestId)
  const missing = stored.missing
  const unexpected = seen.filter(isUnexpected)
  const times = seen.map(({ sent, answered }) => answered - sent).toSorted((a, b) => a - b)
  const late = seen.filter((one) => windowsOf(one).some((window) => isLate(one, window)))
  return {
    foreignRowsRead: sum(seen.map(({ foreign }) => foreign)),
    foreignRowsStored: stored.foreign,
    servedAfterCutOff: late.filter(({ served }) => served).length,
    acknowledgedWritesMissing: missing.length,
    auditDifference: difference(called, audit),
    unexpected: unexpected.length,
    calls: seen.length,
    served: seen.filter(({ served }) => served).length,
    rowsRead: sum(seen.map(({ rows }) => rows)),
    acknowledgedWrites: sum(world.tenants.map(({ ledger }) => ledger.acknowledged)),
    auditRows: audit.length,
    ...counts,
    callsAfterCutOff: late.length,
    latestServed: Math.round(Math.max(0, ...seen.filter(({ served }) => served).flatMap(sinceCutOff))),
    brokenOff: seen.filter(({ status }) => status === 0).length,
    callsByToken: tally(seen.map(({ token }) => token.kind)),
    complaints: [
      ...Object.entries(tally(unexpected.map(({ tool, status, failure }) => `${tool} ${status} ${failure ?? ''}`))).map(
        ([text, count]) => `${count} x ${text}`,
      ),
      ...missing.slice(0, 10),
      ...world.replicas.flatMap((replica) => errorsOf(replica.output())).slice(0, 10),
    ],
    seconds,
    p50: times[Math.floor(times.length * 0.5)] ?? 0,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
  }
}

/** What a server logged as an error: none is asked for. */
const errorsOf = (output: string): readonly string[] =>
  output.split('\n').filter((line) => /"level":"(error|fatal)"/.test(line))

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

function tally(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1
  return counts
}

const windowsOf = ({ tenant, token }: Seen): readonly Window[] => [...tenant.closed, ...token.closed]

/** Sent when every process must have known, and answered before it was let in again. */
const isLate = ({ sent, answered }: Seen, { from, to }: Window): boolean => sent > from + SECOND && answered < to

const sinceCutOff = (one: Seen): readonly number[] =>
  windowsOf(one).flatMap(({ from, to }) => (one.sent > from && one.answered < to ? [one.sent - from] : []))

/** A call that was cut off, or may have been: from shortly before the COMMIT until shortly after the tenant was let in again. */
const mayBeCutOff = (one: Seen): boolean =>
  windowsOf(one).some(({ from, to }) => one.answered > from - SECOND && one.sent < to + 2 * SECOND)

function isUnexpected(one: Seen): boolean {
  if (one.served) return false
  if (one.status === 200 && /not found/i.test(one.failure ?? '')) return false
  return !([0, 200, 401, 403].includes(one.status) && mayBeCutOff(one))
}

/** How many ids are in one list and not as often in the other. */
function difference(called: readonly string[], audit: readonly string[]): number {
  const open = new Map<string, number>()
  for (const id of called) open.set(id, (open.get(id) ?? 0) + 1)
  for (const id of audit) open.set(id, (open.get(id) ?? 0) - 1)
  return sum([...open.values()].map(Math.abs))
}

const TABLES = { projects: 'name', todos: 'title', documents: 'title' } as const

async function readStored({ tenants, sql }: World): Promise<{ missing: readonly string[]; foreign: number }> {
  const missing: string[] = []
  let foreign = 0
  for (const { slug, mark, ledger } of tenants) {
    const read = async (table: keyof typeof TABLES): Promise<ReadonlyMap<string, string>> => {
      const rows = await sql<{ id: string; text: string; whole: string }>(
        `SELECT id, ${TABLES[table]} AS text, t::text AS whole FROM tenant_${slug}.${table} t`,
      )
      foreign += rows.filter(({ whole }) => !onlyOwn(whole, mark)).length
      return new Map(rows.map(({ id, text }) => [id, text]))
    }
    const found = { projects: await read('projects'), todos: await read('todos'), documents: await read('documents') }
    missing.push(...ledger.missing(found).map((what) => `${slug}: ${what}`))
  }
  return { missing, foreign }
}

const onlyOwn = (row: string, own: string): boolean => {
  const marks = marksIn(row)
  return marks.length > 0 && marks.every((mark) => mark === own)
}

/** The request ids of all rows that stand for a request. What the registry holds beside them are changes by operators. */
async function readAudit({ tenants, sql }: World): Promise<readonly string[]> {
  const schemas = ['gatehouse', ...tenants.map(({ slug }: StormTenant) => `tenant_${slug}`)]
  const rows: string[] = []
  for (const schema of schemas)
    for (const { id } of await sql<{ id: string }>(
      `SELECT request_id AS id FROM ${schema}.audit WHERE request_id IS NOT NULL`,
    ))
      rows.push(id)
  return rows
}
