import { InvalidArgumentError } from 'commander'
import { systemClock } from '#base/clock.ts'
import { ConfigError } from '#base/config.ts'
import { loadMetricsToken } from '#base/config-load.ts'
import { clientList, clientText } from './client-list.ts'
import type { Define } from './commands.ts'
import { examine } from './examination.ts'
import type { Finding } from './finding.ts'
import { count } from './parse.ts'
import { endpointOf, probe } from './probe.ts'
import { configOf } from './session.ts'
import { columns, plain } from './table.ts'
import { answer, EXIT, type Terminal } from './terminal.ts'

interface Asked {
  readonly url?: string
  readonly tenant?: readonly string[]
  readonly replicas: number
  readonly asOperator?: boolean
  readonly json?: boolean
}

const WORD: Readonly<Record<Finding['status'], string>> = { ok: 'ok', warning: 'warn', failed: 'FAIL' }

/**
 * `doctor`: this configuration from inside, or with --url any deployment from outside, then what becomes of each known client. Exit 1
 * when something failed; warnings fail nothing. A configuration that cannot be used is exit 78, as for every command; --url needs none.
 */
export const define: Define = (command, { terminal, end }) => {
  command
    .option('--url <url>', 'look at a deployment from outside, without its configuration', endpoint)
    .option('--tenant <slug...>', 'compare only these tenants with the migrations')
    .option('--replicas <count>', 'processes that share the database, for its connections', count, 1)
    .option(
      '--as-operator',
      'with --url: show METRICS_TOKEN of this environment to it, to be told which address it saw',
    )
    .option('--json', 'print one JSON document')
    .action(async ({ url, tenant, replicas, asOperator = false, json }: Asked) => {
      const seen =
        url === undefined
          ? await examine(configOf(terminal), terminal, { tenants: tenant ?? null, replicas })
          : await probe(url, { clock: systemClock, metricsToken: asOperator ? tokenOf(terminal) : null })
      const { findings } = seen
      const ok = findings.every(({ status }) => status !== 'failed')
      const clients = seen.reached ? clientList(seen) : []
      answer(terminal, json, { ok, url: seen.url, findings, clients }, () =>
        [
          columns(findings.map(({ check, status, detail }) => [WORD[status], plain(check), plain(detail)])),
          ...(seen.reached ? ['', clientText(seen.url, clients)] : []),
        ].join('\n'),
      )
      if (!ok) end(EXIT.failed)
    })
}

/** Asked for by name, so that it is never shown to a server that somebody only wanted to look at. */
function tokenOf({ env, cwd }: Terminal): string {
  const token = loadMetricsToken(env, { cwd })
  if (token === null) throw new ConfigError(['METRICS_TOKEN: needed by --as-operator'])
  return token
}

function endpoint(text: string): string {
  const url = endpointOf(text)
  if (url === null)
    throw new InvalidArgumentError('Write the address as people paste it: https://HOST/mcp, or http on this machine.')
  return url
}
