import { Command, CommanderError } from 'commander'
import { ConfigError } from '#base/config.ts'
import { withExample } from '#base/config-problem.ts'
import { version } from '#base/package.ts'
import { COMMANDS, type CommandContext } from './commands.ts'
import { EXIT, tell, type Exit, type Terminal } from './terminal.ts'

/** Runs one command line and answers its exit code. Ends no process and throws nothing. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<Exit> {
  let exit: Exit = EXIT.done
  try {
    const program = await createProgram(argv, { terminal, end: (code) => (exit = code) })
    await program.parseAsync(argv, { from: 'user' })
    return exit
  } catch (error) {
    if (error instanceof CommanderError) return exitOf(error)
    if (error instanceof ConfigError) {
      tell(terminal, `error: ${error.message}`)
      for (const problem of error.problems) tell(terminal, `  ${withExample(problem)}`)
      return EXIT.configuration
    }
    // Loaded only now: it knows the database, and a client-side command must not wait for that.
    const { explain } = await import('./failure.ts')
    tell(terminal, `error: ${explain(error)}`)
    return EXIT.failed
  }
}

/** Ours (`command.error`) say their exit code; commander's own are all about usage. */
function exitOf({ code, exitCode }: CommanderError): Exit {
  if (exitCode === 0) return EXIT.done
  return code === 'commander.error' && exitCode === EXIT.failed ? EXIT.failed : EXIT.usage
}

/** All commands by name, and the one that is called with all it has. */
async function createProgram(argv: readonly string[], context: CommandContext): Promise<Command> {
  const { stdout, stderr } = context.terminal
  const program = new Command('gatehouse')
    .description(
      'A stateless MCP resource server: provider tokens in, tool calls in the tenant’s own Postgres schema out.',
    )
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'show this')
    .helpCommand('help [command]', 'show this, or what a command takes')
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .configureHelp({ sortSubcommands: false })
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 usage, 3 partial, 77 login needed, 78 configuration.')
    .exitOverride()
  const words = argv.filter((word) => !word.startsWith('-'))
  const called = words[0] === 'help' ? words[1] : words[0]
  for (const [name, { about, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(about)
    if (name === called) (await load()).define(command, context)
  }
  return program
}
