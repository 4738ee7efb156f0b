import type { FastifyInstance } from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '#base/clock.ts'
import type { AppDeps, ProviderFacts } from './deps.ts'
import { page } from './routes.ts'

export interface HealthOptions extends Pick<AppDeps, 'clock' | 'database' | 'providers'> {
  readonly draining: () => boolean
  /** Sees details; others see one word. */
  readonly operator: (request: IncomingMessage) => boolean
  /** Whom the server takes the client for; null when the connection is gone. */
  readonly addressOf: (request: IncomingMessage) => string | null
}

/** Milliseconds after which an issuer that has not answered yet no longer keeps a replica out: its outage is no reason to have no server. */
const PATIENCE = 10_000
/** Milliseconds for which one look at the database stands for all probes. */
const FRESH = 1000

const providerState = ({ state }: ProviderFacts, clock: Clock): 'ready' | 'waiting' | 'degraded' => {
  const known = state?.()
  if (known === undefined || known.ready) return 'ready'
  return known.first_attempt !== null && clock.now() - known.first_attempt >= PATIENCE ? 'degraded' : 'waiting'
}

/** /livez: the process answers. /readyz (and /healthz): it can serve, so traffic may come. 503 while draining. */
export function healthRoutes(
  app: FastifyInstance,
  { clock, database, providers, draining, operator, addressOf }: HealthOptions,
): void {
  let look: { readonly at: number; readonly result: Promise<'ready' | 'behind' | 'unreachable'> } | null = null
  const databaseState = async (): Promise<'ready' | 'behind' | 'unreachable'> => {
    if (look === null || clock.now() - look.at >= FRESH) {
      const result = database
        .ping()
        .then(async () => ((await database.migrated()) ? ('ready' as const) : ('behind' as const)))
        .catch(() => 'unreachable' as const)
      look = { at: clock.now(), result }
    }
    return await look.result
  }

  const everyone = async (): Promise<void> => undefined
  page(app, '/livez', everyone, async () => ({ status: 'ok' }))
  for (const url of ['/readyz', '/healthz']) {
    page(app, url, everyone, async (request, reply) => {
      const issuers = Object.fromEntries(providers.map((provider) => [provider.id, providerState(provider, clock)]))
      const stored = await databaseState()
      const ready = !draining() && stored === 'ready' && !Object.values(issuers).includes('waiting')
      const status = draining() ? 'draining' : ready ? 'ready' : 'not ready'
      // Where an operator sees whether TRUST_PROXY is right, and nobody else learns what stands in front.
      const client = { address: addressOf(request.raw), peer: request.raw.socket.remoteAddress ?? null }
      return await reply
        .code(ready ? 200 : 503)
        .send(operator(request.raw) ? { status, database: stored, providers: issuers, client } : { status })
    })
  }
}
