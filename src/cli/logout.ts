import { logout } from '#bridge/logout.ts'
import { printable } from '#bridge/printable.ts'
import { shown, targetOf } from '#bridge/target.ts'
import { bridgeAction } from './bridge-action.ts'
import type { Define } from './commands.ts'
import { answer, tell } from './terminal.ts'

/** `logout <url>`: forgets every login of this server on this machine. */
export const define: Define = (command, context) => {
  const { terminal } = context
  command
    .argument('<url>', 'the MCP server')
    .option('--json', 'print one JSON document')
    .action(async (address: string, { json }: { json?: boolean }) => {
      await bridgeAction(context, async ({ store }) => {
        const url = targetOf(address)
        const done = await logout(url, store)
        for (const { login, revoked } of done)
          if (revoked === false)
            tell(
              terminal,
              `notice: ${printable(login.issuer)} could not be asked to end the tokens; they end by themselves`,
            )
        const shownAs = done.map(({ login, revoked }) => ({ resource: login.resource, issuer: login.issuer, revoked }))
        if (json === true) answer(terminal, true, shownAs, () => '')
        else
          tell(terminal, done.length === 0 ? `Nobody was signed in at ${shown(url)}.` : `Signed out at ${shown(url)}.`)
      })
    })
}
