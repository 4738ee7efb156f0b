import type { FastifyRequest } from 'fastify'
import { Refusal } from '#base/refusal.ts'
import { isObject } from './message.ts'

/** A query or a form as Fastify parsed it, by name. */
export const queryOf = (parsed: unknown): Readonly<Record<string, unknown>> => (isObject(parsed) ? parsed : {})

/**
 * The parameters of a form: none twice, and one without a value is as good as absent (RFC 6749 section 3.2).
 * @throws Refusal `authorization_malformed`: another content type, or a parameter that came twice.
 */
export function formOf({ headers, body }: FastifyRequest): Readonly<Partial<Record<string, string>>> {
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(headers['content-type'] ?? ''))
    throw new Refusal('authorization_malformed', { detail: 'the body is no form' })
  const given = Object.entries(queryOf(body))
  const twice = given.find(([, value]) => typeof value !== 'string')
  if (twice !== undefined) throw new Refusal('authorization_malformed', { detail: 'a parameter came twice' })
  return Object.fromEntries(
    given.flatMap(([name, value]) => (typeof value === 'string' && value !== '' ? [[name, value]] : [])),
  )
}

/**
 * `Authorization: Basic` of a client: both parts form-encoded, then base64 (RFC 6749 section 2.3.1). null without the header.
 * @throws Refusal `client_invalid`: another scheme, or not of that form.
 */
export function basicOf({ headers }: FastifyRequest): { readonly id: string; readonly secret: string } | null {
  const { authorization } = headers
  if (authorization === undefined) return null
  const [, encoded = ''] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? []
  const [, id, secret] = /^([^:]+):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
  if (id === undefined || secret === undefined)
    throw new Refusal('client_invalid', { detail: 'the Authorization header is not Basic with id and secret' })
  try {
    const decoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '))
    return { id: decoded(id), secret: decoded(secret) }
  } catch {
    throw new Refusal('client_invalid', { detail: 'id and secret in Basic are not form-encoded' })
  }
}
