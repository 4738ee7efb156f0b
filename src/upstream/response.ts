import { UpstreamError } from './error.ts'

/** The answer of an upstream, read whole. Any status but redirects, 401 to our credentials, 429, 502, 503 and 504 is the tool's to judge. */
export interface UpstreamResponse {
  readonly status: number
  /** 200 to 299. */
  readonly ok: boolean
  /** Without cookies. */
  readonly headers: Headers
  bytes(): Uint8Array
  /** As UTF-8. */
  text(): string
  /** What it means is the tool's to check. @throws UpstreamError not_json. */
  json(): unknown
}

export function responseOf(
  upstream: string,
  { status, headers, body }: { readonly status: number; readonly headers: Headers; readonly body: Uint8Array },
): UpstreamResponse {
  const shown = new Headers(headers)
  shown.delete('set-cookie')
  const text = (): string => new TextDecoder().decode(body)
  return {
    status,
    ok: status >= 200 && status < 300,
    headers: shown,
    bytes: () => body,
    text,
    json() {
      try {
        return JSON.parse(text()) as unknown
      } catch {
        throw new UpstreamError('not_json', upstream, { status })
      }
    },
  }
}
