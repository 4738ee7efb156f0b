import type { Log } from '#base/log.ts'
import type { Tool } from './tool.ts'

export interface ToolSource {
  /** TOOLS_DIR (D5); null: only the tools that come with the program. */
  readonly toolsDir: string | null
  readonly production: boolean
  readonly log: Log
}

/**
 * Every tool by its name: those of src/tools and those of TOOLS_DIR. Throws ConfigError with all problems at once, so a bad
 * tool stops the boot.
 */
export async function loadTools(_source: ToolSource): Promise<ReadonlyMap<string, Tool>> {
  throw new Error('unfinished')
}
