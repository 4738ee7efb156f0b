import { readdirSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { z } from 'zod'
import { ConfigError } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import { problemsOf, type Definition } from './definition.ts'
import { inspectToolFolder } from './folder.ts'
import { isPromptDefinition, type Prompt } from './prompt.ts'
import { resolveGatehouse } from './resolve.ts'
import { isResourceDefinition, type Resource } from './resource.ts'
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

/** All that files define, each kind by name. */
export interface Definitions {
  readonly tools: ReadonlyMap<string, Tool>
  readonly resources: ReadonlyMap<string, Resource>
  readonly prompts: ReadonlyMap<string, Prompt>
}

/** The tools alone. */
export const loadTools = async (source: ToolSource): Promise<ReadonlyMap<string, Tool>> =>
  (await loadDefinitions(source)).tools

/**
 * Every tool, resource and prompt by its name: those of src/tools and those of TOOLS_DIR. A file `create-project.js` that exports a
 * tool is the tool `create_project`; sub-folders hold helpers. Throws ConfigError with all problems at once, so a bad file stops the boot.
 */
export async function loadDefinitions({ toolsDir, production, log }: ToolSource): Promise<Definitions> {
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
  const resources = new Map<string, Resource>()
  const prompts = new Map<string, Prompt>()
  for (const file of files) {
    const name = basename(file, extname(file)).replaceAll('-', '_')
    const found = await definitionIn(file)
    const wrong = typeof found === 'string' ? [found] : problemsOf(found)
    if (!NAME.test(basename(file, extname(file)))) wrong.push('the name must be of the form create-project.js')
    // One name, one thing: in the audit nothing else tells them apart.
    const other = Object.entries({ tool: tools, resource: resources, prompt: prompts }).find(([, all]) => all.has(name))
    if (other !== undefined) wrong.push(`there is another ${other[0]} ${name}`)
    const kind = typeof found === 'string' ? 'tool' : found.kind
    problems.push(...wrong.map((problem) => `${kind} ${file}: ${problem}`))
    if (typeof found === 'string' || wrong.length > 0) continue
    if (found.kind === 'tool') tools.set(name, toolOf(name, found.definition))
    else if (found.kind === 'resource') resources.set(name, { ...found.definition, name })
    else prompts.set(name, { ...found.definition, name, input: strict(found.definition.input) })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return { tools, resources, prompts }
}

/**
 * Strict, so that an argument nobody knows is refused by name instead of ignored, and nothing leaves that the output schema does not
 * name.
 */
export const toolOf = (name: string, definition: ToolDefinition): Tool => ({
  ...definition,
  name,
  input: strict(definition.input),
  ...(definition.output === undefined ? {} : { output: strict(definition.output) }),
})

/** A schema is copied to become strict, and what was said of it (`.meta`: more JSON Schema) is not copied with it. */
function strict(schema: z.ZodObject): z.ZodObject {
  const said = schema.meta()
  return said === undefined ? schema.strict() : schema.strict().meta(said)
}

/** The definition a file exports, or why there is none. */
async function definitionIn(file: string): Promise<Definition | string> {
  try {
    const module: unknown = await import(/* @vite-ignore */ pathToFileURL(file).href)
    const exported = typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined
    if (isToolDefinition(exported)) return { kind: 'tool', definition: exported }
    if (isResourceDefinition(exported)) return { kind: 'resource', definition: exported }
    if (isPromptDefinition(exported)) return { kind: 'prompt', definition: exported }
    return 'its default export must be what defineTool({...}), defineResource or definePrompt answers'
  } catch (error) {
    return `it cannot be loaded: ${error instanceof Error ? error.message : String(error)}`
  }
}
