import type { CookieSerializeOptions } from '@fastify/cookie'

/** With an http PUBLIC_URL (loopback) browsers would refuse the prefix, and Secure with it (D24). */
const isSecure = (publicUrl: string): boolean => publicUrl.startsWith('https:')

/** The one cookie of a signed-in person; `__Host-` keeps it to this very host, and no page of a sister domain can set one. */
export const sessionCookie = (publicUrl: string): string => `${isSecure(publicUrl) ? '__Host-' : ''}gh_session`

/**
 * No Max-Age: the browser forgets it when it ends, and the server counts time itself. Lax, so that a link from elsewhere finds the person
 * signed in, while a form from elsewhere comes without it.
 */
export const cookieOptions = (publicUrl: string): CookieSerializeOptions => ({
  httpOnly: true,
  secure: isSecure(publicUrl),
  sameSite: 'lax',
  path: '/',
})
