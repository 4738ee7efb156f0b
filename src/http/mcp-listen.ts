import type { ServerEvent, ServerEventBus } from '@modelcontextprotocol/server'
import type { Principal } from '#tenancy/tenant.ts'
import type { Changes } from '#toolkit/changes.ts'
import type { Change } from '#toolkit/context.ts'
import type { Library } from '#toolkit/library.ts'

/** What one subscriptions/listen stream hears: changes in its own tenant, and of resources only those its principal may read. */
export const tenantBus = (principal: Principal, changes: Changes, library: Library): ServerEventBus => ({
  // Changes come from the toolkit alone.
  publish: () => {},
  subscribe: (listener) =>
    changes.subscribe(principal.tenant.id, (change) => {
      const event = eventOf(change)
      if (event.kind === 'resource_updated') {
        const needed = library.requiredScopes(principal, 'resource', event.uri)
        if (needed === null || !needed.every((scope) => principal.scopes.has(scope))) return
      }
      listener(event)
    }),
})

const eventOf = (change: Change): ServerEvent =>
  typeof change === 'object'
    ? { kind: 'resource_updated', uri: change.resource }
    : { kind: `${change}_list_changed` as const }
