import type { Principal } from './tenant.ts'

/** What an agent can be talked into by a document it reads (D32). */
const OWNERS_CHOICE: readonly string[] = ['tenant:admin', 'tenant:owner']

/** Who a caller is over MCP. */
export type OverMcp = (principal: Principal) => Principal

/**
 * Without the power over the tenant itself until an owner has turned that on (D32): a tool that needs it is then unknown to them, as a
 * tool that their role does not give. Not for the API and the console.
 */
export function createOverMcp(): OverMcp {
  // Principals of one role share their set of scopes, and whoever keeps something by that set (the catalogue) goes on doing so.
  const cut = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>()
  function without(scopes: ReadonlySet<string>): ReadonlySet<string> {
    const known = cut.get(scopes)
    if (known !== undefined) return known
    const left = new Set([...scopes].filter((scope) => !OWNERS_CHOICE.includes(scope)))
    cut.set(scopes, left)
    return left
  }
  return (principal) =>
    principal.tenant.mcpAdmin
      ? principal
      : { ...principal, scopes: without(principal.scopes), role_scopes: without(principal.role_scopes) }
}
