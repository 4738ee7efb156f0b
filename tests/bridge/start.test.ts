import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { SOURCE } from '../support/processes.ts'

/** What the program loads until it has answered `initialize` without a login. */
async function loadedBy(command: string): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-start-'))
  const list = join(folder, 'loaded')
  try {
    const hook = fileURLToPath(new URL('loaded-modules.mjs', import.meta.url))
    const child = spawn(process.execPath, ['--import', hook, ...SOURCE, command, 'http://127.0.0.1:9/mcp'], {
      env: {
        PATH: process.env['PATH'] ?? '',
        LOADED: list,
        GATEHOUSE_CONFIG_DIR: folder,
        GATEHOUSE_TOKEN_STORE: 'file',
      },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    child.stdin.on('error', () => undefined)
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'host', version: '1' } }
    child.stdin.end(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`)
    await once(child, 'close')
    return (await readFile(list, 'utf8')).split('\n')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const HEAVY =
  /\/src\/(?:http|db|identity|tenancy|toolkit|tools|login|console)\/|\/providers\/|node_modules\/(?:pg|fastify|pino|zod|undici|jose|openid-client|oidc-provider|@electric-sql|@modelcontextprotocol)[/-]/

test.each(['connect', 'headers', 'access-token'])(
  '%s loads nothing of the server, and no library it does not need yet',
  async (command) => {
    const loaded = await loadedBy(command)
    expect(loaded.some((url) => url.endsWith('/src/bridge/credentials.ts'))).toBe(true)
    expect(loaded.filter((url) => HEAVY.test(url))).toEqual([])
  },
)
