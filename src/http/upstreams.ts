import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Log } from '#base/log.ts'
import type { Metrics } from '#base/metrics.ts'
import type { Tracing } from '#base/tracing.ts'
import { createUpstreams, type Upstreams, type UpstreamsOptions } from '#upstream/upstreams.ts'

export interface MeasuredUpstreamsOptions extends Pick<UpstreamsOptions, 'own'> {
  readonly config: Pick<Config, 'upstreams'>
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly tracing: Tracing
}

/** The APIs that tools may call, counted, and told of the trace they are part of. */
export function measuredUpstreams({ config, metrics, tracing, ...parts }: MeasuredUpstreamsOptions): Upstreams {
  const seconds = metrics.histogram({
    name: 'gatehouse_upstream_request_duration_seconds',
    help: 'Requests of tools to upstreams, with signing in and retries, by outcome: a status or why there was none',
    labels: { upstream: { most: 100 }, outcome: { most: 60 } },
  })
  const tries = metrics.counter({
    name: 'gatehouse_upstream_tries_total',
    help: 'Requests that were sent to upstreams, retries counted each',
    labels: { upstream: { most: 100 } },
  })
  return createUpstreams({
    ...parts,
    configs: config.upstreams,
    trace: () => tracing.headers(),
    observed({ upstream, outcome, milliseconds, tries: sent }) {
      seconds({ upstream, outcome }, milliseconds / 1000)
      if (sent > 0) tries({ upstream }, sent)
    },
  })
}
