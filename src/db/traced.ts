import type { Tracing } from '#base/tracing.ts'
import type { Database } from './database.ts'
import { outcomeOf } from './metrics.ts'

/** The same door, with a span for each transaction of a tenant: from its first wait to COMMIT or ROLLBACK. */
export function traced(tracing: Tracing, enter: Database['tenant']): Database['tenant'] {
  if (!tracing.on) return enter
  return async (place, options, run) => {
    const attributes = {
      'db.system.name': 'postgresql',
      'db.namespace': place.schema,
      'gatehouse.access': options.access,
    }
    const about = { kind: 'client', attributes, typeOf: outcomeOf } as const
    return await tracing.span('tenant transaction', about, async () => await enter(place, options, run))
  }
}
