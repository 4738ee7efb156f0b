import { createTraceState, type SpanContext } from '@opentelemetry/api'

/** W3C Trace Context level 1, section 3.2.2: version 00 exactly. */
const TRACE_PARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/
/** Section 3.3.1.5: what must at least be passed on; more is somebody else's text that we would carry for nothing. */
const LONGEST_STATE = 512

/** Where a caller says that its own span is. Its word on sampling is not kept: `traceFlags` is 0 until somebody of ours decides (D4). */
export type RemoteSpan = SpanContext & { readonly isRemote: true }

/** What a caller sent as `traceparent` and `tracestate`; null: nothing, or nothing that is well-formed. */
export function remoteSpan(traceparent: unknown, tracestate: unknown): RemoteSpan | null {
  const [, traceId = '', spanId = ''] = (typeof traceparent === 'string' ? TRACE_PARENT.exec(traceparent) : null) ?? []
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return null
  const state =
    typeof tracestate === 'string' && tracestate.length <= LONGEST_STATE
      ? { traceState: createTraceState(tracestate) }
      : {}
  return { traceId, spanId, traceFlags: 0, isRemote: true, ...state }
}
