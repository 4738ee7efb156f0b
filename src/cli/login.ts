import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { openBrowser } from '#bridge/browser.ts'
import { scopesOf } from '#bridge/json.ts'
import { login, type LoginRequest } from '#bridge/login.ts'
import { printable } from '#bridge/printable.ts'
import type { BridgeSettings } from '#bridge/settings.ts'
import { targetOf } from '#bridge/target.ts'
import { bridgeAction } from './bridge-action.ts'
import type { Define } from './commands.ts'
import { answer, EXIT, tell, type Terminal } from './terminal.ts'

interface Options {
  readonly clientId?: string
  readonly clientSecretFile?: string
  readonly clientMetadataUrl?: string
  readonly scope?: string
  readonly port?: string
  readonly issuer?: string
  readonly device?: boolean
  readonly paste?: boolean
  readonly browser: boolean
  readonly resource: boolean
  readonly register?: boolean
  readonly authorizeParam: readonly string[]
  readonly timeout: string
  readonly json?: boolean
}

/** `login <url>`: a person signs in once, for every local program. */
export const define: Define = (command, context) => {
  const { terminal } = context
  command
    .argument('<url>', 'the MCP server, for example https://mcp.example.com/mcp')
    .option('--device', 'sign in on another device with a code, where the issuer offers it; else as --paste')
    .option('--paste', 'no browser on this machine: bring the address of the last page here')
    .option('--no-browser', 'print the page to open, open nothing')
    .option('--client-id <id>', 'a client registered at the issuer (GATEHOUSE_CLIENT_ID)')
    .option('--client-secret-file <file>', 'its secret (GATEHOUSE_CLIENT_SECRET)')
    .option('--client-metadata-url <url>', 'a client ID metadata document (GATEHOUSE_CLIENT_METADATA_URL)')
    .option('--scope <scopes>', 'ask for these, separated by spaces, instead of what the server names')
    .option('--port <port>', 'where the browser comes back on 127.0.0.1, for issuers that compare it')
    .option('--issuer <url>', 'which authorization server, when the server names several')
    .option('--register', 'register this program anew at the issuer')
    .option('--no-resource', 'for issuers that refuse the resource parameter')
    .option('--authorize-param <name=value>', 'one more for the issuer, as access_type=offline', collect, [])
    .option('--timeout <seconds>', 'how long to wait for the person', '300')
    .option('--json', 'print one JSON document')
    .action(async (address: string, options: Options) => {
      await bridgeAction(context, async ({ settings, store, clock, outgoing }) => {
        const request = await requestOf(command, terminal, settings, address, options)
        const shows = options.browser && settings.screen
        try {
          const made = await login(request, {
            store,
            clock,
            outgoing,
            tell: (line) => tell(terminal, line),
            open: (page) => void (shows && openBrowser(page)),
            input: terminal.stdin,
          })
          const { resource, issuer, client_id, granted, expires_at } = made
          const shown = { resource, issuer, client_id, scopes: granted, expires_at, store: await store.where() }
          tell(
            terminal,
            `Signed in at ${printable(resource)}. Every local program can use it now: gatehouse connect ${address}`,
          )
          if (options.json === true) answer(terminal, true, shown, () => '')
        } finally {
          // Else what a person might still paste keeps the process.
          if (request.way !== 'browser') terminal.stdin.destroy()
        }
      })
    })
}

const collect = (one: string, before: readonly string[]): readonly string[] => [...before, one]

async function requestOf(
  command: Command,
  terminal: Terminal,
  settings: BridgeSettings,
  address: string,
  options: Options,
): Promise<LoginRequest> {
  const usage = (problem: string): never => command.error(`error: ${problem}`, { exitCode: EXIT.usage })
  const port = options.port === undefined ? null : Number(options.port)
  if (port !== null && !(Number.isInteger(port) && port > 0 && port < 65_536)) usage('--port is a number up to 65535')
  const timeout = Number(options.timeout)
  if (!(timeout > 0 && timeout <= 3600)) usage('--timeout is a number of seconds up to 3600')
  const extra: Record<string, string> = {}
  for (const one of options.authorizeParam) {
    const at = one.indexOf('=')
    const name = one.slice(0, Math.max(at, 0))
    if (name === '' || OURS.has(name))
      usage('--authorize-param is name=value, and not one that this program sets itself')
    extra[name] = one.slice(at + 1)
  }
  const { clientSecretFile } = options
  const clientSecret =
    clientSecretFile === undefined
      ? settings.clientSecret
      : (
          await readFile(resolve(terminal.cwd, clientSecretFile), 'utf8').catch(() =>
            usage('the file of the client secret cannot be read'),
          )
        ).trim()
  return {
    url: targetOf(address),
    client: {
      clientId: options.clientId ?? settings.clientId,
      clientSecret,
      clientMetadataUrl: options.clientMetadataUrl ?? settings.clientMetadataUrl,
    },
    scopes: options.scope === undefined ? null : scopesOf(options.scope),
    way: options.device === true ? 'device' : options.paste === true ? 'paste' : 'browser',
    port,
    issuer: options.issuer ?? null,
    resourceIndicator: options.resource,
    registerAnew: options.register === true,
    extra,
    timeout: timeout * 1000,
  }
}

/** What the sign-in itself depends on. */
const OURS: ReadonlySet<string> = new Set(
  'client_id client_secret redirect_uri response_type response_mode state scope resource code_challenge code_challenge_method request request_uri'.split(
    ' ',
  ),
)
