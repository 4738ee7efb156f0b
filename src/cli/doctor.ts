import type { Define } from './commands.ts'
import { examine, type Finding } from './examination.ts'
import { configOf } from './session.ts'
import { columns, plain } from './table.ts'
import { answer, EXIT } from './terminal.ts'

const WORD: Readonly<Record<Finding['status'], string>> = { ok: 'ok', warning: 'warn', failed: 'FAIL' }

/** `doctor`: exit 1 when something failed; warnings fail nothing. A configuration that cannot be used is exit 78, as for every command. */
export const define: Define = (command, { terminal, end }) => {
  command.option('--json', 'print one JSON document').action(async ({ json }: { json?: boolean }) => {
    const config = configOf(terminal)
    const findings = await examine(config, terminal)
    const ok = findings.every(({ status }) => status !== 'failed')
    answer(terminal, json, { ok, findings }, () =>
      columns(findings.map(({ check, status, detail }) => [WORD[status], check, plain(detail)])),
    )
    if (!ok) end(EXIT.failed)
  })
}
