/** `npm run conformance:client`: the official suite's client scenarios, both revisions, through the bridge. `--json`: the rows alone. */
import { runClientSuite } from './client-suite.ts'
import { table } from './report.ts'
import { REVISIONS, type Row } from './suite.ts'

const rows: Row[] = []
for (const revision of REVISIONS) rows.push(...(await runClientSuite(revision)))
console.log(process.argv.includes('--json') ? JSON.stringify(rows) : await table(rows))
