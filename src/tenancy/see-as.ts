import { firstIdOf } from '#base/id.ts'
import type { Identity } from '#identity/identity.ts'
import { sql } from '#db/sql.ts'
import { userId } from '#identity/identity.ts'
import { authorOf, createLedger, needOperator, type Note } from './ledger.ts'
import { RegistryError } from './registry-error.ts'
import type { OperatorActor, RegistryOptions } from './registry.ts'
import type { Scopes } from './roles.ts'
import type { Principal, Tenant } from './tenant.ts'
import { boundedText } from './text.ts'

/** Milliseconds for which one look lasts (D37). */
export const LOOK_LIFE = 30 * 60_000

const VIEWED = 'see_as.viewed'
const ENDED = 'see_as.ended'
/** Milliseconds in which one page of one look is noted once. */
const VIEW_NOTED = 10 * 60_000

/** One operator's look at one tenant. */
export interface Look {
  /** Why, in the operator's words. */
  readonly reason: string
  /** Milliseconds since the epoch; then it is over. */
  readonly until: number
}

/**
 * An operator sees a tenant as its admin does (D37): with a reason, for 30 minutes, reading only, and only while the tenant's setting
 * `operator_access` is on. Nothing is stored but the tenant's audit, which names the operator and whom they stand for, at the beginning,
 * at each page and at the end. Whoever keeps the look (the console: a sealed cookie) binds it to the session and the tenant.
 */
export interface SeeAs {
  /** @throws RegistryError `forbidden`: no operator, or the tenant does not allow it; `invalid`: no reason; `unknown`: deleted. */
  begin(tenant: Tenant, actor: OperatorActor, identity: Identity, reason: string): Promise<Look>
  /**
   * Whom the operator is in the tenant while they look; asked anew for every page, which is noted. It can change nothing, whatever it is
   * handed to. @throws RegistryError as `begin`; `forbidden` too when the look is over: its time, or because it was ended, or because an owner
   * turned the setting off since, though it be on again. That is noted as its end.
   */
  look(tenant: Tenant, actor: OperatorActor, identity: Identity, look: Look, page: string): Promise<Principal>
  /** Notes the end, after which it opens nothing any more. */
  end(tenant: Tenant, actor: OperatorActor, identity: Identity, look: Look, how: End): Promise<void>
}

/** The operator ended it; its time was over; another look took its place, or they signed out; an owner turned the setting off. */
type End = 'stopped' | 'over' | 'left' | 'withdrawn'

export function createSeeAs(options: RegistryOptions): SeeAs {
  const { database, clock } = options
  const ledger = createLedger(options)
  const scopes = onlookersScopes(options.scopes)

  /** The setting as it is at this moment: an owner who turns it off ends every look with that. */
  async function isOpen({ id, slug }: Tenant): Promise<boolean> {
    const [row] = await database.control({ as: 'operator' }, async (db) => {
      return await db.query<{ operator_access: boolean }>(
        sql`SELECT operator_access FROM tenants WHERE id = ${id} AND status <> 'deleted'`,
      )
    })
    if (row === undefined) throw new RegistryError('unknown', `the tenant ${slug} is deleted`)
    return row.operator_access
  }

  /** What the audit has of its end: whoever kept the cookie has kept nothing. */
  async function endOf({ id }: Tenant, actor: OperatorActor, { until }: Look): Promise<'ended' | 'withdrawn' | null> {
    const { iss, sub } = authorOf(actor)
    const ends = new Date(until).toISOString()
    const rows = await database.control({ as: 'operator' }, async (db) => {
      return await db.query<{ action: string }>(sql`
        SELECT action FROM audit WHERE tenant_id = ${id} AND id >= ${firstIdOf(until - LOOK_LIFE)} AND (
          (action = ${ENDED} AND iss = ${iss} AND sub = ${sub} AND detail->>'until' = ${ends})
          OR (action = 'tenant.settings_changed' AND at > ${new Date(until - LOOK_LIFE)} AND detail->'operator_access'->>'to' = 'false'))`)
    })
    if (rows.some(({ action }) => action === ENDED)) return 'ended'
    return rows.length > 0 ? 'withdrawn' : null
  }

  async function note(tenant: Tenant, actor: OperatorActor, entry: Pick<Note, 'action' | 'detail'>): Promise<void> {
    const whole = { ...entry, target: tenant.slug, changes: [] }
    await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async () => [undefined, whole])
  }

  /** A page that asks for itself again and again (while a domain is looked up) is noted once in ten minutes. */
  async function noteView(
    tenant: Tenant,
    actor: OperatorActor,
    page: string,
    detail: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const author = authorOf(actor)
    await ledger.write({ as: 'operator' }, tenant.id, author, async (db) => {
      const [noted] = await db.query(sql`
        SELECT 1 FROM audit WHERE tenant_id = ${tenant.id} AND id >= ${firstIdOf(clock.now() - VIEW_NOTED)} AND action = ${VIEWED}
          AND iss = ${author.iss} AND sub = ${author.sub} AND detail->>'page' = ${page} AND detail->>'until' = ${detail['until']} LIMIT 1`)
      return [undefined, noted === undefined ? { action: VIEWED, target: tenant.slug, detail, changes: [] } : null]
    })
  }

  return {
    async begin(tenant, actor, identity, given) {
      needOperator(actor)
      if (!(await isOpen(tenant))) throw closed(tenant)
      const reason = boundedText('the reason', given, 500)
      const look = { reason, until: clock.now() + LOOK_LIFE }
      await note(tenant, actor, { action: 'see_as.began', detail: detailOf(tenant, identity, look) })
      return look
    },
    async look(tenant, actor, identity, look, page) {
      needOperator(actor)
      if (look.until <= clock.now()) throw new RegistryError('forbidden', 'the 30 minutes are over')
      const ended = await endOf(tenant, actor, look)
      const open = await isOpen(tenant)
      if (ended === 'withdrawn' || (ended === null && !open))
        await note(tenant, actor, { action: ENDED, detail: { ...detailOf(tenant, identity, look), how: 'withdrawn' } })
      if (!open) throw closed(tenant)
      if (ended !== null) throw new RegistryError('forbidden', `your look at ${tenant.slug} has ended: begin another`)
      await noteView(tenant, actor, page, { ...detailOf(tenant, identity, look), page })
      return { identity, tenant, role: 'viewer', scopes, role_scopes: scopes, onlooker: true }
    },
    async end(tenant, actor, identity, look, how) {
      await note(tenant, actor, { action: ENDED, detail: { ...detailOf(tenant, identity, look), how } })
    },
  }
}

const closed = ({ slug }: Tenant): RegistryError =>
  new RegistryError(
    'forbidden',
    `${slug} does not let operators see it: an owner has to turn on operator access in its settings first`,
  )

/** Both identities: who looks, and as whom. */
const detailOf = ({ slug }: Tenant, identity: Identity, { reason, until }: Look) => ({
  operator: userId(identity),
  email: identity.email,
  as: `admin of ${slug}`,
  reason,
  until: new Date(until).toISOString(),
})

/** What opens the pages of an admin, less everything that writes. */
const onlookersScopes = (scopes: Scopes): ReadonlySet<string> =>
  new Set([...scopes.ofRole('admin')].filter((scope) => scope.endsWith(':read') || scope === 'tenant:admin'))
