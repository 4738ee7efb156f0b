import { startSuiteServer } from './server.ts'
const s = await startSuiteServer()
console.log(s.mcp)
process.once('SIGTERM', () => void s.close().then(() => process.exit(0)))
