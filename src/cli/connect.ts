import { connect } from '#bridge/connect.ts'
import { createCredentials } from '#bridge/credentials.ts'
import { createHost } from '#bridge/host.ts'
import { printable } from '#bridge/printable.ts'
import { targetOf } from '#bridge/target.ts'
import { createUpstream } from '#bridge/upstream.ts'
import { bridgeAction } from './bridge-action.ts'
import type { Define } from './commands.ts'
import { tell } from './terminal.ts'

/** `connect <url>`: an MCP server on stdin and stdout in front of one over HTTP. Lives until its input ends. */
export const define: Define = (command, context) => {
  const { terminal } = context
  command
    .argument('<url>', 'the MCP server, for example https://mcp.example.com/mcp')
    .option('--client-id <id>', 'use the login of this client, when there are several')
    .addHelpText(
      'after',
      '\nIt opens no browser: run `gatehouse login <url>` once; every local program shares that login.',
    )
    .action(async (address: string, { clientId }: { clientId?: string }) => {
      await bridgeAction(context, async ({ store, clock, outgoing }) => {
        const url = targetOf(address)
        // Who no longer listens has gone.
        terminal.stdout.on('error', () => terminal.stdin.destroy())
        const credentials = createCredentials({ url, store, clock, clientId: clientId ?? null })
        const upstream = createUpstream({ url, outgoing, credentials })
        const host = createHost(terminal.stdin, terminal.stdout)
        await connect({ host, upstream, folder: store.folder, tell: (line) => tell(terminal, printable(line)) })
      })
    })
}
