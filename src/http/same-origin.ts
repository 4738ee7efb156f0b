import type { FastifyRequest } from 'fastify'
import { Refusal } from '#base/refusal.ts'

/**
 * Did a page of ours send this form (D31)? By Origin, by Sec-Fetch-Site, and where a browser sends both, by both: at least one must be
 * there, and none may say otherwise. Our pages let the browser send them (`referrer-policy: same-origin`).
 * @throws Refusal `origin_refused`.
 */
export function sameOrigin({ headers }: FastifyRequest, publicUrl: string): void {
  const { origin } = headers
  const site = headers['sec-fetch-site']
  if (origin === undefined && site === undefined)
    throw new Refusal('origin_refused', { detail: 'a form without Origin and Sec-Fetch-Site' })
  if (origin !== undefined && origin !== publicUrl)
    throw new Refusal('origin_refused', { detail: 'a form of another origin' })
  if (site !== undefined && site !== 'same-origin')
    throw new Refusal('origin_refused', { detail: 'a form of another site' })
}
