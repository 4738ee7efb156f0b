import { isUuid, uuidv7 } from '#base/id.ts'
import { sql } from '#db/sql.ts'
import { authorOf, createLedger, needScope, roleFor, type Note } from './ledger.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import { rfc3339 } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

/** Something that waits for a person's word. */
export interface ConfirmationRecord {
  readonly id: string
  /** Id of the operation. */
  readonly operation: string
  /** As the chat gave it: not checked since. */
  readonly input: Readonly<Record<string, unknown>>
  /** The client that asked; null: its token does not say. */
  readonly client_id: string | null
  readonly created_at: string
  readonly expires_at: string
}

/**
 * What over MCP changes nothing by itself, because a document can talk an agent into anything (D32): it is written down, and the same person
 * confirms it in the console. All functions: unknown: there is none, it is another person's, settled, or over. Keys cannot ask, as nobody
 * signs in to the console with one.
 */
export interface Confirmations {
  /** Needs `tenant:admin`. forbidden: a key; conflict: MOST_OPEN wait already. */
  ask(
    tenant: Tenant,
    actor: Actor,
    request: { readonly operation: string; readonly input: Readonly<Record<string, unknown>> },
  ): Promise<ConfirmationRecord>
  show(tenant: Tenant, actor: Actor, id: string): Promise<ConfirmationRecord>
  /** The earliest first. */
  list(tenant: Tenant, actor: Actor): Promise<readonly ConfirmationRecord[]>
  /** Takes it, for one use: of two who press at once one gets `unknown`. */
  take(tenant: Tenant, actor: Actor, id: string): Promise<ConfirmationRecord>
  /** What was taken could not be done: it waits again. */
  putBack(tenant: Tenant, actor: Actor, id: string): Promise<void>
  discard(tenant: Tenant, actor: Actor, id: string): Promise<void>
}

/** Milliseconds. */
const LIFE = 600_000
/** Of one person in one tenant. */
const MOST_OPEN = 20

interface Row extends Omit<ConfirmationRecord, 'created_at' | 'expires_at'> {
  readonly created_at: Date
  readonly expires_at: Date
}

export function createConfirmations(options: RegistryOptions): Confirmations {
  const { database, clock } = options
  const ledger = createLedger(options)

  async function open(tenant: Tenant, actor: Actor, id: string | null): Promise<readonly ConfirmationRecord[]> {
    const { iss, sub } = personOf(actor)
    const now = new Date(clock.now())
    const rows = await database.control(
      roleFor(actor, tenant),
      async (db) =>
        await db.query<Row>(sql`
          SELECT id, operation, input, client_id, created_at, expires_at FROM confirmations
          WHERE tenant_id = ${tenant.id} AND iss = ${iss} AND sub = ${sub} AND settled_at IS NULL AND expires_at > ${now}
            AND (${id}::uuid IS NULL OR id = ${id}) ORDER BY id`),
    )
    return rows.map(toRecord)
  }

  async function show(tenant: Tenant, actor: Actor, id: string): Promise<ConfirmationRecord> {
    const [record] = isUuid(id) ? await open(tenant, actor, id) : []
    if (record === undefined) throw gone()
    return record
  }

  async function settle(tenant: Tenant, actor: Actor, id: string, verb: string): Promise<ConfirmationRecord> {
    if (!isUuid(id)) throw gone()
    const { iss, sub } = personOf(actor)
    const now = new Date(clock.now())
    return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
      const [row] = await db.query<Row>(sql`
        UPDATE confirmations SET settled_at = ${now}
        WHERE tenant_id = ${tenant.id} AND id = ${id} AND iss = ${iss} AND sub = ${sub} AND settled_at IS NULL AND expires_at > ${now}
        RETURNING id, operation, input, client_id, created_at, expires_at`)
      if (row === undefined) throw gone()
      return [toRecord(row), noteOf(row, verb)]
    })
  }

  return {
    async ask(tenant, actor, { operation, input }) {
      needScope(actor, 'tenant:admin')
      const { iss, sub, client_id } = personOf(actor)
      const now = clock.now()
      const row: Row = {
        id: uuidv7(now),
        operation,
        input,
        client_id,
        created_at: new Date(now),
        expires_at: new Date(now + LIFE),
      }
      return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
        await db.query(
          sql`DELETE FROM confirmations WHERE tenant_id = ${tenant.id} AND expires_at <= ${row.created_at}`,
        )
        const waiting = await db.query<{ id: string }>(sql`
          SELECT id FROM confirmations WHERE tenant_id = ${tenant.id} AND iss = ${iss} AND sub = ${sub} AND settled_at IS NULL`)
        if (waiting.length >= MOST_OPEN)
          throw new RegistryError('conflict', `${MOST_OPEN} requests wait for you in the console: settle those first`)
        await db.query(sql`
          INSERT INTO confirmations (id, tenant_id, iss, sub, client_id, operation, input, created_at, expires_at)
          VALUES (${row.id}, ${tenant.id}, ${iss}, ${sub}, ${client_id}, ${operation}, ${JSON.stringify(input)}::jsonb, ${row.created_at},
            ${row.expires_at})`)
        return [toRecord(row), noteOf(row, 'asked')]
      })
    },
    show,
    list: async (tenant, actor) => await open(tenant, actor, null),
    take: async (tenant, actor, id) => await settle(tenant, actor, id, 'given'),
    async putBack(tenant, actor, id) {
      const { iss, sub } = personOf(actor)
      await database.control(roleFor(actor, tenant), async (db) => {
        await db.query(sql`
          UPDATE confirmations SET settled_at = NULL
          WHERE tenant_id = ${tenant.id} AND id = ${id} AND iss = ${iss} AND sub = ${sub}`)
      })
    },
    discard: async (tenant, actor, id) => void (await settle(tenant, actor, id, 'discarded')),
  }
}

/** forbidden: an operator or a key, who cannot come to the console as this person. */
function personOf(actor: Actor): { readonly iss: string; readonly sub: string; readonly client_id: string | null } {
  if (actor.kind === 'operator' || actor.principal.identity.key !== null)
    throw new RegistryError(
      'forbidden',
      'only a person who signs in to the console can confirm this: a key uses the API',
    )
  return actor.principal.identity
}

const gone = (): RegistryError =>
  new RegistryError('unknown', 'there is no such request: it was settled, or took longer than 10 minutes')

const noteOf = ({ id, operation, input }: Row, verb: string): Note => ({
  action: `confirmation.${verb}`,
  target: id,
  detail: { operation, input },
  changes: [],
})

const toRecord = ({ created_at, expires_at, ...row }: Row): ConfirmationRecord => ({
  ...row,
  created_at: rfc3339(created_at),
  expires_at: rfc3339(expires_at),
})
