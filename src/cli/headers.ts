import { targetOf } from '#bridge/target.ts'
import { freshToken } from './access-token.ts'
import { bridgeAction } from './bridge-action.ts'
import type { Define } from './commands.ts'

/** `headers <url>`: the headers of a request as one JSON object, as Claude Code's headersHelper wants them. */
export const define: Define = (command, context) => {
  command
    .argument('<url>', 'the MCP server')
    .option('--client-id <id>', 'use the login of this client, when there are several')
    .action(async (address: string, { clientId }: { clientId?: string }) => {
      await bridgeAction(context, async (parts) => {
        const token = await freshToken(parts, targetOf(address), clientId ?? null)
        context.terminal.stdout.write(`${JSON.stringify({ Authorization: `Bearer ${token}` })}\n`)
      })
    })
}
