/** `npm run conformance:client`: the official suite's client scenarios, both revisions, through the bridge. Exit 1 when a required one fails. */
import { runClientSuite } from './client-suite.ts'
import { table } from './report.ts'
import { REVISIONS, type Row } from './suite.ts'

const rows: Row[] = []
for (const revision of REVISIONS) rows.push(...(await runClientSuite(revision)))
console.log(await table(rows))
