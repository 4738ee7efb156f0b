import { AsyncLocalStorage } from 'node:async_hooks'
import {
  context as globalContext,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Link,
  type Span,
  type Tracer,
} from '@opentelemetry/api'
import type { RemoteSpan } from './trace-parent.ts'

type Attributes = Readonly<Record<string, string | number | boolean>>

interface ScopeOptions {
  /** `server`: a request that came in; `client`: one that goes out, to a database or an upstream. Default `internal`. */
  readonly kind?: 'server' | 'client'
  readonly attributes?: Attributes
  /** Under which of our spans; absent: the one that runs now, or none. */
  readonly parent?: Scope
  /**
   * The caller's span becomes the parent, and `parent` a link. Whether anything is recorded is still up to `parent`: a caller can
   * neither turn recording on nor off (D4). Only with `parent`.
   */
  readonly remote?: RemoteSpan | null
  /** The caller's span is mentioned, no more. */
  readonly link?: RemoteSpan | null
}

/** A span that is open. Never a token, a person's address or an argument in its attributes. */
export interface Scope {
  /** false: what is said here goes nowhere, so spare the work. */
  readonly recording: boolean
  /** Of 32 hex digits; null when nothing is recorded. */
  readonly traceId: string | null
  set(attributes: Attributes): void
  /** @param type for `error.type`: a word of ours or a status, never a message. The first one stays. */
  fail(type: string): void
  /** Once; later calls do nothing. */
  end(): void
  /** What is opened inside without a parent is a child of this. */
  run<T>(work: () => T): T
}

/** Spans, for whoever set up OpenTelemetry. To trace something new: `span`, where it is done. */
export interface Tracing {
  /** false: nobody collects spans. Everything here then costs a call and nothing else. */
  readonly on: boolean
  open(name: string, options?: ScopeOptions): Scope
  /** Opens, runs, ends. What is thrown marks the span failed: `typeOf` names the error (default: its class). */
  span<T>(
    name: string,
    options: ScopeOptions & { readonly typeOf?: (error: unknown) => string },
    work: (scope: Scope) => Promise<T>,
  ): Promise<T>
  /** `traceparent`, and `tracestate` if there is one, of the span that runs now, for a request to an upstream of ours; {}: none. */
  headers(): Readonly<Record<string, string>>
}

export const NO_SCOPE: Scope = {
  recording: false,
  traceId: null,
  set: () => {},
  fail: () => {},
  end: () => {},
  run: (work) => work(),
}

export const NO_TRACING: Tracing = {
  on: false,
  open: () => NO_SCOPE,
  span: async (_name, _options, work) => await work(NO_SCOPE),
  headers: () => ({}),
}

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT } as const

/** Spans of this tracer. Which one runs now is known through asynchronous calls, in this instance alone. */
export function createTracing(tracer: Tracer): Tracing {
  const running = new AsyncLocalStorage<Context>()
  const contexts = new WeakMap<Scope, Context>()
  const now = (): Context => running.getStore() ?? globalContext.active()

  function open(name: string, { kind, attributes = {}, parent, remote = null, link = null }: ScopeOptions = {}): Scope {
    const above = parent === undefined ? now() : (contexts.get(parent) ?? ROOT_CONTEXT)
    const local = trace.getSpanContext(above)
    const links: Link[] = link === null ? [] : [{ context: link }]
    let under = above
    if (remote !== null && local !== undefined) {
      links.push({ context: local })
      under = trace.setSpanContext(above, { ...remote, traceFlags: local.traceFlags })
    }
    const options = { attributes: { ...attributes }, links, ...(kind === undefined ? {} : { kind: KINDS[kind] }) }
    return scopeOf(tracer.startSpan(name, options, under), under)
  }

  function scopeOf(span: Span, under: Context): Scope {
    const inside = trace.setSpan(under, span)
    let failed = false
    let ended = false
    const scope: Scope = {
      recording: span.isRecording(),
      traceId: span.isRecording() ? span.spanContext().traceId : null,
      set: (attributes) => void span.setAttributes({ ...attributes }),
      fail(type) {
        if (failed) return
        failed = true
        span.setAttribute('error.type', type)
        span.setStatus({ code: SpanStatusCode.ERROR })
      },
      end() {
        if (!ended) span.end()
        ended = true
      },
      // Also for packages that know the common context only.
      run: (work) => running.run(inside, () => globalContext.with(inside, work)),
    }
    contexts.set(scope, inside)
    return scope
  }

  return {
    on: true,
    open,
    async span(name, { typeOf = className, ...options }, work) {
      const scope = open(name, options)
      try {
        return await scope.run(async () => await work(scope))
      } catch (error) {
        scope.fail(typeOf(error))
        throw error
      } finally {
        scope.end()
      }
    },
    headers() {
      const { traceId, spanId, traceFlags, traceState } = trace.getSpanContext(now()) ?? INVALID_SPAN_CONTEXT
      if (traceId === INVALID_SPAN_CONTEXT.traceId) return {}
      const flags = (traceFlags & 1).toString().padStart(2, '0')
      const state = traceState?.serialize() ?? ''
      return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(state === '' ? {} : { tracestate: state }) }
    },
  }
}

const className = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')
