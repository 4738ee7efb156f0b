import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { adminTransaction } from './admin-connection.ts'
import { placementDrift } from './drift-facts.ts'
import type { Migration } from './migrations.ts'
import { assertSchema, ROLE } from './names.ts'
import { createTenantSchema, type TenantRole } from './tenant-schema.ts'

/** A tenant as the registry has it. */
export interface ExaminedTenant {
  readonly slug: string
  readonly schema: string
  readonly placement: string
  readonly schemaVersion: number
  /** Are its rights in force? Not of one that is suspended, being deleted or moved. */
  readonly atWork: boolean
}

/** What of a tenant is not as the migrations make it; each at most `MOST_LINES` lines. */
export interface TenantDrift extends Pick<ExaminedTenant, 'slug' | 'schema' | 'placement'> {
  /** Facts that should hold and do not. */
  readonly lacks: readonly string[]
  /** Facts that hold and should not. */
  readonly has: readonly string[]
}

const MOST_LINES = 5

export interface DriftOptions {
  readonly pool: (placement: string) => pg.Pool
  readonly migrations: readonly Migration[]
  readonly roleOf: (schema: string) => TenantRole
}

/**
 * Compares tenants of one placement with a schema that is made for the purpose, by the same migrations on the same server, in a transaction
 * that is rolled back: schema, role, tables, columns, indexes, constraints, functions, triggers, rights and digests of migrations.
 * Does not look at rows. Expects at most some hundred tenants; of each one line is compared, and more only where that differs.
 */
export async function examineDrift(
  { pool, migrations, roleOf }: DriftOptions,
  tenants: readonly ExaminedTenant[],
): Promise<readonly TenantDrift[]> {
  const drifted: TenantDrift[] = []
  for (const [placement, there] of groupBy(tenants, ({ placement }) => placement))
    for (const [version, same] of groupBy(there, ({ schemaVersion }) => schemaVersion)) {
      const made = `tenant_doctor_${randomBytes(6).toString('hex')}`
      for (const { schema } of same) assertSchema(schema)
      drifted.push(
        ...(await rolledBack(pool(placement), async (client) => {
          await createTenantSchema(client, roleOf(made), migrations.slice(0, version))
          // Also back from the search path of the migrations, or definitions would name things without their schema.
          await client.query(`SET LOCAL ROLE ${ROLE.owner}; SET LOCAL search_path = ''`)
          return await placementDrift(client, { made, app: roleOf(made).app, tenants: same, most: MOST_LINES })
        })),
      )
    }
  return drifted
}

/** What `work` answers, with nothing left of what it did. */
async function rolledBack<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const answers: T[] = []
  const over = new Error('rolled back on purpose')
  try {
    await adminTransaction(pool, {}, async (client) => {
      answers.push(await work(client))
      throw over
    })
  } catch (error) {
    if (error !== over) throw error
  }
  for (const answer of answers.slice(-1)) return answer
  throw over
}

function groupBy<Item, Key>(items: readonly Item[], key: (item: Item) => Key): ReadonlyMap<Key, readonly Item[]> {
  const groups = new Map<Key, Item[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group === undefined) groups.set(key(item), [item])
    else group.push(item)
  }
  return groups
}
