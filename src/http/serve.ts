import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import type { Config } from '#base/config.ts'
import type { Log } from '#base/log.ts'

export interface ServeOptions {
  readonly app: FastifyInstance
  readonly config: Pick<Config, 'host' | 'port' | 'shutdownTimeout'>
  readonly log: Log
  /** What ends after the last call, in this order: flush the audit, close the database. */
  readonly after: readonly (() => Promise<void>)[]
  /** Ends the process as SIGTERM does; once it is ending, this changes nothing. */
  readonly stop?: AbortSignal
}

/**
 * Listens, and ends the process on SIGTERM, SIGINT or an error nobody caught: not ready, no new calls, calls in flight finish, then
 * `after`; exit code 0, or 1 when SHUTDOWN_TIMEOUT passed or a second signal came. Resolves when it listens.
 */
export async function serve({ app, config, log, after, stop }: ServeOptions): Promise<{ readonly address: string }> {
  const address = await app.listen({ host: config.host, port: config.port })
  let stopping = false
  const { close } = closeWithGrace(
    { delay: config.shutdownTimeout, logger: { error: (error) => log.fatal({ err: error }, 'shutdown') } },
    async ({ signal, err }) => {
      stopping = true
      if (err === undefined) log.info({ signal }, 'stopping')
      else log.fatal({ err }, 'an error nobody caught: stopping')
      await app.close()
      for (const step of after) await step()
      log.info('stopped')
    },
  )
  const end = (): void => void (stopping || close())
  stop?.addEventListener('abort', end, { once: true })
  if (stop?.aborted === true) end()
  return { address }
}
