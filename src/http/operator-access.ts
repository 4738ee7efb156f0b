import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { directLoopback } from './client-address.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** May this caller see how the server is doing? The holder of METRICS_TOKEN (as bearer), or a program on this machine itself (D4). */
export function createOperatorAccess(metricsToken: string | null): (request: IncomingMessage) => boolean {
  const expected = metricsToken === null ? null : digest(`Bearer ${metricsToken}`)
  return (request) => {
    const shown = request.headers.authorization
    if (expected !== null && shown !== undefined) return timingSafeEqual(digest(shown), expected)
    return directLoopback(request)
  }
}
