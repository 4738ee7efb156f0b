/**
 * What the official suite starts as "the client": an MCP host (the official v2 client) on the stdio of the real bridge, and a person
 * with a browser, who signs in when the bridge says that it needs a login. Everything on the wire is the bridge's.
 * Called as `client-driver.ts <server-url>`; the suite says the rest in the environment.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type Tool } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { BUILT } from '../support/processes.ts'

const url = process.argv.at(-1) ?? ''
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''
const revision = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '2025-11-25'
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as {
  readonly client_id?: string
  readonly client_secret?: string
  readonly toolCalls?: readonly { readonly name: string; readonly arguments?: Record<string, unknown> }[]
}

/** Sign-ins that a person is ready for. */
const PATIENCE = 6
const LOGIN_NEEDED = -32010
/** `login_needed`, `unavailable`, `refused`, and a login that failed. */
const isOfBridge = (error: unknown): boolean =>
  !(error instanceof Error && 'code' in error) || [LOGIN_NEEDED, -32011, -32012].includes(Number(error.code))

const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bridge-'))
const env: Record<string, string> = {
  PATH: process.env['PATH'] ?? '',
  GATEHOUSE_CONFIG_DIR: folder,
  GATEHOUSE_TOKEN_STORE: 'file',
  ...(context.client_id === undefined ? {} : { GATEHOUSE_CLIENT_ID: context.client_id }),
  ...(context.client_secret === undefined ? {} : { GATEHOUSE_CLIENT_SECRET: context.client_secret }),
  ...(scenario === 'auth/basic-cimd'
    ? { GATEHOUSE_CLIENT_METADATA_URL: 'https://conformance-test.local/client-metadata.json' }
    : {}),
}

let logins = 0
/** `gatehouse login`, and a browser that follows every redirect. Throws when the login failed. */
async function signIn(): Promise<void> {
  logins += 1
  if (logins > PATIENCE) throw new Error('too many sign-ins')
  const child = spawn(process.execPath, [...BUILT, 'login', url, '--no-browser', '--timeout', '20'], {
    env,
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let said = ''
  let opened = false
  child.stderr.on('data', (piece: Buffer) => {
    said += piece.toString()
    const page = /^ {2}(http\S+)$/m.exec(said)?.[1]
    if (page !== undefined && !opened) {
      opened = true
      void fetch(page).catch(() => undefined)
    }
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  process.stderr.write(said)
  if (code !== 0) throw new Error(`login ended with ${String(code)}`)
}

async function signedIn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== LOGIN_NEEDED) throw error
      await signIn()
    }
  }
}

const client = new Client(
  { name: 'conformance-host', version: '1' },
  {
    capabilities: { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} },
    versionNegotiation: { mode: revision === '2026-07-28' ? { pin: revision } : 'legacy' },
  },
)
client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: {} }))
client.setRequestHandler('sampling/createMessage', () => ({
  model: 'none',
  role: 'assistant',
  content: { type: 'text', text: 'yes' },
}))
client.setRequestHandler('roots/list', () => ({ roots: [] }))

const transport = new StdioClientTransport({
  command: process.execPath,
  args: [...BUILT, 'connect', url],
  env,
  stderr: 'inherit',
})
try {
  await client.connect(transport)
  const { tools } = await signedIn(async () => await client.listTools())
  const calls = context.toolCalls ?? tools.map((tool) => ({ name: tool.name, arguments: argumentsFor(tool, tools) }))
  for (const call of calls) {
    try {
      await signedIn(async () => await client.callTool({ name: call.name, arguments: call.arguments ?? {} }))
    } catch (error) {
      // What a server answered is an answer; what the bridge said in its place is none.
      if (isOfBridge(error)) throw error
      console.error(call.name, String(error))
    }
  }
} finally {
  await client.close()
  await rm(folder, { recursive: true, force: true })
}

/** `json_schema_echo` wants to see what became of another tool's schema on the way here. */
function argumentsFor(tool: Tool, all: readonly Tool[]): Record<string, unknown> {
  const focal = all.find(({ name }) => name === 'json_schema_2020_12_tool')
  return tool.name === 'json_schema_echo' ? { schema: focal?.inputSchema } : example(tool.inputSchema)
}

/** Arguments that fit a schema. */
function example(schema: unknown): Record<string, unknown> {
  const { properties = {} } = schema as { readonly properties?: Record<string, { readonly type?: string }> }
  const of = { string: 'text', number: 1, integer: 1, boolean: true, array: [], object: {} } as Record<string, unknown>
  return Object.fromEntries(Object.entries(properties).map(([name, { type = 'string' }]) => [name, of[type] ?? null]))
}
