import { isObject, type JsonObject } from './json.ts'
import { paramsOf, resultOf, type Message } from './message.ts'

/** Where in the arguments of a tool the value of a header stands. */
interface Declared {
  readonly header: string
  readonly path: readonly string[]
}

/**
 * Headers that 2026-07-28 wants on a request (basic/transports, Streamable HTTP): method, name, and arguments that a tool's schema marks
 * with `x-mcp-header`. A host on stdio sends none of them, so the bridge learns the tools from the lists that pass by.
 */
export interface ParamHeaders {
  /** Takes the tools of a `tools/list` answer. What it answers is the list as a client may use it: tools with a broken mark left out. */
  learn(answer: Message): Message
  of(message: Message): Readonly<Record<string, string>>
}

export function createParamHeaders(): ParamHeaders {
  const tools = new Map<string, readonly Declared[]>()
  return {
    learn(answer) {
      const result = resultOf(answer)
      const list = result?.['tools']
      if (result === null || !Array.isArray(list)) return answer
      const usable = list.filter((tool: unknown) => {
        if (!isObject(tool) || typeof tool['name'] !== 'string') return true
        const declared = declarationsOf(tool['inputSchema'])
        if (declared !== null) tools.set(tool['name'], declared)
        return declared !== null
      })
      return usable.length === list.length ? answer : { ...answer, result: { ...result, tools: usable } }
    },
    of(message) {
      const headers: Record<string, string> = { 'mcp-method': String(message['method']) }
      const params = paramsOf(message)
      const name = params[NAMED[String(message['method'])] ?? '']
      if (typeof name === 'string') headers['mcp-name'] = fieldValue(name)
      if (message['method'] !== 'tools/call' || typeof name !== 'string') return headers
      for (const { header, path } of tools.get(name) ?? []) {
        const text = textOf(
          path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), params['arguments']),
        )
        if (text !== null) headers[`mcp-param-${header}`] = fieldValue(text)
      }
      return headers
    },
  }
}

/** Which parameter names the thing. */
const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}

/** null: a mark breaks a rule, and the tool must not be used (2026-07-28, server/tools, x-mcp-header). */
function declarationsOf(schema: unknown): readonly Declared[] | null {
  const found: Declared[] = []
  const seen = new Set<string>()
  const visit = (node: unknown, path: readonly string[], reachable: boolean): boolean => {
    if (Array.isArray(node)) return node.every((one) => visit(one, path, false))
    if (!isObject(node)) return true
    if ('x-mcp-header' in node) {
      const header = node['x-mcp-header']
      const fits = typeof header === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(header)
      if (!fits || !reachable || path.length === 0 || !TYPES.has(node['type'])) return false
      if (seen.has(header.toLowerCase())) return false
      seen.add(header.toLowerCase())
      found.push({ header, path })
    }
    const properties: JsonObject = isObject(node['properties']) ? node['properties'] : {}
    return (
      Object.entries(properties).every(([key, one]) => visit(one, [...path, key], reachable)) &&
      Object.entries(node).every(([key, one]) => {
        if (ONE_SCHEMA.has(key)) return visit(one, path, false)
        return !NAMED_SCHEMAS.has(key) || !isObject(one) || Object.values(one).every((each) => visit(each, path, false))
      })
    )
  }
  return visit(schema, [], true) ? found : null
}

const TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean'])
/** Keywords behind which a mark has no fixed place in the arguments. */
const ONE_SCHEMA: ReadonlySet<string> = new Set(
  'items prefixItems contains additionalProperties unevaluatedProperties unevaluatedItems propertyNames oneOf anyOf allOf not if then else'.split(
    ' ',
  ),
)
const NAMED_SCHEMAS: ReadonlySet<string> = new Set(['patternProperties', 'dependentSchemas', '$defs', 'definitions'])

function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'number' || !Number.isFinite(value)) return null
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? null : String(value)
}

/** As it is when a header can hold it, else `=?base64?...?=`. */
function fieldValue(text: string): string {
  const plain = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text)
  return plain && !/^=\?base64\?.*\?=$/.test(text) ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`
}
