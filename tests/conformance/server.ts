import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '#base/config-load.ts'
import { createLog } from '#base/log.ts'
import { mintDevToken } from '#http/dev-token.ts'
import { createGatehouse } from '#http/gatehouse.ts'
import { DIRECT_LANE } from '../support/direct-lane.ts'
import { freePort } from '../support/free-port.ts'
import { startProxy } from './proxy.ts'

const FIXTURE = fileURLToPath(new URL('fixture', import.meta.url))

/** The whole server with authentication on, as an operator starts it with the fixture as TOOLS_DIR, and the proxy before it. */
export async function startSuiteServer(): Promise<{ readonly mcp: string; close(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'gatehouse-conformance-'))
  const config = loadConfig({
    PORT: String(await freePort()),
    DATA_DIR: dataDir,
    TOOLS_DIR: FIXTURE,
    RATE_LIMIT: 'off',
    ...DIRECT_LANE,
    SESSION_SECRET: randomBytes(32).toString('hex'),
  })
  const gatehouse = await createGatehouse(config, { log: createLog('error') })
  await gatehouse.listen()
  const { publicUrl } = config
  const proxy = await startProxy(publicUrl, await mintDevToken({ dataDir, publicUrl, email: 'alice@acme.test' }))
  return {
    mcp: `${proxy.url}/mcp`,
    async close() {
      await proxy.close()
      await gatehouse.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
