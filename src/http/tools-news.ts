import type { Change } from '#db/database.ts'
import type { SharedChanges } from '#toolkit/changes-shared.ts'

/**
 * Tells who listens in a tenant that its list of tools may be another: when the tenant's row has changed, where its switches are. Each process
 * hears of that from the registry and tells its own, once it holds nothing older: who were told sooner would ask, and be given the old list.
 */
export const tellOfTools =
  (changes: Pick<SharedChanges, 'here' | 'everywhere'>) =>
  (change: Change | null): void => {
    if (change !== null && change.table !== 'tenants') return
    if (change === null || change.tenant === null) changes.everywhere('tools')
    else changes.here(change.tenant, 'tools')
  }
