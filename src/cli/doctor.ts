import { InvalidArgumentError } from 'commander'
import { clientList, clientText } from './client-list.ts'
import type { Define } from './commands.ts'
import { examine } from './examination.ts'
import type { Finding } from './finding.ts'
import { endpointOf, probe } from './probe.ts'
import { configOf } from './session.ts'
import { columns, plain } from './table.ts'
import { answer, EXIT } from './terminal.ts'

const WORD: Readonly<Record<Finding['status'], string>> = { ok: 'ok', warning: 'warn', failed: 'FAIL' }

/**
 * `doctor`: this configuration from inside, or with --url any deployment from outside, then what becomes of each known client. Exit 1
 * when something failed; warnings fail nothing. A configuration that cannot be used is exit 78, as for every command; --url needs none.
 */
export const define: Define = (command, { terminal, end }) => {
  command
    .option('--url <url>', 'look at a deployment from outside, without its configuration', endpoint)
    .option('--json', 'print one JSON document')
    .action(async ({ url, json }: { url?: string; json?: boolean }) => {
      const seen = url === undefined ? await examine(configOf(terminal), terminal) : await probe(url)
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

function endpoint(text: string): string {
  const url = endpointOf(text)
  if (url === null)
    throw new InvalidArgumentError('Write the address as people paste it: https://HOST/mcp, or http on this machine.')
  return url
}
