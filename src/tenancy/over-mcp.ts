import type { Principal } from './tenant.ts'

/** What an agent can be talked into by a document it reads (D32). */
const OWNERS_CHOICE: readonly string[] = ['tenant:admin', 'tenant:owner']

/**
 * Who a caller is over MCP: without the power over the tenant itself until an owner has turned that on (D32). A tool that needs it
 * is then unknown to them, as a tool that their role does not give. Not for the API and the console.
 */
export function overMcp(principal: Principal): Principal {
  if (principal.tenant.mcpAdmin) return principal
  return { ...principal, scopes: without(principal.scopes), role_scopes: without(principal.role_scopes) }
}

const without = (scopes: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...scopes].filter((scope) => !OWNERS_CHOICE.includes(scope)))
