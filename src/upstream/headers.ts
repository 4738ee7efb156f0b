import { HEADER_NAME, HEADER_VALUE, TRANSPORT_HEADERS, type UpstreamAuth } from '#base/upstream.ts'
import { UpstreamError } from './error.ts'

/** Who asks is said by the configuration alone; a tool that could say it could speak for somebody else. */
const OURS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'x-request-id',
  'traceparent',
  'tracestate',
  'baggage',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
])

/** A tool's own headers in lower case. @throws UpstreamError refused: a name that is not its to set, or a value that would begin another header. */
export function ownHeaders(
  upstream: string,
  auth: UpstreamAuth,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const proof = auth.kind === 'header' ? auth.names.map((name) => name.toLowerCase()) : []
  return Object.fromEntries(
    Object.entries(headers).map(([given, value]) => {
      const name = given.toLowerCase()
      const taken = OURS.has(name) || TRANSPORT_HEADERS.has(name) || name.startsWith('proxy-') || proof.includes(name)
      if (taken || !HEADER_NAME.test(name) || !(value === '' || HEADER_VALUE.test(value)))
        throw new UpstreamError('refused', upstream, { detail: 'a header that a tool cannot set' })
      return [name, value]
    }),
  )
}
