import type { Config } from '#base/config.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import { loadConfig } from '#base/config-load.ts'
import { createLog } from '#base/log.ts'
import { createGatehouse } from '#http/gatehouse.ts'
import type { Define } from './commands.ts'
import { welcome } from './welcome.ts'

/** `serve`: returns when it listens; the process then lives until SIGTERM or SIGINT. Log lines go to stdout, as platforms expect. */
export const define: Define = (command, { terminal }) => {
  command.action(async () => {
    const config: Config = ensureSessionSecret(loadConfig(terminal.env, { cwd: terminal.cwd }))
    const log = createLog(config.logLevel, { write: (line) => void terminal.stdout.write(line) })
    const gatehouse = await createGatehouse(config, { log })
    const { address } = await gatehouse.serve()
    log.info({ mcp: `${config.publicUrl}/mcp`, address, production: config.production }, 'listening')
    if (!config.production) terminal.stdout.write(welcome(config, terminal.cwd))
  })
}
