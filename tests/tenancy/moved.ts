import { afterAll, beforeAll } from 'vitest'
import { uuidv7 } from '#base/id.ts'
import type { Database, TenantDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { Transfer } from '#db/transfer.ts'
import { auditKey } from '#tenancy/audit.ts'
import { createMoves, type Moves } from '#tenancy/moves.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { secondServer, type SecondServer } from '../support/second-server.ts'
import { operator, startReplica, type Replica } from './support.ts'

/** Two real servers, a process, and another one that learns of a move only by the fence it meets. For a whole test file. */
export interface TwoServers {
  readonly fresh: FreshDatabase
  readonly second: SecondServer
  readonly replica: Replica
  readonly stale: Database
  movesOf(database: Database): Moves
  moves(): Moves
  make(slug: string): Promise<Tenant>
  /** As the registry has it now. */
  now(tenant: Tenant): Promise<Tenant>
}

const KEY = auditKey('a secret of these tests only, 0123456789', 'moves')
/** As a process that dies leaves others waiting no longer than this. */
const LEASE = 400

/** Filled before the first test of the file. */
export function twoServers(): TwoServers {
  const servers = {} as { -readonly [Name in keyof TwoServers]: TwoServers[Name] }
  beforeAll(async () => {
    const second = await secondServer()
    const fresh = await freshDatabase({ kind: 'postgres', overrides: { placements: { two: second.url } } })
    const replica = await startReplica(fresh)
    const movesOf = (database: Database): Moves =>
      createMoves({ database, clock: replica.clock, auditKey: KEY, lease: LEASE })
    Object.assign(servers, {
      fresh,
      second,
      replica,
      stale: await fresh.open(),
      movesOf,
      moves: () => movesOf(fresh.database),
      make: async (slug: string) => await replica.registry.tenants.create(operator, { slug }),
      now: async ({ slug }: Tenant) => await replica.registry.tenants.get(operator, slug),
    })
  })
  afterAll(async () => {
    await servers.fresh.drop()
    await servers.second.stop()
  })
  return servers
}

export async function addProject(db: TenantDb, name: string): Promise<string> {
  const id = uuidv7()
  await db.query(
    sql`INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES (${id}, ${name}, 'a', now(), now())`,
  )
  return id
}
export const add = async (database: Database, tenant: Tenant, name: string): Promise<string> =>
  await database.tenant(tenant, { access: 'write' }, async (db) => await addProject(db, name))
export const names = async (database: Database, tenant: Tenant): Promise<readonly string[]> => {
  const rows = await database.tenant(
    tenant,
    { access: 'read' },
    async (db) => await db.query<{ name: string }>(sql`SELECT name FROM projects ORDER BY id`),
  )
  return rows.map(({ name }) => name)
}
export const there = async (server: Pick<SecondServer, 'sql'>, { schema }: Tenant): Promise<boolean> =>
  (await server.sql('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])).length > 0

/** Of a Transfer, in their order. */
export const STEPS = ['prepare', 'copy', 'take', 'round', 'stop', 'land', 'settled'] as const
export type StepName = (typeof STEPS)[number]

/** The database, in which a move dies at a step: before it, or after it was done and before anybody knew. */
export const dies = (database: Database, step: StepName, when: 'before' | 'after'): Database => ({
  ...database,
  admin: {
    ...database.admin,
    transfer: (place) => {
      const transfer = database.admin.transfer(place)
      const dead = async (): Promise<never> => {
        throw new Error('killed')
      }
      const last: { -readonly [Name in keyof Transfer]: Transfer[Name] } = {
        ...transfer,
        // Nothing comes after its death.
        async [step](...given: never[]) {
          if (when === 'after') await (transfer[step] as (...all: never[]) => Promise<unknown>)(...given)
          for (const name of Object.keys(last) as (keyof Transfer)[]) if (name !== 'close') last[name] = dead
          throw new Error('killed')
        },
      }
      return last
    },
  },
})
