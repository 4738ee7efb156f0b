import { loadConfig } from '#base/config-load.ts'
import { createGuardedFetch, type GuardedFetch, type GuardOptions } from '#base/fetch.ts'
import { createLog } from '#base/log.ts'
import type { TenantUpstream } from '#base/upstream.ts'
import type { Upstream, UpstreamCall, UpstreamObservation } from '#upstream/client.ts'
import { UpstreamError } from '#upstream/error.ts'
import { createUpstreams, type Upstreams } from '#upstream/upstreams.ts'

export interface Bench {
  /** A client as a tool would have it. */
  at(more?: Partial<UpstreamCall> & { readonly name?: string }): Upstream
  /** Moves the clock on, in milliseconds. */
  pass(milliseconds: number): void
  /** How long was waited between tries; nothing really waits. */
  readonly pauses: number[]
  readonly observed: UpstreamObservation[]
  /** Log lines, as text. */
  readonly lines: string[]
  readonly fetch: GuardedFetch
  readonly upstreams: Upstreams
  close(): Promise<void>
}

/** The upstreams of an environment, as the server makes them, with a clock that is moved by hand. */
export function bench(
  env: Readonly<Record<string, string>>,
  {
    own = {},
    guard = {},
  }: {
    /** By `tenant upstream`. */
    readonly own?: Readonly<Record<string, TenantUpstream>>
    readonly guard?: Partial<GuardOptions>
  } = {},
): Bench {
  const start = Date.now()
  let passed = 0
  const clock = { now: () => start + passed }
  const pauses: number[] = []
  const observed: UpstreamObservation[] = []
  const lines: string[] = []
  const fetch = createGuardedFetch({ allowPrivate: true, ...guard })
  const upstreams = createUpstreams({
    configs: loadConfig(env).upstreams,
    fetch,
    clock,
    log: createLog('trace', { write: (line) => void lines.push(line) }),
    own: async (tenant, upstream) => own[`${tenant} ${upstream}`] ?? null,
    pause: async (milliseconds, signal) => {
      signal.throwIfAborted()
      pauses.push(milliseconds)
      passed += milliseconds
    },
    observed: (one) => void observed.push(one),
  })
  return {
    at: ({ name = 'default', ...more } = {}) =>
      upstreams.bind({
        tenant: 'acme',
        requestId: 'request-1',
        signal: new AbortController().signal,
        access: 'write',
        deadline: clock.now() + 15_000,
        ...more,
      })(name),
    pass: (milliseconds) => void (passed += milliseconds),
    pauses,
    observed,
    lines,
    fetch,
    upstreams,
    close: async () => await fetch.close(),
  }
}

/** The error's code, or what came instead. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await errorOf(work)
  return error instanceof UpstreamError ? error.code : `no UpstreamError: ${String(error)}`
}

export async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    (value) => `an answer: ${JSON.stringify(value)}`,
    (error: unknown) => error,
  )
}
