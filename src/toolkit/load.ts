import { readdirSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { z } from 'zod'
import { ConfigError } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import { inspectToolFolder } from './folder.ts'
import { resolveGatehouse } from './resolve.ts'
import { wireSchema } from './schema.ts'
import { isToolDefinition, type Tool, type ToolDefinition } from './tool.ts'

export interface ToolSource {
  /** TOOLS_DIR (D5); null: only the tools that come with the program. */
  readonly toolsDir: string | null
  readonly production: boolean
  readonly log: Log
}

/** `.ts` when this program runs from its source, `.js` when compiled. */
const OURS = extname(fileURLToPath(import.meta.url))
const BUILT_IN = fileURLToPath(new URL('../tools/', import.meta.url))
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const SCOPE = /^[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*$/
const MAX_TIMEOUT = 300_000

/**
 * Every tool by its name: those of src/tools and those of TOOLS_DIR. A file `create-project.js` is the tool `create_project`;
 * sub-folders hold helpers. Throws ConfigError with all problems at once, so a bad tool stops the boot.
 */
export async function loadTools({ toolsDir, production, log }: ToolSource): Promise<ReadonlyMap<string, Tool>> {
  const files = readdirSync(BUILT_IN)
    .filter((name) => extname(name) === OURS && !name.endsWith('.d.ts'))
    .sort()
    .map((name) => join(BUILT_IN, name))
  const problems: string[] = []
  if (toolsDir !== null) {
    const folder = inspectToolFolder(toolsDir, production)
    // Nothing in it is run before all of it is found to be as it must.
    if (folder.problems.length > 0) throw new ConfigError(folder.problems)
    for (const [file, sha256] of folder.digests) log.info({ file, sha256 }, 'file of TOOLS_DIR')
    const modules = folder.files.filter(
      (file) => ['.js', '.mjs', '.ts'].includes(extname(file)) && !file.endsWith('.d.ts'),
    )
    for (const file of modules) {
      if (extname(file) === '.ts' && OURS !== '.ts') problems.push(`${file}: TypeScript must be compiled to .js first`)
      else files.push(file)
    }
    resolveGatehouse(toolsDir)
  }
  const tools = new Map<string, Tool>()
  for (const file of files) {
    const name = basename(file, extname(file)).replaceAll('-', '_')
    const definition = await definitionIn(file)
    const wrong = typeof definition === 'string' ? [definition] : problemsOf(definition)
    if (!NAME.test(basename(file, extname(file)))) wrong.push('the name must be of the form create-project.js')
    if (tools.has(name)) wrong.push(`there is another tool ${name}`)
    problems.push(...wrong.map((problem) => `tool ${file}: ${problem}`))
    if (typeof definition === 'string' || wrong.length > 0) continue
    tools.set(name, toolOf(name, definition))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return tools
}

/**
 * Strict, so that an argument nobody knows is refused by name instead of ignored, and nothing leaves that the output schema does not
 * name.
 */
export const toolOf = (name: string, definition: ToolDefinition): Tool => ({
  ...definition,
  name,
  input: definition.input.strict(),
  ...(definition.output === undefined ? {} : { output: definition.output.strict() }),
})

/** The definition a file exports, or why there is none. */
async function definitionIn(file: string): Promise<ToolDefinition | string> {
  try {
    const module: unknown = await import(/* @vite-ignore */ pathToFileURL(file).href)
    if (typeof module === 'object' && module !== null && 'default' in module && isToolDefinition(module.default)) {
      return module.default
    }
    return 'its default export must be what defineTool({...}) answers'
  } catch (error) {
    return `it cannot be loaded: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** What the compiler would have told an author who used it. */
function problemsOf(tool: ToolDefinition): string[] {
  const problems: string[] = []
  const must = (holds: boolean, problem: string): void => void (holds || problems.push(problem))
  const text = (value: unknown): boolean => typeof value === 'string' && value.trim() !== ''
  must(text(tool.title), 'it has no title')
  must(text(tool.description), 'it has no description')
  must(['none', 'read', 'write'].includes(tool.access), "access must be 'none', 'read' or 'write'")
  must(typeof tool.run === 'function', 'it has no run function')
  must(
    Array.isArray(tool.scopes) && tool.scopes.every((scope) => SCOPE.test(scope)),
    "scopes must be a list like ['projects:read']",
  )
  must(
    tool.scopes?.length > 0 || tool.access === 'none',
    "without scopes everybody could call it; only access 'none' may have none",
  )
  must(
    tool.timeout === undefined || (tool.timeout > 0 && tool.timeout <= MAX_TIMEOUT),
    `timeout must be 1 to ${MAX_TIMEOUT} milliseconds`,
  )
  for (const side of ['input', 'output'] as const) {
    const problem = wireProblem(tool[side], side)
    must(problem === null, `${side} ${problem}`)
  }
  return problems
}

function wireProblem(schema: unknown, side: 'input' | 'output'): string | null {
  if (schema === undefined && side === 'output') return null
  if (!(schema instanceof z.ZodObject)) return 'must be a z.object({...})'
  try {
    wireSchema(schema, side)
    return null
  } catch (error) {
    return `has no JSON Schema: ${error instanceof Error ? error.message : String(error)}`
  }
}
