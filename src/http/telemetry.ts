import type { Clock } from '#base/clock.ts'
import type { Metrics } from '#base/metrics.ts'
import { version } from '#base/package.ts'
import { Refusal } from '#base/refusal.ts'
import type { OpaqueMeter } from '#identity/opaque.ts'
import type { Provider, ProviderState } from '#identity/provider.ts'
import type { TenantVersions } from '#tenancy/tenant-versions.ts'
import type { UsageMeter } from '#tenancy/usage-meter.ts'
import type { Auditor } from '#toolkit/audit.ts'

const PROVIDER = { provider: { most: 100 } } as const

/** What verifiers of opaque tokens remember, and whether their providers are taken for down. */
export function createOpaqueMeter(metrics: Metrics): OpaqueMeter {
  const open = new Map<string, boolean>()
  const looked = metrics.counter({
    name: 'gatehouse_opaque_lookups_total',
    help: 'Opaque tokens looked up among those remembered: good, bad, or miss when the provider has to be asked',
    labels: { ...PROVIDER, found: ['good', 'bad', 'miss'] },
  })
  metrics.gauge(
    {
      name: 'gatehouse_provider_breaker_open',
      help: '1 while a provider that judges opaque tokens is taken for down and is not asked',
      labels: PROVIDER,
    },
    () => [...open].map(([provider, is]) => [{ provider }, is ? 1 : 0] as const),
  )
  return {
    looked(provider, found) {
      if (!open.has(provider)) open.set(provider, false)
      looked({ provider, found })
    },
    breaker: (provider, is) => void open.set(provider, is),
  }
}

/** The same providers, each verification counted with its outcome. Their keys are told of at each scrape. */
export function measured(metrics: Metrics, clock: Clock, providers: readonly Provider[]): readonly Provider[] {
  const took = metrics.histogram({
    name: 'gatehouse_provider_verification_duration_seconds',
    help: 'Tokens judged by a provider, remembered answers included',
    labels: { ...PROVIDER, outcome: ['ok', 'refused', 'unavailable', 'failed'] },
  })
  watchKeys(metrics, clock, providers)
  return providers.map((provider) => ({
    ...provider,
    async verify(token, context) {
      const started = performance.now()
      let outcome = 'ok'
      try {
        return await provider.verify(token, context)
      } catch (error) {
        outcome = error instanceof Refusal ? (error.status === 503 ? 'unavailable' : 'refused') : 'failed'
        throw error
      } finally {
        took({ provider: provider.id, outcome }, (performance.now() - started) / 1000)
      }
    },
  }))
}

function watchKeys(metrics: Metrics, clock: Clock, providers: readonly Provider[]): void {
  const each = (value: (state: ProviderState) => number | null) => () =>
    providers.flatMap((provider) => {
      const state = provider.state?.()
      const number = state === undefined ? null : value(state)
      return number === null ? [] : [[{ provider: provider.id }, number] as const]
    })
  metrics.gauge(
    { name: 'gatehouse_provider_ready', help: "1 while a provider's keys are known and may be used", labels: PROVIDER },
    each(({ ready }) => (ready ? 1 : 0)),
  )
  metrics.gauge(
    {
      name: 'gatehouse_provider_keys_age_seconds',
      help: "Since a provider's keys were last fetched; they serve for an hour",
      labels: PROVIDER,
    },
    each(({ last_success: at }) => (at === null ? null : Math.max(0, (clock.now() - at) / 1000))),
  )
  metrics.gauge(
    {
      name: 'gatehouse_provider_keys_last_success_timestamp_seconds',
      help: "When a provider's keys were last fetched",
      labels: PROVIDER,
    },
    each(({ last_success: at }) => (at === null ? null : at / 1000)),
  )
  metrics.total(
    {
      name: 'gatehouse_provider_keys_fetch_failures_total',
      help: "Fetches of a provider's keys that failed",
      labels: PROVIDER,
    },
    each(({ failed }) => failed ?? 0),
  )
}

export interface WatchedState {
  readonly auditor: Pick<Auditor, 'waiting' | 'lost'>
  readonly usage: Pick<UsageMeter, 'state'>
  /** Was the registry reached, in the version that this program needs? */
  readonly ready: () => boolean
  readonly versions: () => TenantVersions | null
}

/** What waits to be written, what was lost, and where the tenants are. */
export function watchState(metrics: Metrics, { auditor, usage, ready, versions }: WatchedState): void {
  const one = (name: `gatehouse_${string}`, help: string, read: () => number): void =>
    metrics.gauge({ name, help, labels: {} }, () => [[{}, read()]])
  const sum = (name: `gatehouse_${string}`, help: string, read: () => number): void =>
    metrics.total({ name, help, labels: {} }, () => [[{}, read()]])
  metrics.gauge(
    {
      name: 'gatehouse_build_info',
      help: 'Always 1: which version this is, and of Node',
      labels: { version: { most: 1 }, node: { most: 1 } },
    },
    () => [[{ version, node: process.versions.node }, 1]],
  )
  one('gatehouse_registry_open', '1 once the registry was reached in the version that is needed', () =>
    ready() ? 1 : 0,
  )
  one('gatehouse_audit_waiting_rows', 'Audit rows that wait to be written', () => auditor.waiting)
  sum('gatehouse_audit_lost_rows_total', 'Audit rows that were given up', () => auditor.lost)
  one('gatehouse_usage_waiting_rows', 'Rows of usage that wait to be written', () => usage.state.waiting)
  sum('gatehouse_usage_write_failures_total', 'Writes of usage that failed', () => usage.state.failures)
  sum('gatehouse_usage_lost_total', 'Calls that usage does not count, because too much waited', () => usage.state.lost)
  metrics.gauge(
    {
      name: 'gatehouse_tenants',
      help: 'Tenants by the version of their schema: refused ones are more than one behind. Looked up once a minute',
      labels: { version: ['current', 'behind', 'refused'] },
    },
    () => Object.entries(versions() ?? {}).map(([state, count]) => [{ version: state }, count] as const),
  )
}
