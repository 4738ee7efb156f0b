import { loadConfig } from '#base/config-load.ts'
import type { Define } from './commands.ts'
import { answer, EXIT } from './terminal.ts'

/** `dev-token <email>`: needs nothing but DATA_DIR and PORT, not even a running server. */
export const define: Define = (command, { terminal }) => {
  command
    .argument('<email>', 'alice@acme.test, carol@acme.test or bob@globex.test')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nThe token works for an hour, at this server only, and only while no real provider is configured.',
    )
    .action(async (email: string, { json }: { json?: boolean }) => {
      const { developmentSignIn, dataDir, publicUrl } = loadConfig(terminal.env, { cwd: terminal.cwd })
      if (!developmentSignIn)
        command.error(
          'error: there is no development sign-in here: it exists only on this machine and without a real provider',
          {
            exitCode: EXIT.failed,
          },
        )
      const { mintDevToken } = await import('#http/dev-token.ts')
      const { people } = await import('#http/dev-people.ts')
      const known = [...people.values()].map((person) => person.email)
      if (!known.includes(email))
        command.error(`error: nobody has the address ${email} here; there are ${known.join(', ')}`, {
          exitCode: EXIT.failed,
        })
      const token = await mintDevToken({ dataDir, publicUrl, email })
      answer(terminal, json, { token, email }, () => token)
    })
}
