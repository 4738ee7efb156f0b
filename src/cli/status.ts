import { BridgeFailure } from '#bridge/failure.ts'
import { loginCommand } from '#bridge/credentials.ts'
import type { Login } from '#bridge/login-record.ts'
import { printable } from '#bridge/printable.ts'
import { covers, shown, targetOf } from '#bridge/target.ts'
import { bridgeAction } from './bridge-action.ts'
import type { Define } from './commands.ts'
import { answer } from './terminal.ts'

/** `status [url]`: the logins on this machine. Asks nobody; never prints a token. */
export const define: Define = (command, context) => {
  const { terminal } = context
  command
    .argument('[url]', 'only this MCP server; then the exit code says whether a login is needed')
    .option('--json', 'print one JSON document')
    .action(async (address: string | undefined, { json }: { json?: boolean }) => {
      await bridgeAction(context, async ({ store, clock }) => {
        const url = address === undefined ? null : targetOf(address)
        const logins = (await store.all()).filter(({ resource }) => url === null || covers(resource, url))
        const now = clock.now() / 1000
        const rows = logins.map((login) => ({
          resource: login.resource,
          issuer: login.issuer,
          client_id: login.client_id,
          scopes: login.granted,
          expires_at: login.expires_at === null ? null : new Date(login.expires_at * 1000).toISOString(),
          refreshable: login.refresh_token !== null,
          state: stateOf(login, now),
        }))
        const place = `${await store.where()} (${store.folder})`
        answer(terminal, json, { store: place, logins: rows }, () =>
          [`Kept in: ${place}`, ...rows.map((row) => printable(`${row.resource}  ${row.state}  ${row.issuer}`))].join(
            '\n',
          ),
        )
        if (url !== null && !rows.some(({ state }) => state !== 'login needed'))
          throw new BridgeFailure('login_needed', `nobody is signed in at ${shown(url)}. Run: ${loginCommand(url)}`)
      })
    })
}

function stateOf(login: Login, now: number): 'signed in' | 'to be refreshed' | 'login needed' {
  if (login.ended !== null) return 'login needed'
  if (login.expires_at === null || login.expires_at > now) return 'signed in'
  return login.refresh_token === null ? 'login needed' : 'to be refreshed'
}
