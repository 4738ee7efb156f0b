import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { html } from '#base/html.ts'
import { createSeal } from '#base/seal.ts'
import { LOOK_LIFE, type Look } from '#tenancy/see-as.ts'
import type { OperatorActor } from '#tenancy/registry.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import { isSlug } from '#tenancy/slug.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { ConsoleSession } from './console-session.ts'
import { cookieOptions } from './cookie.ts'
import type { ConsoleDeps, ConsoleHost } from './deps.ts'
import { formToken, type Strip } from './frame.ts'
import { sessionDigest } from './session-digest.ts'
import { utc } from './parts.ts'

const SeenAs = z.strictObject({ reason: z.string(), until: z.number().int() })
/** Milliseconds after its end for which a look is still known, so that the end is noted. */
const KNOWN = 24 * 60 * 60_000

export const STOP_URL = '/console/operator/see-as/stop'

/** An operator's look at one tenant (D37), kept in a cookie of its own: sealed, and worth nothing in another session or for another tenant. */
export interface SeeAsCookies {
  /** Begins one; it replaces another. */
  begin(reply: FastifyReply, session: ConsoleSession, slug: string, look: Look): void
  /** What this browser looks at; null: nothing, or what it says is not of this session. Its time may be over. */
  open(request: FastifyRequest, session: ConsoleSession): { readonly slug: string; readonly look: Look } | null
  /** Whom the person is in this tenant by their look; null: they do not look at it. Notes the page. @throws RegistryError `forbidden`. */
  enter(
    request: FastifyRequest,
    reply: FastifyReply,
    session: ConsoleSession,
    slug: string,
  ): Promise<{ readonly principal: Principal; readonly strip: Strip } | null>
  /** Ends it and notes that, for this reason unless its time is over. Answers the tenant's slug; null: there is none. */
  end(
    request: FastifyRequest,
    reply: FastifyReply,
    session: ConsoleSession,
    how: 'stopped' | 'left',
  ): Promise<string | null>
}

export function createSeeAsCookies(
  {
    publicUrl,
    secrets,
    clock,
    registry,
    operators,
  }: Pick<ConsoleDeps, 'publicUrl' | 'secrets' | 'clock' | 'registry' | 'operators'>,
  { visits }: Pick<ConsoleHost, 'visits'>,
): SeeAsCookies {
  const seal = createSeal({
    purpose: 'see-as',
    issuer: publicUrl,
    schema: SeenAs,
    life: (LOOK_LIFE + KNOWN) / 1000,
    secrets,
    clock,
  })
  const secure = publicUrl.startsWith('https:')
  // `__Host-` would send it to every path.
  const name = `${secure ? '__Secure-' : ''}gh_see_as`
  const options: CookieSerializeOptions = { ...cookieOptions(publicUrl), path: '/console' }
  const binding = ({ session }: ConsoleSession, slug: string): string => `${session.id} ${slug}`

  const open: SeeAsCookies['open'] = (request, session) => {
    const [slug = '', sealed = '', ...more] = (request.cookies[name] ?? '').split('~')
    if (!isSlug(slug) || more.length > 0) return null
    const look = seal.open(sealed, binding(session, slug))
    return look === null ? null : { slug, look }
  }

  async function actorOf(request: FastifyRequest, { session, identity }: ConsoleSession): Promise<OperatorActor> {
    const { requestId, ip } = visits(request)
    return await operators.admit(identity, { tokenDigest: sessionDigest(session), requestId, ip })
  }

  const end: SeeAsCookies['end'] = async (request, reply, session, why) => {
    const seen = open(request, session)
    reply.clearCookie(name, options)
    if (seen === null || !operators.is(session.identity)) return null
    const { slug, look } = seen
    const actor = await actorOf(request, session)
    const tenant = await registry.tenants.get(actor, slug)
    const how = look.until <= clock.now() ? 'over' : why
    await registry.seeAs.end(tenant, actor, session.identity, look, how)
    return slug
  }

  return {
    open,
    end,
    begin(reply, session, slug, look) {
      reply.setCookie(name, `${slug}~${seal.seal(look, binding(session, slug))}`, {
        ...options,
        maxAge: (LOOK_LIFE + KNOWN) / 1000,
      })
    },
    async enter(request, reply, session, slug) {
      const seen = open(request, session)
      // Who is an operator no longer is whatever they are otherwise.
      if (seen === null || seen.slug !== slug || !operators.is(session.identity)) return null
      if (seen.look.until <= clock.now()) {
        await end(request, reply, session, 'stopped')
        throw new RegistryError('forbidden', `the 30 minutes in which you saw ${slug} are over`)
      }
      const actor = await actorOf(request, session)
      const tenant = await registry.tenants.get(actor, slug)
      const page = request.url.split('?', 1)[0] ?? ''
      const principal = await registry.seeAs
        .look(tenant, actor, session.identity, seen.look, page)
        .catch((error: unknown) => {
          if (error instanceof RegistryError) reply.clearCookie(name, options)
          throw error
        })
      return { principal, strip: banner(session, tenant.name, seen.look) }
    },
  }
}

/** Who looks, why, until when, and the way out. */
export const banner = ({ identity, csrf }: ConsoleSession, name: string, { reason, until }: Look): Strip => ({
  tone: 'bad',
  body: html`<div class="row">
    <p>
      <strong>Operator view, read only.</strong> ${identity.email ?? identity.name ?? identity.sub} sees ${name} as its
      admin does, until <time class="nowrap" datetime="${new Date(until).toISOString()}">${utc(until)}</time>. Reason:
      ${reason}
    </p>
    <form method="post" action="${STOP_URL}">${formToken(csrf)}<button class="tiny">Stop</button></form>
  </div>`,
})
