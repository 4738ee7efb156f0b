import formbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Refusal } from '#base/refusal.ts'
import type { ServiceTokens } from '#login/service-tokens.ts'
import { onlyMethods } from './routes.ts'
import type { Visits } from './visit.ts'

/** Bytes: a key and a list of scopes. */
const BODY_LIMIT = 8 * 1024

const Body = z.strictObject({ api_key: z.string(), scope: z.string().max(2048).optional() })

/**
 * POST /auth/token {"api_key": "gh_key_...", "scope"?: "projects:read"}, JSON or a form: the same as client_credentials at /oauth/token, for
 * people with curl. Failures count against the address and, for wrong secrets, against the key; a right key is counted as a call of its own.
 */
export async function authTokenRoutes(
  app: FastifyInstance,
  { serviceTokens, visits }: { readonly serviceTokens: ServiceTokens; readonly visits: Visits },
): Promise<void> {
  await app.register(async (plugin) => {
    await plugin.register(formbody, { bodyLimit: BODY_LIMIT })
    plugin.post('/auth/token', { bodyLimit: BODY_LIMIT }, async (request) => {
      // What is given twice comes as a list, and is refused.
      const body = Body.safeParse(request.body)
      if (!body.success) throw new Refusal('request_malformed', { detail: 'wanted: api_key, and perhaps scope' })
      const visit = visits(request)
      visit.presented = true
      const { api_key, scope = null } = body.data
      return await serviceTokens.issue(api_key, { scope, ip: visit.ip, requestId: visit.requestId })
    })
    onlyMethods(plugin, '/auth/token', ['POST'])
  })
}
