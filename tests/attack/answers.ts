import { expect } from 'vitest'
import { REFUSALS, type RefusalCode } from '#base/refusal.ts'
import type { Answer } from './wire.ts'
import type { World } from './world.ts'

/**
 * What an attack is answered, precisely (security.md section 3, DESIGN section 5). A0: nothing was presented. A1: judged and bad. A2: the
 * header is malformed. A3: a scope is lacking. A4: cannot be judged now. 431, 400, 404, 405, 410, 413: of the HTTP layer, with no challenge. foreign: Host or Origin is not ours.
 * denied: known, and of no tenant. limited: too many. served: the tool ran.
 * page: what everybody may see.
 */
export type Expected =
  | 'A0'
  | 'A1'
  | 'A2'
  | 'A3'
  | 'A4'
  | 'denied'
  | 'served'
  | 'foreign'
  | 'limited'
  | 'page'
  | 204
  | 400
  | 404
  | 405
  | 410
  | 413
  | 431

/** One attack. */
export interface Row {
  /** Its row in security.md. */
  readonly id: string
  readonly what: string
  readonly send: (world: World) => Promise<Answer>
  readonly answer: Expected
  /** How many requests it makes reach a provider; `atMost` where it depends on the moment. None, unless a row says so. */
  readonly outbound?: number | { readonly atMost: number }
  /** What else must hold. */
  readonly also?: (answer: Answer, world: World) => void | Promise<void>
}

/** A row that only presents a token. */
export const presented = (
  id: string,
  what: string,
  answer: Expected,
  token: (world: World) => string | Promise<string>,
  more: Pick<Row, 'outbound' | 'also'> = {},
): Row => ({ id, what, answer, send: async (world) => await world.call(await token(world)), ...more })

/** For `also`: the answer says so. */
export const says =
  (part: string): NonNullable<Row['also']> =>
  ({ text }) =>
    expect(text).toContain(part)

const bodyOf = (code: RefusalCode): object => ({
  error: REFUSALS[code].error ?? 'unauthorized',
  error_description: REFUSALS[code].description,
})

export const metadataOf = (world: World, path = '/mcp'): string =>
  `${world.server.url}/.well-known/oauth-protected-resource${path}`

const challenge = (code: RefusalCode, world: World): string =>
  `Bearer error="${REFUSALS[code].error}", error_description="${REFUSALS[code].description}", resource_metadata="${metadataOf(world)}"`

/** Status, challenge and body, each to the letter. */
export function expectAnswer(expected: Expected, { status, headers, text }: Answer, world: World): void {
  const authenticate = headers.get('www-authenticate')
  const refused = (code: RefusalCode, header: string | null): void => {
    expect({ status, authenticate, body: told(parsed(text), headers) }).toEqual({
      status: REFUSALS[code].status,
      authenticate: header,
      body: bodyOf(code),
    })
    expect(headers.get('cache-control')).toBe('no-store')
  }
  switch (expected) {
    case 'A0':
      refused('token_missing', `Bearer resource_metadata="${metadataOf(world)}", scope="openid email profile"`)
      break
    case 'A1':
      refused('token_expired', challenge('token_expired', world))
      break
    case 'A2':
      refused('header_malformed', challenge('header_malformed', world))
      break
    case 'A3':
      expect([status, headers.get('cache-control')]).toEqual([403, 'no-store'])
      expect(parsed(text)).toEqual(bodyOf('scope_insufficient'))
      expect(authenticate).toMatch(/^Bearer error="insufficient_scope", .*scope="[^"]+", resource_metadata="[^"]+"$/)
      break
    case 'A4':
      refused('provider_unavailable', null)
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      break
    case 'denied':
      refused('tenant_unknown', null)
      break
    case 'foreign':
      expect([status, authenticate, parsed(text)]).toEqual([
        403,
        null,
        { error: 'forbidden', error_description: expect.any(String) },
      ])
      break
    case 'limited':
      refused('rate_limited', null)
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      break
    case 'served':
      expect(`${status} ${text}`).toContain('200 ')
      expect(text).toContain('"structuredContent"')
      break
    case 'page':
      expect([status, authenticate]).toEqual([200, null])
      expect(text).not.toContain('structuredContent')
      break
    case 204:
      expect([status, authenticate, text]).toEqual([204, null, ''])
      break
    case 400:
    case 404:
    case 405:
    case 410:
    case 413:
    case 431:
      expect([status, authenticate]).toEqual([expected, null])
      expect(text).not.toContain('structuredContent')
  }
}

/** The API says the same as problem details (RFC 9457). */
function told(body: unknown, headers: Headers): unknown {
  if (headers.get('content-type')?.startsWith('application/problem+json') !== true) return body
  const { code, detail } = body as Record<string, unknown>
  return { error: code, error_description: detail }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
