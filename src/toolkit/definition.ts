import { UriTemplate } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { PromptDefinition } from './prompt.ts'
import type { ResourceDefinition } from './resource.ts'
import { wireSchema } from './schema.ts'
import type { ToolDefinition } from './tool.ts'

/** What a file exports. */
export type Definition =
  | { readonly kind: 'tool'; readonly definition: ToolDefinition }
  | { readonly kind: 'resource'; readonly definition: ResourceDefinition }
  | { readonly kind: 'prompt'; readonly definition: PromptDefinition }

const SCOPE = /^[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*$/
const MAX_TIMEOUT = 300_000
const MAX_COST = 1000

/** What the compiler would have told an author who used it. */
export function problemsOf({ kind, definition }: Definition): string[] {
  const problems: string[] = []
  const must = (holds: boolean, problem: string): void => void (holds || problems.push(problem))
  must(text(definition.title), 'it has no title')
  must(text(definition.description), 'it has no description')
  must(
    ['none', 'read', ...(kind === 'tool' ? ['write'] : [])].includes(definition.access),
    kind === 'tool' ? "access must be 'none', 'read' or 'write'" : "access must be 'none' or 'read'",
  )
  const does = kind === 'resource' ? 'read' : 'run'
  must(typeof Reflect.get(definition, does) === 'function', `it has no ${does} function`)
  must(
    Array.isArray(definition.scopes) && definition.scopes.every((scope) => SCOPE.test(scope)),
    "scopes must be a list like ['projects:read']",
  )
  must(
    definition.scopes?.length > 0 || definition.access === 'none',
    "without scopes everybody could call it; only access 'none' may have none",
  )
  const { timeout } = definition
  must(
    timeout === undefined || (timeout > 0 && timeout <= MAX_TIMEOUT),
    `timeout must be 1 to ${MAX_TIMEOUT} milliseconds`,
  )
  if (kind === 'tool') {
    const { cost = 1 } = definition
    must(Number.isInteger(cost) && cost >= 1 && cost <= MAX_COST, `cost must be a whole number from 1 to ${MAX_COST}`)
    for (const side of ['input', 'output'] as const) problems.push(...schemaProblems(definition, side))
  }
  if (kind === 'prompt') problems.push(...schemaProblems(definition, 'input'), ...argumentProblems(definition))
  if (kind === 'resource') problems.push(...uriProblems(definition))
  return problems
}

const text = (value: unknown): boolean => typeof value === 'string' && value.trim() !== ''

function schemaProblems(definition: { readonly input: unknown; readonly output?: unknown }, side: 'input' | 'output') {
  const schema = definition[side]
  if (schema === undefined && side === 'output') return []
  if (!(schema instanceof z.ZodObject)) return [`${side} must be a z.object({...})`]
  try {
    wireSchema(schema, side)
    return []
  } catch (error) {
    return [`${side} has no JSON Schema: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/** Arguments of a prompt are texts on the wire, so each must be able to take one. */
function argumentProblems({ input }: PromptDefinition): string[] {
  if (!(input instanceof z.ZodObject)) return []
  return Object.entries(input.shape)
    .filter(([, schema]) => {
      const { type } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
      return type !== 'string'
    })
    .map(([name]) => `input ${name}: arguments of a prompt are texts, so it must be a z.string()`)
}

function uriProblems({ uri }: ResourceDefinition): string[] {
  if (!text(uri) || !/^[a-z][a-z0-9+.-]*:./.test(uri)) return ['uri must be like crm://contacts/{id}']
  if (/[{}]/.test(uri.replaceAll(/\{[^{}]*\}/g, ''))) return ['uri is no template: a brace is left over']
  try {
    const names = UriTemplate.isTemplate(uri) ? new UriTemplate(uri).variableNames : []
    return new Set(names).size === names.length ? [] : ['uri has a variable twice']
  } catch (error) {
    return [`uri is no template: ${error instanceof Error ? error.message : String(error)}`]
  }
}
