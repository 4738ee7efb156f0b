import type { Tool as WireTool } from '@modelcontextprotocol/server'
import type { Principal } from '#tenancy/tenant.ts'
import { wireSchema } from './schema.ts'
import type { Tool } from './tool.ts'

/** What tools there are, for whom, and how they look on the wire (MCP 2026-07-28, server/tools). */
export interface Catalogue {
  /** What this principal may see (D12), sorted by name, in the form of the wire; made once, not per request. */
  visible(principal: Principal): readonly WireTool[]
  /** All scopes a call of this tool needs; null when there is no such tool for this principal (D12: missing by role or key). */
  requiredScopes(principal: Principal, name: string): readonly string[] | null
  /** How many calls one of this tool counts as; 1 when there is no such tool for this principal. */
  cost(principal: Principal, name: string): number
  /** Every scope that some tool, resource or prompt needs, sorted; for metadata and for tenancy's roles. */
  readonly scopes: readonly string[]
}

/** Does the role (or key) alone give all that the tool, resource or prompt needs? If not, it does not exist for them (D12). */
export const existsFor = (principal: Principal, tool: Pick<Tool, 'scopes'>): boolean =>
  tool.scopes.every((scope) => principal.role_scopes.has(scope))

/** @param more resources and prompts: their scopes are known too. */
export function createCatalogue(
  tools: ReadonlyMap<string, Tool>,
  more: readonly Pick<Tool, 'scopes'>[] = [],
): Catalogue {
  const sorted = [...tools.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const wire = new Map(sorted.map((tool) => [tool, wireTool(tool)]))
  // Principals of one role share their set of scopes, so its identity is a good key; nothing is kept alive by it.
  const lists = new WeakMap<ReadonlySet<string>, readonly WireTool[]>()
  return {
    visible(principal) {
      const held = lists.get(principal.role_scopes)
      if (held !== undefined) return held
      const list = [...wire].filter(([tool]) => existsFor(principal, tool)).map(([, shape]) => shape)
      lists.set(principal.role_scopes, list)
      return list
    },
    requiredScopes(principal, name) {
      const tool = tools.get(name)
      return tool !== undefined && existsFor(principal, tool) ? tool.scopes : null
    },
    cost(principal, name) {
      const tool = tools.get(name)
      return tool !== undefined && existsFor(principal, tool) ? (tool.cost ?? 1) : 1
    },
    scopes: scopesOf([...sorted, ...more]),
  }
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
