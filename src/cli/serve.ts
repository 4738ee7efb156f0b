import cluster from 'node:cluster'
import { InvalidArgumentError, Option } from 'commander'
import type { Config } from '#base/config.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import { loadConfig } from '#base/config-load.ts'
import { tuneHeap } from '#base/heap.ts'
import { gatherLines } from '#base/log-lines.ts'
import { createLog } from '#base/log.ts'
import type { Define } from './commands.ts'
import { EXIT } from './terminal.ts'
import { welcome } from './welcome.ts'

/** `serve`: returns when it listens; the process then lives until SIGTERM or SIGINT. Log lines go to stdout, as platforms expect. */
export const define: Define = (command, { terminal, end }) => {
  // What a primary gives its workers; without one it means nothing.
  command.addOption(new Option('--worker <number>').hideHelp().argParser(parseNumber))
  command.action(async ({ worker }: { readonly worker?: number }) => {
    tuneHeap()
    const config: Config = ensureSessionSecret(loadConfig(terminal.env, { cwd: terminal.cwd }))
    const lines = gatherLines((text) => void terminal.stdout.write(text))
    process.once('exit', lines.flush)
    const { write } = lines
    // Each loads only what it runs: a primary that holds no server starts its workers seconds earlier, and costs little beside them.
    if (cluster.isWorker && worker !== undefined) return await (await import('./worker.ts')).work(config, worker, write)
    const log = createLog(config.logLevel, { write })
    if (config.workers > 1) {
      const { runWorkers } = await import('./workers.ts')
      const exit = await runWorkers({ count: config.workers, shutdownTimeout: config.shutdownTimeout, log })
      if (exit !== EXIT.done) return end(exit)
    } else {
      const { createGatehouse } = await import('#http/gatehouse.ts')
      const { address } = await (await createGatehouse(config, { log })).serve()
      log.info({ mcp: `${config.publicUrl}/mcp`, address, production: config.production }, 'listening')
    }
    if (!config.production) write(welcome(config, terminal.cwd))
  })
}

function parseNumber(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('must be a number')
  return Number(text)
}
