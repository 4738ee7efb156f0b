import type { Clock } from '#base/clock.ts'
import type { Change, ControlActor, ControlDb, Database } from '#db/database.ts'
import { insertAudit, signAudit, type AuditEntry } from './audit.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, OperatorActor } from './registry.ts'
import { securityEvent, type SecurityEvents } from './security-event.ts'
import type { Tenant } from './tenant.ts'

/** One administrative change: what the audit keeps of it and what replicas are told. */
export interface Note {
  /** `object.verb` in the past tense. */
  readonly action: string
  readonly target: string
  readonly detail?: Readonly<Record<string, unknown>>
  /** Whom it concerns, when that shows only inside the transaction. */
  readonly tenant?: string
  readonly changes: readonly Change[]
}

/** The columns of the audit that say who, and whether they may change anything. */
export interface Author extends Pick<AuditEntry, 'iss' | 'sub' | 'key_id' | 'request_id' | 'ip'> {
  /** They see a tenant as its admin does (D37): whatever would be changed in their name is refused by Postgres. */
  readonly onlooker?: true
}

export interface LedgerOptions {
  readonly database: Database
  readonly clock: Clock
  readonly auditKey: Buffer
  /** Told of each change once it is committed. Absent: the audit alone tells. */
  readonly events?: SecurityEvents
}

/** A change, its audit row in the same transaction, and the word to every replica after it: always the three together. */
export interface Ledger {
  /** `run` answers its result and what to note; null or nothing in the list: nothing was changed. */
  write<T>(
    as: ControlActor,
    tenant: string | null,
    author: Author,
    run: (db: ControlDb) => Promise<readonly [T, Note | readonly Note[] | null]>,
  ): Promise<T>
  /**
   * The same for a transaction that someone else opens (provisioning, fences): `begin` is given what to do inside it, and how to tell
   * of it when it goes on for long after the transaction.
   */
  within(
    tenant: string | null,
    author: Author,
    note: Note,
    begin: (inside: (db: ControlDb) => Promise<void>, tell: () => Promise<void>) => Promise<void>,
  ): Promise<void>
}

export function createLedger({ database, clock, auditKey, events }: LedgerOptions): Ledger {
  async function audit(
    db: ControlDb,
    tenant: string | null,
    { iss, sub, key_id, request_id, ip }: Author,
    note: Note,
  ): Promise<AuditEntry> {
    const author = { iss, sub, key_id, request_id, ip }
    const now = clock.now()
    const nothing = { latency_ms: null, arguments_digest: null } as const
    const what = {
      at: now,
      tenant_id: note.tenant ?? tenant,
      action: note.action,
      target: note.target,
      detail: note.detail ?? null,
      outcome: 'ok' as const,
    }
    const entry = { ...what, ...author, ...nothing }
    await insertAudit(db, [signAudit(auditKey, entry, now)])
    return entry
  }

  const told = (entries: readonly AuditEntry[]): void => {
    for (const entry of entries) events?.(securityEvent(entry))
  }

  /** For an onlooker: `run` can change nothing, and nothing but the reading itself is noted. */
  async function onlyRead<T>(
    as: ControlActor,
    tenant: string | null,
    author: Author,
    run: (db: ControlDb) => Promise<readonly [T, Note | readonly Note[] | null]>,
  ): Promise<T> {
    const [result, noted] = await database.control({ ...as, access: 'read' }, run).catch((error: unknown) => {
      throw isReadOnly(error) ? onlooking() : error
    })
    const notes = listOf(noted)
    if (notes.some(({ action }) => action !== READING)) throw onlooking()
    if (notes.length > 0)
      told(
        await database.control({ ...as, access: 'write' }, async (db) => {
          const entries: AuditEntry[] = []
          for (const note of notes) entries.push(await audit(db, tenant, author, note))
          return entries
        }),
      )
    return result
  }

  async function announce(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      // The change is committed, whatever comes now. Whoever missed the word sees a gap (D21), or 30 s pass.
      await database.announce(change).catch(() => {})
    }
  }

  return {
    async write(as, tenant, author, run) {
      if (author.onlooker === true) return await onlyRead(as, tenant, author, run)
      const [result, notes, entries] = await database.control(as, async (db) => {
        const [result, noted] = await run(db)
        const notes = listOf(noted)
        const entries: AuditEntry[] = []
        for (const note of notes) entries.push(await audit(db, tenant, author, note))
        return [result, notes, entries] as const
      })
      told(entries)
      await announce(notes.flatMap(({ changes }) => changes))
      return result
    },
    async within(tenant, author, note, begin) {
      if (author.onlooker === true) throw onlooking()
      const entries: AuditEntry[] = []
      await begin(
        // A transaction may be tried again: then what it noted before is gone.
        async (db) => void entries.splice(0, Infinity, await audit(db, tenant, author, note)),
        async () => await announce(note.changes),
      )
      told(entries)
      await announce(note.changes)
    },
  }
}

const listOf = (noted: Note | readonly Note[] | null): readonly Note[] =>
  noted === null ? [] : 'action' in noted ? [noted] : noted

/** Who of an Actor, for the audit. */
export function authorOf(actor: Actor): Author {
  if (actor.kind === 'operator') {
    const { name, request_id = null, ip = null } = actor
    return { iss: 'operator', sub: name, key_id: null, request_id, ip }
  }
  const { identity, onlooker } = actor.principal
  if (onlooker === true) return { ...authorOf(operatorOf(actor)), onlooker }
  return {
    iss: identity.iss,
    sub: identity.sub,
    key_id: identity.key?.id ?? null,
    request_id: actor.request_id,
    ip: actor.ip,
  }
}

/** What an onlooker leaves behind by looking. */
const READING = 'audit.read'

/** The end of whatever an onlooker tried to change (D37), wherever it was tried. */
export const onlooking = (): RegistryError =>
  new RegistryError('forbidden', 'you see this organisation as its admin does: nothing can be changed')

/** The operator behind an onlooker: in the audit they stand as what they are. */
const operatorOf = ({ principal, request_id, ip }: Extract<Actor, { kind: 'person' }>): OperatorActor => ({
  kind: 'operator',
  name: `${principal.identity.iss}|${principal.identity.sub}`,
  ip,
  ...(request_id === null ? {} : { request_id }),
})

/** Operators reach everything, a person the rows of their own tenant (row security holds it too). */
export function roleFor(actor: Actor, tenant: Tenant): ControlActor {
  if (actor.kind === 'operator') return { as: 'operator' }
  if (actor.principal.tenant.id !== tenant.id) throw new RegistryError('unknown', `there is no tenant ${tenant.slug}`)
  const { onlooker } = actor.principal
  return { as: 'desk', tenant: tenant.id, ...(onlooker === true ? { access: 'read' } : {}) }
}

export const hasScope = (actor: Actor, scope: string): boolean =>
  actor.kind === 'operator' || actor.principal.scopes.has(scope)

/** forbidden: the actor's present scopes do not hold this one. */
export function needScope(actor: Actor, scope: string): void {
  if (!hasScope(actor, scope)) throw new RegistryError('forbidden', `this needs the scope ${scope}`)
}

export function needOperator(actor: Actor): void {
  if (actor.kind !== 'operator') throw new RegistryError('forbidden', 'only an operator can do this')
}

/** Did Postgres refuse a change in a transaction that only reads (SQLSTATE 25006)? */
const isReadOnly = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '25006'

/** Did Postgres refuse a second row of what there can be only one (SQLSTATE 23505)? */
export const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '23505'
