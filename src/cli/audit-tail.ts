import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { Command } from 'commander'
import { systemClock } from '#base/clock.ts'
import { tailAudit, type TailedRow, type TailedTenant } from '#tenancy/audit-tail.ts'
import { securityEvent } from '#tenancy/security-event.ts'
import type { CommandContext } from './commands.ts'
import { duration } from './parse.ts'
import { withRegistry } from './session.ts'
import { plain } from './table.ts'
import { json, tell } from './terminal.ts'

/** `audit tail`: until SIGINT or SIGTERM, or until nobody reads it any more, and then exit code 0. */
export function defineTail(command: Command, { terminal }: CommandContext): void {
  command
    .command('tail [slug]')
    .description(
      'follow what happens, the oldest first, until interrupted: of one tenant; without one administrative changes and refusals',
    )
    .option('--since <duration>', 'begin so far back: 15m, 24h; without it only what is new', duration)
    .option('--all', "without a tenant: the calls in all tenants' own audits too")
    .option('--json', 'one JSON document per line, in the fields of ECS')
    .action(async (slug: string | undefined, options: { since?: number; all?: true; json?: true }, tail: Command) => {
      if (slug !== undefined && options.all === true) tail.error('error: give a tenant or --all', { exitCode: 2 })
      await withRegistry(terminal, async ({ database, registry, actor }) => {
        const tenant = slug === undefined ? null : await registry.tenants.get(actor, slug)
        const stop = AbortSignal.any([terminal.stop ?? interrupted(), unread(terminal.stdout)])
        const all = async (): Promise<readonly TailedTenant[]> =>
          (await registry.tenants.list(actor)).filter(({ status }) => status === 'active')
        tell(terminal, 'Following. Ctrl-C ends it.')
        const rows = tailAudit({
          database,
          clock: systemClock,
          actor,
          tenants: tenant !== null ? async () => [tenant] : options.all === true ? all : async () => [],
          only: tenant?.id ?? null,
          since: Date.now() - (options.since ?? 0),
          signal: stop,
          onAway: () => tell(terminal, 'The database cannot be reached: tried again every second.'),
        })
        for await (const row of rows) {
          if (stop.aborted) break
          const line = `${options.json === true ? json(toEvent(row)) : toLine(row)}\n`
          // Whoever reads more slowly than things happen is waited for, or what happens would pile up in memory.
          if (!terminal.stdout.write(line)) await once(terminal.stdout, 'drain', { signal: stop }).catch(() => {})
        }
      })
    })
}

/** Aborted when nobody reads any more: `audit tail | head`. */
function unread(stdout: Writable): AbortSignal {
  const gone = new AbortController()
  stdout.on('error', () => gone.abort())
  return gone.signal
}

function interrupted(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  return stop.signal
}

/** ECS: `@timestamp` is when it happened; `event.id` and `gatehouse.mac` lead back to the row. */
function toEvent(row: TailedRow): object {
  const { event, gatehouse, ...more } = securityEvent(row, { whole: true })
  return {
    '@timestamp': new Date(row.at).toISOString(),
    event: { ...event, id: row.id, ...(row.latency_ms === null ? {} : { duration: row.latency_ms * 1_000_000 }) },
    ...more,
    ...(row.tenant === null ? {} : { organization: { id: row.tenant.id, name: row.tenant.slug } }),
    gatehouse: { ...gatehouse, mac: row.mac },
  }
}

const toLine = (row: TailedRow): string =>
  [
    new Date(row.at).toISOString(),
    row.tenant?.slug ?? row.tenant_id ?? '-',
    row.key_id === null ? plain(row.sub) : `key ${row.key_id}`,
    plain(row.action),
    plain(row.target),
    row.outcome,
    plain(row.ip),
    plain(row.request_id),
  ].join('  ')
