import { uuidv7 } from '#base/id.ts'
import type { ControlActor } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { Identity } from '#identity/identity.ts'
import { personDigest } from './digest.ts'
import { authorOf, createLedger, needOperator, type Author } from './ledger.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import { rfc3339, rfc3339OrNull } from './tenant-row.ts'
import { boundedText } from './text.ts'

interface RevocationRecord {
  readonly id: string
  readonly kind: 'token' | 'person'
  readonly digest: string
  readonly iss: string | null
  readonly sub: string | null
  readonly reason: string | null
  readonly created_at: string
  readonly until: string | null
}

/** What is refused everywhere (D22). Repeating one changes nothing. Announced with the digest as the change's id. */
export interface Revocations {
  /** One token, by `revocationDigest`; a person may revoke a token they hold. `until`: milliseconds, when it expires anyway; null: unknown. */
  revokeToken(
    actor: Actor,
    input: { readonly digest: string; readonly until: number | null; readonly reason?: string },
  ): Promise<void>
  /** The same at the word of whoever presented the token, which was just found good: they need belong to no tenant (RFC 7009). */
  revokePresented(
    token: { readonly identity: Identity; readonly digest: string; readonly until: number | null },
    from: { readonly ip: string | null; readonly requestId: string },
  ): Promise<void>
  /** Operators only: (iss, sub) is refused in every tenant, and so are the keys they made. */
  blockPerson(
    actor: Actor,
    input: { readonly iss: string; readonly sub: string; readonly reason?: string },
  ): Promise<void>
  /** Operators only. unknown: not blocked. */
  unblockPerson(actor: Actor, input: { readonly iss: string; readonly sub: string }): Promise<void>
  /** Operators only; complete. */
  list(actor: Actor): Promise<readonly RevocationRecord[]>
}

interface Row extends Omit<RevocationRecord, 'created_at' | 'until'> {
  readonly created_at: Date
  readonly until: Date | null
}

export function createRevocations(
  options: Pick<RegistryOptions, 'database' | 'clock' | 'auditKey' | 'events'>,
): Revocations {
  const { database, clock } = options
  const ledger = createLedger(options)

  async function revoke(
    as: ControlActor,
    tenant: string | null,
    author: Author,
    row: Omit<Row, 'id' | 'created_at'>,
  ): Promise<void> {
    const now = clock.now()
    await ledger.write(as, tenant, author, async (db) => {
      // Without RETURNING and by DO NOTHING, so that one who may only insert can repeat it.
      await db.query(sql`
        INSERT INTO revocations (id, kind, digest, iss, sub, reason, created_at, until)
        VALUES (${uuidv7(now)}, ${row.kind}, ${row.digest}, ${row.iss}, ${row.sub}, ${row.reason}, ${new Date(now)}, ${row.until})
        ON CONFLICT DO NOTHING`)
      const detail = { iss: row.iss, sub: row.sub, reason: row.reason }
      const action = row.kind === 'token' ? 'token.revoked' : 'person.blocked'
      return [
        undefined,
        { action, target: row.digest, detail, changes: [{ table: 'revocations', tenant: null, id: row.digest }] },
      ]
    })
  }

  return {
    async revokeToken(actor, { digest, until, reason }) {
      if (!/^[0-9a-f]{64}$/.test(digest))
        throw new RegistryError('invalid', 'a token is named by the hex SHA-256 of it')
      const as: ControlActor = { as: actor.kind === 'operator' ? 'operator' : 'resolver' }
      const row = {
        kind: 'token',
        digest,
        iss: null,
        sub: null,
        reason: reasonOf(reason),
        until: until === null ? null : new Date(until),
      } as const
      await revoke(as, actor.kind === 'person' ? actor.principal.tenant.id : null, authorOf(actor), row)
    },
    async revokePresented({ identity: { iss, sub, key }, digest, until }, { ip, requestId }) {
      const author = { iss, sub, key_id: key?.id ?? null, request_id: requestId, ip }
      const row = {
        kind: 'token',
        digest,
        iss: null,
        sub: null,
        reason: null,
        until: until === null ? null : new Date(until),
      } as const
      await revoke({ as: 'resolver' }, null, author, row)
    },
    async blockPerson(actor, { iss, sub, reason }) {
      needOperator(actor)
      const person = { iss: boundedText('the issuer', iss, 2048), sub: boundedText('the subject', sub, 255) }
      const row = {
        kind: 'person',
        digest: personDigest(person.iss, person.sub),
        ...person,
        reason: reasonOf(reason),
        until: null,
      } as const
      await revoke({ as: 'operator' }, null, authorOf(actor), row)
    },
    async unblockPerson(actor, { iss, sub }) {
      needOperator(actor)
      const digest = personDigest(iss, sub)
      await ledger.write({ as: 'operator' }, null, authorOf(actor), async (db) => {
        const rows = await db.query(
          sql`DELETE FROM revocations WHERE kind = 'person' AND digest = ${digest} RETURNING id`,
        )
        if (rows.length === 0) throw new RegistryError('unknown', 'this person is not blocked')
        const changes = [{ table: 'revocations' as const, tenant: null, id: digest }]
        return [undefined, { action: 'person.unblocked', target: digest, detail: { iss, sub }, changes }]
      })
    },
    async list(actor) {
      needOperator(actor)
      const rows = await database.control({ as: 'operator' }, async (db) => {
        return await db.query<Row>(
          sql`SELECT id, kind, digest, iss, sub, reason, created_at, until FROM revocations ORDER BY id`,
        )
      })
      return rows.map((row) => ({ ...row, created_at: rfc3339(row.created_at), until: rfc3339OrNull(row.until) }))
    },
  }
}

const reasonOf = (reason: string | undefined): string | null =>
  reason === undefined ? null : boundedText('the reason', reason, 500)
