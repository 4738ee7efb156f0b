import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { seconds, type Clock } from '#base/clock.ts'
import { createSeal } from '#base/seal.ts'
import { AuthorizationRequest } from './flow.ts'

/** Seconds a consent page may stay open. */
const PAGE_LIFE = 600
/** Seconds an approval is remembered in the browser that gave it (D27). */
export const CONSENT_LIFE = 30 * 86_400
/** Approvals one browser remembers; the oldest go first, so that the cookie stays small. */
const MOST = 12

/** One approval: of what (a digest), with which provider, until when (seconds since the epoch). */
const Approval = z.tuple([z.string().length(22), z.string().max(64), z.number().int()])
type Approval = z.infer<typeof Approval>

export interface Consents {
  /** What the form carries: the checked request, of no use without this browser's CSRF cookie. */
  form(request: AuthorizationRequest, csrf: string): string
  /** null: not ours, too old, changed, or of another browser. */
  open(form: string, csrf: string): AuthorizationRequest | null
  /** The cookie of approvals with one more; an approval of the same request with another provider is replaced. */
  remember(cookie: string | undefined, request: AuthorizationRequest, provider: string): string
  /** With which provider exactly this client, redirect and resource were approved in this browser, or null. */
  recall(cookie: string | undefined, request: AuthorizationRequest): string | null
}

/** A new value for the CSRF cookie. */
export const newCsrf = (): string => randomBytes(32).toString('base64url')

export const isCsrf = (text: string | undefined): text is string => text !== undefined && /^[\w-]{43}$/.test(text)

/** What passes through the person's browser between page and approval, and after it (D25, D27). Stores nothing. */
export function createConsents(options: {
  /** SESSION_SECRET: the first seals, all open. */
  readonly secrets: readonly string[]
  /** PUBLIC_URL. */
  readonly issuer: string
  readonly clock: Clock
}): Consents {
  const form = createSeal({ ...options, purpose: 'consent', schema: AuthorizationRequest, life: PAGE_LIFE })
  const memory = createSeal({
    ...options,
    purpose: 'remembered-consent',
    schema: z.array(Approval).max(MOST),
    life: CONSENT_LIFE,
  })
  const now = (): number => seconds(options.clock)
  const held = (cookie: string | undefined): Approval[] =>
    (memory.open(cookie ?? '') ?? []).filter(([, , until]) => until > now())
  return {
    form: (request, csrf) => form.seal(request, csrf),
    open: (text, csrf) => form.open(text, csrf),
    remember(cookie, request, provider) {
      const what = digestOf(request)
      const others = held(cookie).filter(([other]) => other !== what)
      return memory.seal([[what, provider, now() + CONSENT_LIFE], ...others.slice(0, MOST - 1)] satisfies Approval[])
    },
    recall: (cookie, request) => held(cookie).find(([what]) => what === digestOf(request))?.[1] ?? null,
  }
}

const digestOf = ({ client_id, redirect_uri, resource }: AuthorizationRequest): string =>
  createHash('sha256')
    .update(JSON.stringify([client_id, redirect_uri, resource]))
    .digest('base64url')
    .slice(0, 22)
