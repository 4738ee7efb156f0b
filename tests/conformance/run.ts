/** `npm run conformance`: the official suite, both revisions, against the whole server with authentication on. `--json`: the rows alone. */
import { table } from './report.ts'
import { startSuiteServer } from './server.ts'
import { REVISIONS, runSuite, type Row } from './suite.ts'

const server = await startSuiteServer()
const rows: Row[] = []
try {
  for (const revision of REVISIONS) rows.push(...(await runSuite(server.mcp, revision)))
} finally {
  await server.close()
}
console.log(process.argv.includes('--json') ? JSON.stringify(rows) : await table(rows))
