import { z } from 'zod'
import type { Clock } from '#base/clock.ts'
import { uuidv7 } from '#base/id.ts'
import { createSeal } from '#base/seal.ts'
import type { Identity } from '#identity/identity.ts'

const MINUTE = 60_000
/** Milliseconds without a request after which a session is over (D31). */
const IDLE = 8 * 60 * MINUTE
/** Milliseconds from the sign-in after which a session is over, however busy. */
export const ABSOLUTE = 24 * 60 * MINUTE
/** Milliseconds for which a sign-in counts as fresh: what cannot be undone needs one (D31). */
const FRESH = 5 * MINUTE
/** A session is sealed anew when it was not for this long; so idle time is counted to that. */
const RENEW = 5 * MINUTE

/**
 * A person signed in to the console. All of it is sealed in their browser's cookie; what they may do is asked anew at each request.
 * Of the identity only what a membership can rest on (DESIGN section 7): no token of the provider is kept.
 */
export const Session = z.strictObject({
  /** New at every sign-in, so that none can be planted beforehand. */
  id: z.uuid(),
  identity: z.strictObject({
    provider: z.string().max(64),
    iss: z.string().max(2048),
    sub: z.string().max(255),
    scopes: z.array(z.string()).nullable(),
    email: z.string().max(320).nullable(),
    email_verified: z.boolean(),
    email_authority: z.enum(['live', 'once', 'none']),
    name: z.string().max(256).nullable(),
    organization: z.strictObject({ kind: z.enum(['hd', 'org_id', 'tid']), value: z.string().max(256) }).nullable(),
    tenant: z.string().max(64).nullable(),
  }),
  /** Milliseconds since the epoch, as the next. */
  signed_in: z.number().int(),
  /** When the person last proved who they are, at the provider; null: nobody knows, they may just have been recognised there. */
  proved: z.number().int().nullable(),
  seen: z.number().int(),
})
export type Session = z.infer<typeof Session>

export interface SessionsOptions {
  readonly secrets: readonly string[]
  readonly publicUrl: string
  readonly clock: Clock
}

export interface Sessions {
  /** @param asked when the provider was told to ask the person anew, whoever they are; null: it was not. Milliseconds. */
  begin(identity: Identity, asked: number | null): Session
  seal(session: Session): string
  /** null for every cause alike: not ours, changed, idle for 8 hours, older than 24. Whether it was signed out is not looked at. */
  open(text: string): Session | null
  /** The session as seen now, when that is due to be sealed anew; else null. */
  renewed(session: Session): Session | null
  fresh(session: Session): boolean
}

export function createSessions({ secrets, publicUrl, clock }: SessionsOptions): Sessions {
  const sealed = createSeal({
    purpose: 'session',
    issuer: publicUrl,
    schema: Session,
    life: IDLE / 1000,
    secrets,
    clock,
  })
  return {
    begin(identity, asked) {
      const now = clock.now()
      const { provider, iss, sub, email, email_verified, email_authority, name, organization, tenant } = identity
      const kept = { provider, iss, sub, email, email_verified, email_authority, name, organization, tenant }
      const scopes = identity.scopes === null ? null : [...identity.scopes]
      const proved = provedAt(identity, asked, now)
      return Session.parse({ id: uuidv7(now), identity: { ...kept, scopes }, signed_in: now, proved, seen: now })
    },
    seal: (session) => sealed.seal(session),
    open(text) {
      const session = sealed.open(text)
      const now = clock.now()
      // The seal's own life is the idle time, and begins again with each renewal; this does not.
      if (session === null || now >= session.signed_in + ABSOLUTE || now >= session.seen + IDLE) return null
      return session
    },
    renewed(session) {
      const now = clock.now()
      return now >= session.seen + RENEW ? { ...session, seen: now } : null
    },
    fresh: ({ proved }) => proved !== null && clock.now() < proved + FRESH,
  }
}

/**
 * `auth_time` when the provider states it (OIDC Core section 2). Otherwise a sign-in proves something only if the provider was told to ask:
 * else it may have recognised a browser that somebody left open.
 */
function provedAt({ claims }: Identity, asked: number | null, now: number): number | null {
  const stated = claims['auth_time']
  if (typeof stated === 'number' && Number.isFinite(stated)) return Math.min(Math.floor(stated * 1000), now)
  return asked === null ? null : now
}

/**
 * The person of a session as the tenancy wants to know them. `iat` is the sign-in, to the millisecond, so that who signs in right after
 * `member revoke-tokens`, which ends sessions too (D22), is in (RFC 7519 section 2 allows fractions).
 */
export const sessionIdentity = ({ identity, signed_in }: Session): Identity => ({
  ...identity,
  client_id: null,
  exp: null,
  iat: signed_in / 1000,
  picture: null,
  key: null,
  claims: {},
})
