import type { CookieSerializeOptions } from '@fastify/cookie'

/** With an http PUBLIC_URL (loopback) browsers would refuse the prefix, and Secure with it (D24). */
const isSecure = (publicUrl: string): boolean => publicUrl.startsWith('https:')

/** `__Host-` keeps a cookie to this very host, and no page of a sister domain can set one. */
export const prefixed = (name: string, publicUrl: string): string => `${isSecure(publicUrl) ? '__Host-' : ''}${name}`

/** The one cookie of a signed-in person. */
export const sessionCookie = (publicUrl: string): string => prefixed('gh_session', publicUrl)

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
