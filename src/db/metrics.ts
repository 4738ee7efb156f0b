import type pg from 'pg'
import type { Metrics, Reading } from '#base/metrics.ts'
import { DatabaseUnavailable, StatementTimeout, TenantBusy, TenantFenced, type Database } from './database.ts'

/** A pool and whom it serves. `calls`: tool calls and the registry; `admin`: migrations and provisioning. */
export interface WatchedPool {
  readonly placement: string
  readonly use: string
  readonly pool: Pick<pg.Pool, 'totalCount' | 'idleCount' | 'waitingCount' | 'options'>
}

/** Connections of each pool and who waits for one; read at each scrape. Pools of single tenants (TENANT_LOGIN) are not told apart. */
export function watchPools(metrics: Metrics, pools: () => readonly WatchedPool[]): void {
  const labels = { placement: { most: 50 }, use: ['calls', 'admin', 'replica'] } as const
  const each = (value: (pool: WatchedPool['pool']) => number) => (): readonly Reading<'placement' | 'use'>[] =>
    pools().map(({ placement, use, pool }) => [{ placement, use }, value(pool)])
  metrics.gauge(
    {
      name: 'gatehouse_database_connections',
      help: 'Open connections of the pool',
      labels: { ...labels, state: ['idle', 'busy'] },
    },
    () =>
      pools().flatMap(({ placement, use, pool: { totalCount, idleCount } }) => [
        [{ placement, use, state: 'idle' }, idleCount] as const,
        [{ placement, use, state: 'busy' }, totalCount - idleCount] as const,
      ]),
  )
  metrics.gauge(
    { name: 'gatehouse_database_connections_max', help: 'The most connections the pool may open', labels },
    each(({ options }) => options.max),
  )
  metrics.gauge(
    { name: 'gatehouse_database_waiting', help: 'Transactions that wait for a connection of the pool', labels },
    each(({ waitingCount }) => waitingCount),
  )
}

/** Calls that wait for their turn among their tenant's (a tenant has a share of the pool), and those that got none. */
export function watchQueue(metrics: Metrics, queue: { readonly waiting: number; readonly refused: number }): void {
  metrics.gauge(
    { name: 'gatehouse_tenant_queue_waiting', help: "Calls that wait for their turn among their tenant's", labels: {} },
    () => [[{}, queue.waiting]],
  )
  metrics.total(
    { name: 'gatehouse_tenant_queue_refused_total', help: 'Calls that got no turn in time', labels: {} },
    () => [[{}, queue.refused]],
  )
}

/** Is the connection that hears of changes alive (D21), and how often may some have been missed. */
export function watchListener(metrics: Metrics, listener: { readonly live: boolean; readonly gaps: number }): void {
  metrics.gauge(
    { name: 'gatehouse_listener_live', help: '1 while changes made elsewhere are known to arrive', labels: {} },
    () => [[{}, listener.live ? 1 : 0]],
  )
  metrics.total(
    { name: 'gatehouse_listener_gaps_total', help: 'Times that changes may have been missed', labels: {} },
    () => [[{}, listener.gaps]],
  )
}

/** The same door, timed: each transaction of a tenant from its first wait to COMMIT or ROLLBACK. */
export function timed(metrics: Metrics, enter: Database['tenant']): Database['tenant'] {
  const took = metrics.histogram({
    name: 'gatehouse_tenant_transaction_duration_seconds',
    help: "Transactions in tenants' schemas, the wait for a connection included",
    labels: { access: ['read', 'write'], outcome: ['ok', 'failed', 'busy', 'fenced', 'timeout', 'unavailable'] },
  })
  return async (place, options, run) => {
    const started = performance.now()
    let outcome = 'ok'
    try {
      return await enter(place, options, run)
    } catch (error) {
      outcome = outcomeOf(error)
      throw error
    } finally {
      took({ access: options.access, outcome }, (performance.now() - started) / 1000)
    }
  }
}

/** A word for what ended a transaction. */
export function outcomeOf(error: unknown): string {
  if (error instanceof TenantBusy) return 'busy'
  if (error instanceof TenantFenced) return 'fenced'
  if (error instanceof StatementTimeout) return 'timeout'
  return error instanceof DatabaseUnavailable ? 'unavailable' : 'failed'
}
