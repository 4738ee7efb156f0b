import cluster from 'node:cluster'
import { InvalidArgumentError, Option } from 'commander'
import type { Config } from '#base/config.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import { loadConfig } from '#base/config-load.ts'
import { createLog } from '#base/log.ts'
import { createMetrics } from '#base/metrics.ts'
import { createGatehouse } from '#http/gatehouse.ts'
import type { Define } from './commands.ts'
import { welcome } from './welcome.ts'
import { withOtherWorkers } from './worker-metrics.ts'
import { runWorkers, STOP } from './workers.ts'

/** `serve`: returns when it listens; the process then lives until SIGTERM or SIGINT. Log lines go to stdout, as platforms expect. */
export const define: Define = (command, { terminal, end }) => {
  // What a primary gives its workers; without one it means nothing.
  command.addOption(new Option('--worker <number>').hideHelp().argParser(parseNumber))
  command.action(async ({ worker }: { readonly worker?: number }) => {
    const config: Config = ensureSessionSecret(loadConfig(terminal.env, { cwd: terminal.cwd }))
    const write = (line: string): void => void terminal.stdout.write(line)
    if (cluster.isWorker && worker !== undefined) return await work(config, worker, write)
    const log = createLog(config.logLevel, { write })
    const greet = (): void => {
      if (!config.production) write(welcome(config, terminal.cwd))
    }
    if (config.workers > 1) {
      const { workers: count, shutdownTimeout } = config
      const exit = await runWorkers({ count, shutdownTimeout, log })
      if (exit !== 0) return end(exit)
      return greet()
    }
    const gatehouse = await createGatehouse(config, { log })
    const { address } = await gatehouse.serve()
    log.info({ mcp: `${config.publicUrl}/mcp`, address, production: config.production }, 'listening')
    greet()
  })
}

/** One of several: as one alone, with its number on all it says, and told by the primary when to stop. */
async function work(config: Config, worker: number, write: (line: string) => void): Promise<void> {
  const stop = new AbortController()
  process.on('message', (message) => void (message === STOP && stop.abort()))
  const log = createLog(config.logLevel, { write }, worker)
  const channel = {
    on: (event: 'message', hear: (message: unknown) => void) => process.on(event, hear),
    send: (message: object) => void process.send?.(message, undefined, undefined, () => {}),
  }
  const metrics = withOtherWorkers(createMetrics(worker), channel, `${worker}.${process.pid}`)
  // The first says for all what is worth a line at boot.
  const own = worker === 1 ? config : { ...config, warnings: [] }
  const gatehouse = await createGatehouse(own, { log, metrics })
  const { address } = await gatehouse.serve(stop.signal)
  log.info({ mcp: `${config.publicUrl}/mcp`, address, production: config.production }, 'listening')
}

function parseNumber(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('must be a number')
  return Number(text)
}
