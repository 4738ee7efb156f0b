import { createParts, type BridgeParts } from '#bridge/parts.ts'
import { BridgeFailure } from '#bridge/failure.ts'
import { printable } from '#bridge/printable.ts'
import type { CommandContext } from './commands.ts'
import { EXIT, tell, type Exit } from './terminal.ts'

/** The exit code that says a person has to run `gatehouse login`, for scripts. */
const EXITS: Readonly<Record<BridgeFailure['code'], Exit>> = {
  login_needed: EXIT.login,
  unavailable: EXIT.failed,
  refused: EXIT.failed,
  usage: EXIT.usage,
}

/** Runs a command of the client side; its failures become one line on stderr and an exit code. */
export async function bridgeAction(
  { terminal, end }: CommandContext,
  work: (parts: BridgeParts) => Promise<void>,
): Promise<void> {
  let parts: BridgeParts | null = null
  try {
    parts = createParts(terminal.env, (line) => tell(terminal, line))
    await work(parts)
  } catch (error) {
    if (!(error instanceof BridgeFailure)) throw error
    tell(terminal, `error: ${printable(error.message)}`)
    end(EXITS[error.code])
  } finally {
    parts?.outgoing.close()
  }
}
