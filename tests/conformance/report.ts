import { readFile } from 'node:fs/promises'
import { REVISIONS, type Row } from './suite.ts'

/** The scenarios that docs/conformance.md says a server without sessions cannot pass, as 'revision scenario'. */
export async function explained(): Promise<readonly string[]> {
  const page = await readFile(new URL('../../docs/conformance.md', import.meta.url), 'utf8')
  return [...page.matchAll(/^\| (\d{4}-\d\d-\d\d) \| `([a-z0-9-]+)` \| /gm)].map((cells) => `${cells[1]} ${cells[2]}`)
}

const nameOf = ({ revision, scenario }: Row): string => `${revision} ${scenario}`

/** For people: every scenario, then the count. Sets exit code 1 when a required one fails that is not explained. */
export async function table(rows: readonly Row[]): Promise<string> {
  const known = await explained()
  const wide = Math.max(...rows.map(({ scenario }) => scenario.length))
  const lines = rows.flatMap((row) => {
    const mark = row.failures.length === 0 ? 'passed' : known.includes(nameOf(row)) ? 'explained' : 'FAILED'
    const notes = row.warnings === 0 ? '' : `, ${row.warnings} warnings`
    const head = `${row.revision}  ${row.scenario.padEnd(wide)}  ${row.required ? 'required  ' : 'not scored'}  ${mark.padEnd(9)}`
    return [`${head}  ${row.passed} checks passed${notes}`, ...row.failures.map((failure) => `            ${failure}`)]
  })
  const sums = REVISIONS.flatMap((revision) =>
    [true, false].map((required) => {
      const of = rows.filter((row) => row.revision === revision && row.required === required)
      const passed = of.filter(({ failures }) => failures.length === 0).length
      return `${revision}  ${required ? 'required' : 'not scored'}: ${passed} of ${of.length} scenarios passed`
    }),
  )
  const bad = rows.some((row) => row.required && row.failures.length > 0 && !known.includes(nameOf(row)))
  if (bad) process.exitCode = 1
  return [...lines, '', ...sums].join('\n')
}
