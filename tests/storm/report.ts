import type { Figures } from './verdict.ts'

/** What must be zero, in words. */
const ZERO = {
  foreignRowsRead: 'rows of another tenant in an answer',
  foreignRowsStored: 'rows stored in the schema of another tenant',
  servedAfterCutOff: 'calls served that were sent later than 1 s after their cut-off',
  acknowledgedWritesMissing: 'acknowledged writes missing',
  auditDifference: 'calls without their one audit row, or audit rows without a call',
  unexpected: 'answers that nothing explains',
} as const satisfies Partial<Record<keyof Figures, string>>

export type MustBeZero = keyof typeof ZERO
export const MUST_BE_ZERO = Object.keys(ZERO) as readonly MustBeZero[]

const count = (value: number): string => value.toLocaleString('en')

/** The figures as a table, and the names of those that are not zero and must be. */
export function report(figures: Figures): { readonly lines: readonly string[]; readonly wrong: readonly string[] } {
  const kinds = Object.entries(figures.callsByToken).map(([kind, calls]) => `${count(calls)} ${kind}`)
  const rows: readonly (readonly [string, string])[] = [
    ...MUST_BE_ZERO.map((name) => [count(figures[name]), ZERO[name]] as const),
    [count(figures.calls), `calls (${kinds.join(', ')})`],
    [count(figures.served), 'of them served'],
    [count(figures.rowsRead), 'rows read, each looked at for its mark'],
    [count(figures.acknowledgedWrites), 'acknowledged writes, each looked for in the end'],
    [count(figures.auditRows), 'audit rows'],
    [count(figures.suspensions), 'tenants suspended and resumed'],
    [count(figures.revocations), 'keys revoked'],
    [count(figures.callsAfterCutOff), 'calls sent later than 1 s after their cut-off'],
    [count(figures.brokenOff), 'answers that broke off at a cut-off'],
    [`${count(figures.latestServed)} ms`, 'after its cut-off the last call was sent that was still served'],
    [`${count(Math.round(figures.calls / figures.seconds))} /s`, `calls, for ${Math.round(figures.seconds)} s`],
    [`${count(figures.p50)} / ${count(figures.p99)} ms`, 'time of a call, half and 99 % are faster'],
  ]
  const width = Math.max(...rows.map(([value]) => value.length))
  const lines = rows.map(([value, what]) => `${value.padStart(width)}  ${what}`)
  return { lines: [...lines, ...figures.complaints], wrong: MUST_BE_ZERO.filter((name) => figures[name] !== 0) }
}
