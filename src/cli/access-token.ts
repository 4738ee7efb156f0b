import { createCredentials, loginCommand } from '#bridge/credentials.ts'
import { BridgeFailure } from '#bridge/failure.ts'
import type { BridgeParts } from '#bridge/parts.ts'
import { shown, targetOf } from '#bridge/target.ts'
import { bridgeAction } from './bridge-action.ts'
import type { Define } from './commands.ts'

/** `access-token <url>`: the token, fresh, for scripts. */
export const define: Define = (command, context) => {
  command
    .argument('<url>', 'the MCP server')
    .option('--client-id <id>', 'use the login of this client, when there are several')
    .addHelpText(
      'after',
      '\nPipe it on: in arguments others on this machine can see it. `gatehouse headers` prints it as headers.',
    )
    .action(async (address: string, { clientId }: { clientId?: string }) => {
      await bridgeAction(context, async (parts) => {
        context.terminal.stdout.write(`${await freshToken(parts, targetOf(address), clientId ?? null)}\n`)
      })
    })
}

/** @throws BridgeFailure `login_needed` when nobody is signed in. */
export async function freshToken({ store, clock }: BridgeParts, url: URL, clientId: string | null): Promise<string> {
  const token = await createCredentials({ url, store, clock, clientId }).current()
  if (token === null)
    throw new BridgeFailure('login_needed', `nobody is signed in at ${shown(url)}. Run: ${loginCommand(url)}`)
  return token
}
