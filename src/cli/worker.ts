import type { Config } from '#base/config.ts'
import { createLog } from '#base/log.ts'
import { createMetrics } from '#base/metrics.ts'
import { createGatehouse } from '#http/gatehouse.ts'
import { withOtherWorkers } from './worker-metrics.ts'
import { STOP } from './workers.ts'

/** One server of several: as one alone, but with its number on all it says, and told by the primary when to stop. Returns when it listens. */
export async function work(config: Config, worker: number, write: (line: string) => void): Promise<void> {
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
