import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** The cookies of sign-in and console: they count under /oauth and /console only (D31), where this is registered with @fastify/cookie. */
export interface Cookies {
  /** As the browser knows it: `__Host-` and the name, so that no neighbour under our domain can set it (RFC 6265bis section 4.1.3.2). */
  name(name: string): string
  get(request: FastifyRequest, name: string): string | undefined
  /** @param life seconds. */
  set(reply: FastifyReply, name: string, value: string, life: number): void
  clear(reply: FastifyReply, name: string): void
}

/**
 * HttpOnly, SameSite=Lax, the whole host. With a http PUBLIC_URL (loopback) neither prefix nor Secure, which browsers would refuse (D24).
 * Names are given with or without the prefix.
 */
export function createCookies(publicUrl: string): Cookies {
  const secure = publicUrl.startsWith('https:')
  const options: CookieSerializeOptions = { path: '/', httpOnly: true, sameSite: 'lax', secure }
  const named = (name: string): string => (secure && !name.startsWith('__Host-') ? `__Host-${name}` : name)
  return {
    name: named,
    get: (request, name) => request.cookies[named(name)],
    set: (reply, name, value, life) => void reply.setCookie(named(name), value, { ...options, maxAge: life }),
    clear: (reply, name) => void reply.setCookie(named(name), '', { ...options, maxAge: 0 }),
  }
}
