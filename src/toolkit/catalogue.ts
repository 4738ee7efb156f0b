import type { Tool as WireTool } from '@modelcontextprotocol/server'
import type { Principal } from '#tenancy/tenant.ts'
import type { Tool } from './tool.ts'

export interface Catalogue {
  /** What this principal may see (D12), sorted by name, in the form of the wire; made once, not per request. */
  visible(principal: Principal): readonly WireTool[]
  /** All scopes a call of this tool needs; null when there is no such tool for this principal (D12: missing by role or key). */
  requiredScopes(principal: Principal, name: string): readonly string[] | null
  /** Every scope that some tool needs, sorted; for metadata and for tenancy's roles. */
  readonly scopes: readonly string[]
}

export function createCatalogue(_tools: ReadonlyMap<string, Tool>): Catalogue {
  throw new Error('unfinished')
}
