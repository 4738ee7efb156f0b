import type { Change } from './context.ts'

/** What who listens is told: a change, or that anything may have changed, as some news may have been missed. */
export type News = Change | 'anything'

/** Who listens for changes in which tenant: a change is told in its own tenant and nowhere else. */
export interface Changes {
  publish(tenantId: string, change: Change): void
  /** Tells every tenant's listeners: what is offered to all has changed. */
  everywhere(change: Change): void
  /** Answers how to stop. */
  subscribe(tenantId: string, listener: (news: News) => void): () => void
}

/** Those of this process alone. */
export interface LocalChanges extends Changes {
  publish(tenantId: string, news: News): void
  everywhere(news: News): void
}

export function createChanges(): LocalChanges {
  const listeners = new Map<string, Set<(news: News) => void>>()
  return {
    publish(tenantId, news) {
      for (const listener of listeners.get(tenantId) ?? []) listener(news)
    },
    everywhere(news) {
      for (const own of listeners.values()) for (const listener of own) listener(news)
    },
    subscribe(tenantId, listener) {
      const own = listeners.get(tenantId) ?? new Set()
      listeners.set(tenantId, own.add(listener))
      return () => {
        own.delete(listener)
        if (own.size === 0 && listeners.get(tenantId) === own) listeners.delete(tenantId)
      }
    },
  }
}
