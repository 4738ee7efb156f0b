/** `npm run conformance:client`: the official suite's client scenarios, both revisions, through the bridge. `--json`: the rows alone. `--required`: only what counts. */
import { runClientSuite } from './client-suite.ts'
import { table } from './report.ts'
import { REVISIONS, type Row } from './suite.ts'

const rows: Row[] = []
for (const revision of REVISIONS) rows.push(...(await runClientSuite(revision, process.argv.includes('--required'))))
console.log(process.argv.includes('--json') ? JSON.stringify(rows) : await table(rows))
