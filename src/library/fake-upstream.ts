import { methodOf } from '#upstream/client.ts'
import { UpstreamError } from '#upstream/error.ts'
import { responseOf } from '#upstream/response.ts'
import { targetOf } from '#upstream/target.ts'
import type { Upstreams } from '#upstream/upstreams.ts'

/** A request of a tool, as the API would get it. */
export interface FakeRequest {
  readonly method: string
  /** Under the base URL, encoded: `/contacts/7`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly json: unknown
  readonly headers: Readonly<Record<string, string>>
  /** The slug of the tenant whose credentials would be used. */
  readonly tenant: string
}

export interface FakeAnswer {
  /** Default 200. */
  readonly status?: number
  readonly json?: unknown
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Answers for an API. `null`: the API cannot be reached. */
export type FakeUpstream = (request: FakeRequest) => FakeAnswer | null | Promise<FakeAnswer | null>

const BASE = 'https://upstream.test'

/**
 * `context.upstream` without a network. Paths, and methods that the tool's `access` does not allow, are judged as the real one judges them;
 * credentials, retries, time limits and sizes are not there. @param slugOf a tenant's slug by its id
 */
export const fakeUpstreams = (
  apis: Readonly<Record<string, FakeUpstream>>,
  slugOf: (tenant: string) => string,
): Upstreams => ({
  bind:
    ({ tenant, access, changing }) =>
    (name = 'default') => {
      const api = Object.hasOwn(apis, name) ? apis[name] : undefined
      if (api === undefined) throw new Error(`the kit has no upstream ${name}: name it in openKit({ upstreams })`)
      return {
        name,
        async request(path, request = {}) {
          const method = methodOf(request, access)
          const { query, headers = {}, json } = request
          const { pathname, searchParams } = targetOf(name, BASE, path, query)
          if (!['GET', 'HEAD'].includes(method)) changing?.()
          const asked = {
            method,
            path: pathname,
            query: searchParams,
            json: json ?? null,
            headers,
            tenant: slugOf(tenant),
          }
          const answer = await api(asked)
          if (answer === null) throw new UpstreamError('unavailable', name)
          const { status = 200, text = answer.json === undefined ? '' : JSON.stringify(answer.json) } = answer
          return responseOf(name, { status, headers: new Headers(answer.headers ?? {}), body: Buffer.from(text) })
        },
      }
    },
})
