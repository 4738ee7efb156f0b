import type { Tool as WireTool } from '@modelcontextprotocol/server'
import { LRUCache } from 'lru-cache'
import type { Principal } from '#tenancy/tenant.ts'
import { wireSchema } from './schema.ts'
import type { Tool } from './tool.ts'

/** What tools there are, for whom, and how they look on the wire (MCP 2026-07-28, server/tools). */
export interface Catalogue {
  /** What this principal may see (D12) and their tenant has not switched off, sorted by name, in the form of the wire; made once, not per request. */
  visible(principal: Principal): readonly WireTool[]
  /** All scopes a call of this tool needs; null when there is no such tool for this principal (`offersTo`). */
  requiredScopes(principal: Principal, name: string): readonly string[] | null
  /** How many calls one of this tool counts as; 1 when there is no such tool for this principal. */
  cost(principal: Principal, name: string): number
  /** Every scope that some tool, resource or prompt needs, sorted; for metadata and for tenancy's roles. */
  readonly scopes: readonly string[]
}

/** Does the role (or key) alone give all that the tool, resource or prompt needs? If not, it does not exist for them (D12). */
export const existsFor = (principal: Principal, tool: Pick<Tool, 'scopes'>): boolean =>
  tool.scopes.every((scope) => principal.role_scopes.has(scope))

/** Is there this tool for them? What their tenant has switched off is to nobody in it. Asked for every call: nothing is looked up where all is on. */
export function offersTo(principal: Principal, tool: Pick<Tool, 'name' | 'scopes'>): boolean {
  const { toolsOff } = principal.tenant
  return (toolsOff.size === 0 || !toolsOff.has(tool.name)) && existsFor(principal, tool)
}

/** What one set of scopes may see: everything, and that without what tenants have switched off. */
interface Lists {
  readonly whole: readonly WireTool[]
  /** By a tenant's set, as it is read anew for each of its people now and then. */
  readonly ofSet: WeakMap<ReadonlySet<string>, readonly WireTool[]>
  /** By the names that are missing: one list for all who lack the same, as the lane keeps its text with the list. */
  readonly without: LRUCache<string, readonly WireTool[]>
}

/** Lists of one set of scopes that are kept for those who ask for the first time; who has one keeps it. */
const MOST_LISTS = 200

/** @param more resources and prompts: their scopes are known too. */
export function createCatalogue(
  tools: ReadonlyMap<string, Tool>,
  more: readonly Pick<Tool, 'scopes'>[] = [],
): Catalogue {
  const sorted = [...tools.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const wire = new Map(sorted.map((tool) => [tool, wireTool(tool)]))
  // Principals of one role share their set of scopes, so its identity is a good key; nothing is kept alive by it.
  const lists = new WeakMap<ReadonlySet<string>, Lists>()
  function listsOf(principal: Principal): Lists {
    const held = lists.get(principal.role_scopes)
    if (held !== undefined) return held
    const whole = [...wire].filter(([tool]) => existsFor(principal, tool)).map(([, shape]) => shape)
    const made: Lists = { whole, ofSet: new WeakMap(), without: new LRUCache({ max: MOST_LISTS }) }
    lists.set(principal.role_scopes, made)
    return made
  }
  return {
    visible(principal) {
      const held = listsOf(principal)
      const { toolsOff } = principal.tenant
      if (toolsOff.size === 0) return held.whole
      return held.ofSet.get(toolsOff) ?? cut(held, toolsOff)
    },
    requiredScopes(principal, name) {
      const tool = tools.get(name)
      return tool !== undefined && offersTo(principal, tool) ? tool.scopes : null
    },
    cost(principal, name) {
      const tool = tools.get(name)
      return tool !== undefined && offersTo(principal, tool) ? (tool.cost ?? 1) : 1
    },
    scopes: scopesOf([...sorted, ...more]),
  }
}

function cut({ whole, ofSet, without }: Lists, off: ReadonlySet<string>): readonly WireTool[] {
  const missing = whole.flatMap(({ name }) => (off.has(name) ? [name] : [])).join(' ')
  const list = missing === '' ? whole : (without.get(missing) ?? whole.filter(({ name }) => !off.has(name)))
  if (missing !== '') without.set(missing, list)
  ofSet.set(off, list)
  return list
}

/** Every scope that one of them needs, once, sorted. */
export const scopesOf = (things: readonly Pick<Tool, 'scopes'>[]): readonly string[] =>
  [...new Set(things.flatMap(({ scopes }) => scopes))].sort()

function wireTool(tool: Tool): WireTool {
  const readOnly = tool.access !== 'write' && !(tool.access === 'none' && tool.annotations?.readOnlyHint === false)
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: wireSchema(tool.input, 'input'),
    ...(tool.output === undefined ? {} : { outputSchema: wireSchema(tool.output, 'output') }),
    annotations: {
      title: tool.title,
      readOnlyHint: readOnly,
      destructiveHint: !readOnly && tool.annotations?.destructiveHint === true,
      idempotentHint: readOnly || tool.annotations?.idempotentHint === true,
      openWorldHint: tool.annotations?.openWorldHint === true,
    },
  }
}
