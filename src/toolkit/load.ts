import { readdirSync, realpathSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import { ConfigError } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import { problemsOf, type Definition } from './definition.ts'
import { definitionOf, exportedBy } from './exported.ts'
import { inspectToolFolder } from '#base/tool-folder.ts'
import type { Prompt, PromptDefinition } from './prompt.ts'
import { resolveGatehouse, resolvesByItself } from './resolve.ts'
import type { Resource, ResourceDefinition } from './resource.ts'
import type { Tool, ToolDefinition } from './tool.ts'

export interface ToolSource {
  /** TOOLS_DIR (D5); null: only the tools that come with the program. */
  readonly toolsDir: string | null
  readonly production: boolean
  readonly log: Log
  /** What a program that has Gatehouse as its library defines itself, by name. */
  readonly given?: GivenDefinitions
}

/** By name, as it is called: `create_project`. */
export interface GivenDefinitions {
  readonly tools?: Readonly<Record<string, ToolDefinition>>
  readonly resources?: Readonly<Record<string, ResourceDefinition>>
  readonly prompts?: Readonly<Record<string, PromptDefinition>>
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
 * Every tool, resource and prompt by its name: those of src/tools, those of TOOLS_DIR, and those that are given. A file `create-project.ts`
 * that exports a tool is the tool `create_project`; sub-folders hold helpers. Throws ConfigError with all problems at once, so a bad file
 * stops the boot.
 */
export const loadDefinitions = async (source: ToolSource): Promise<Definitions> => await createLoader(source).load()

export interface Loader {
  /** As `loadDefinitions` says. */
  load(): Promise<Definitions>
  /**
   * Reads TOOLS_DIR anew. A file that is wrong now leaves what was there before under its name, if there was anything, and its problems are
   * answered beside it. What was deleted is gone. Throws nothing but bugs.
   */
  reload(before: Definitions): Promise<{ readonly definitions: Definitions; readonly problems: readonly string[] }>
}

export function createLoader({ toolsDir, production, log, given = {} }: ToolSource): Loader {
  let version = 0
  let resolving = false

  /** The files to load from TOOLS_DIR. Throws ConfigError. */
  function ownFiles(): readonly string[] {
    if (toolsDir === null) return []
    const folder = inspectToolFolder(toolsDir, production)
    // Nothing in it is run before all of it is found to be as it must.
    if (folder.problems.length > 0) throw new ConfigError(folder.problems)
    for (const [file, sha256] of folder.digests) log.info({ file, sha256 }, 'file of TOOLS_DIR')
    const root = realpathSync(toolsDir)
    // A file is read anew only by way of the hook.
    if (!resolving && (version > 0 || !resolvesByItself(root, folder.digests.keys()))) {
      resolveGatehouse(root)
      resolving = true
    }
    return folder.files.filter((file) => ['.js', '.mjs', '.ts'].includes(extname(file)) && !file.endsWith('.d.ts'))
  }

  async function all(files: readonly string[], before: Definitions | null): Promise<[Definitions, readonly string[]]> {
    const found = createShelf()
    const anew = before === null ? null : version
    for (const file of builtInFiles()) await found.file(file, null, null)
    for (const file of files) await found.file(file, anew, before)
    for (const kind of ['tools', 'resources', 'prompts'] as const)
      for (const [name, definition] of Object.entries(given[kind] ?? {})) found.given(name, definition)
    return [found.definitions, found.problems]
  }

  return {
    async load() {
      const [definitions, problems] = await all(ownFiles(), null)
      if (problems.length > 0) throw new ConfigError(problems)
      return definitions
    },
    async reload(before) {
      version += 1
      try {
        const [definitions, problems] = await all(ownFiles(), before)
        return { definitions, problems }
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        return { definitions: before, problems: error.problems }
      }
    },
  }
}

const builtInFiles = (): readonly string[] =>
  readdirSync(BUILT_IN)
    .filter((name) => extname(name) === OURS && !name.endsWith('.d.ts'))
    .sort()
    .map((name) => join(BUILT_IN, name))

/** Collects what is defined, and what is wrong with it. One name, one thing: in the audit nothing else tells them apart. */
function createShelf() {
  const tools = new Map<string, Tool>()
  const resources = new Map<string, Resource>()
  const prompts = new Map<string, Prompt>()
  const shelves = { tool: tools, resource: resources, prompt: prompts }
  const problems: string[] = []
  const taken = (name: string): readonly string[] =>
    Object.entries(shelves).flatMap(([kind, all]) => (all.has(name) ? [`there is another ${kind} ${name}`] : []))

  function put(name: string, { kind, definition }: Definition): void {
    if (kind === 'tool') tools.set(name, toolOf(name, definition))
    else if (kind === 'resource') resources.set(name, { ...definition, name })
    else prompts.set(name, { ...definition, name, input: strict(definition.input) })
  }
  function keep(name: string, before: Definitions): void {
    const [tool, resource, prompt] = [before.tools.get(name), before.resources.get(name), before.prompts.get(name)]
    if (tool !== undefined) tools.set(name, tool)
    else if (resource !== undefined) resources.set(name, resource)
    else if (prompt !== undefined) prompts.set(name, prompt)
  }
  return {
    definitions: { tools, resources, prompts },
    problems,
    async file(file: string, version: number | null, before: Definitions | null) {
      const stem = basename(file, extname(file))
      const name = stem.replaceAll('-', '_')
      const found = await exportedBy(file, version)
      const wrong = typeof found === 'string' ? [found] : problemsOf(found)
      if (!NAME.test(stem)) wrong.push('the name must be of the form create-project.js')
      const other = taken(name)
      wrong.push(...other)
      const kind = typeof found === 'string' ? 'tool' : found.kind
      problems.push(...wrong.map((problem) => `${kind} ${file}: ${problem}`))
      if (typeof found !== 'string' && wrong.length === 0) put(name, found)
      else if (before !== null && other.length === 0) keep(name, before)
    },
    given(name: string, definition: unknown) {
      const found = definitionOf(definition)
      const wrong =
        found === null
          ? ['it must be what defineTool({...}), defineResource or definePrompt answers']
          : problemsOf(found)
      if (!/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(name)) wrong.push('the name must be of the form create_project')
      wrong.push(...taken(name))
      problems.push(...wrong.map((problem) => `${found?.kind ?? 'tool'} ${name}: ${problem}`))
      if (found !== null && wrong.length === 0) put(name, found)
    },
  }
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
