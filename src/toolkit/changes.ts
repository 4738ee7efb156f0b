import type { Change } from './context.ts'

/** Who listens for changes in which tenant: a change is told in its own tenant and nowhere else. In this process only. */
export interface Changes {
  publish(tenantId: string, change: Change): void
  /** Tells every tenant's listeners: what is offered to all has changed. */
  everywhere(change: Change): void
  /** Answers how to stop. */
  subscribe(tenantId: string, listener: (change: Change) => void): () => void
}

export function createChanges(): Changes {
  const listeners = new Map<string, Set<(change: Change) => void>>()
  return {
    publish(tenantId, change) {
      for (const listener of listeners.get(tenantId) ?? []) listener(change)
    },
    everywhere(change) {
      for (const own of listeners.values()) for (const listener of own) listener(change)
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
