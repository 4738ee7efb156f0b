import type { ServerEvent, ServerEventBus } from '@modelcontextprotocol/server'
import type { Principal } from '#tenancy/tenant.ts'
import type { Changes } from '#toolkit/changes.ts'
import type { Change } from '#toolkit/context.ts'
import type { Library } from '#toolkit/library.ts'
import { isObject } from './message.ts'

/**
 * What one subscriptions/listen stream hears: changes in its own tenant, and of resources only those its principal may read.
 * @param message the request: which resources it names, all of which are told when anything may have changed.
 */
export const tenantBus = (
  principal: Principal,
  changes: Changes,
  library: Pick<Library, 'requiredScopes'>,
  message: unknown,
): ServerEventBus => ({
  // Changes come from the toolkit alone.
  publish: () => {},
  subscribe: (listener) =>
    changes.subscribe(principal.tenant.id, (news) => {
      for (const change of news === 'anything' ? anything(message) : [news]) {
        const event = eventOf(change)
        if (event.kind === 'resource_updated') {
          const needed = library.requiredScopes(principal, 'resource', event.uri)
          if (needed === null || !needed.every((scope) => principal.scopes.has(scope))) continue
        }
        listener(event)
      }
    }),
})

function anything(message: unknown): readonly Change[] {
  const params = isObject(message) ? message['params'] : null
  const filter = isObject(params) ? params['notifications'] : null
  const uris = isObject(filter) ? filter['resourceSubscriptions'] : null
  const named = Array.isArray(uris) ? uris.filter((uri): uri is string => typeof uri === 'string') : []
  return ['tools', 'prompts', 'resources', ...named.map((resource) => ({ resource }))]
}

const eventOf = (change: Change): ServerEvent =>
  typeof change === 'object'
    ? { kind: 'resource_updated', uri: change.resource }
    : { kind: `${change}_list_changed` as const }
