import { uuidv7 } from '#base/id.ts'
import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { claimTerms, changedTerms, type DomainTerms } from './claims-terms.ts'
import { heirOf } from './claims-heir.ts'
import {
  domainRows,
  toClaim,
  toDomainRecord,
  type ClaimRecord,
  type DomainRecord,
  type DomainRow,
} from './claims-row.ts'
import { settle, writeState } from './claims-settle.ts'
import { approved, backOff, CLAIM_LIFE } from './claims-state.ts'
import { waitingClaims, type WaitingRecord } from './claims-waiting.ts'
import { assertProvable, newChallengeToken } from './domain-challenge.ts'
import { checkDomain, type Finding, type Seen } from './domain-check.ts'
import { domainProblem } from './domain-problem.ts'
import { ownableDomain } from './domains.ts'
import {
  authorOf,
  createLedger,
  hasScope,
  isUniqueViolation,
  needOperator,
  needScope,
  roleFor,
  type Note,
} from './ledger.ts'
import type { Precondition } from './precondition.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import type { Tenant } from './tenant.ts'

export type { ClaimRecord } from './claims-row.ts'

/** What "check now" found, and what became of the domain. */
export interface CheckReport extends ClaimRecord {
  readonly seen: readonly Seen[]
  /** Which DNS servers were asked, also when nothing was seen. */
  readonly asked: string
}

/** Domains that tenants claim and prove by a TXT record at `_gatehouse-challenge.DOMAIN` (DESIGN section 7). */
export interface Claims {
  /**
   * Begins a claim, or begins an expired one again; an open one is answered as it is. The record need not exist yet. Also for a domain that is
   * verified for another tenant, of which nothing is said before the proof. Needs `tenant:admin`; in a tenant without an owner an active
   * member may prove a domain that is the tenant's already, and becomes owner by it (D10).
   * invalid: no domain, a public suffix, a public mail domain, a look-alike; exists: proved already; conflict: too many open claims.
   */
  claim(tenant: Tenant, actor: Actor, input: { readonly domain: string } & Partial<DomainTerms>): Promise<ClaimRecord>
  show(tenant: Tenant, actor: Actor, domain: string): Promise<ClaimRecord>
  /** What whoever asks may prove to become owner (D10): none where there is an owner, nothing is left to prove, or they are no active member. */
  inheritable(tenant: Tenant, actor: Actor): Promise<readonly DomainRecord[]>
  /** Looks now. limited: somebody did within 10 s; conflict: there is no claim. Does not wait for records to spread. */
  check(tenant: Tenant, actor: Actor, domain: string): Promise<CheckReport>
  /**
   * Operators only: verifies a domain whose record is there now, also when it lapsed once, and takes it from the tenant that has it, which
   * keeps its members and data (D8). conflict: nothing to approve, or the record is not there now; the message says why.
   */
  approve(tenant: Tenant, actor: Actor, domain: string): Promise<DomainRecord>
  /** Operators only: everything that waits for `approve`, in all tenants. */
  waiting(actor: Actor): Promise<readonly WaitingRecord[]>
  /** Changes how people join by a domain, whatever its state. */
  set(
    tenant: Tenant,
    actor: Actor,
    domain: string,
    changes: Partial<DomainTerms>,
    precondition?: Precondition<ClaimRecord>,
  ): Promise<ClaimRecord>
}

/** Between two checks by hand of one domain, on all replicas together. */
const PATIENCE = 10_000
/** Claims of one tenant without proof: each costs questions to the DNS for a month. */
const MOST_OPEN = 50

export function createClaims(options: RegistryOptions): Claims {
  const { database, clock, dns } = options
  const ledger = createLedger(options)

  const load = async (tenant: Tenant, actor: Actor, domain: string): Promise<DomainRow> =>
    await database.control(roleFor(actor, tenant), async (db) => pick(tenant, domain, await domainRows(db, tenant.id)))

  /** One domain's row, found and locked, judged and changed, and read again. */
  async function change(
    tenant: Tenant,
    actor: Actor,
    domain: string,
    run: (db: ControlDb, row: DomainRow) => Promise<readonly Note[]>,
  ): Promise<DomainRow> {
    return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
      const notes = await run(db, pick(tenant, domain, await domainRows(db, tenant.id, { lock: true })))
      return [pick(tenant, domain, await domainRows(db, tenant.id)), notes]
    })
  }

  /** The same where another tenant may be verified in the same instant, and be first. */
  const first: typeof change = async (tenant, actor, domain, run) => {
    try {
      return await change(tenant, actor, domain, run)
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      throw new RegistryError('conflict', `${domain} was verified for another tenant in this moment: look again`)
    }
  }

  /** What a claim does to a row that is there; null: it is answered as it is. */
  async function reclaim(db: ControlDb, tenant: Tenant, actor: Actor, row: DomainRow): Promise<Note | null> {
    const member = row.state === 'verified' ? await heirOf(db, tenant, actor) : null
    if (member === null) needScope(actor, 'tenant:admin')
    if (row.state === 'verified' && row.verified_by === 'dns')
      throw new RegistryError('exists', `${row.domain} is proved already`, 'domain')
    const open = row.token !== null && (row.state === 'pending' || row.state === 'verified')
    // A token is of whoever claims: an owner must not come of a record that was published for somebody else.
    if (open && (member === null || member === row.owner_candidate)) return null
    const now = clock.now()
    // When it was last checked stays: claiming again is no way around the 10 s.
    await db.query(sql`
      UPDATE domains SET state = ${row.state === 'expired' ? 'pending' : row.state}, token = ${newChallengeToken()},
        claimed_at = ${new Date(now)}, owner_candidate = ${member}, next_check = ${new Date(now + backOff(0))}, failures = 0,
        failing_since = NULL, awaiting_since = NULL, problem = NULL
      WHERE id = ${row.id}`)
    return noteOf(row, 'domain.claimed', { state: row.state, for_ownership: member !== null })
  }

  async function begin(db: ControlDb, tenant: Tenant, domain: string, terms: DomainTerms): Promise<Note | null> {
    const now = clock.now()
    const id = uuidv7(now)
    const at = new Date(now)
    const made = await db.query(sql`
      INSERT INTO domains (id, tenant_id, domain, state, token, include_subdomains, asserted_by, join_mode, default_role, allow_once, created_at,
        claimed_at, next_check)
      VALUES (${id}, ${tenant.id}, ${domain}, 'pending', ${newChallengeToken()}, ${terms.include_subdomains}, ${terms.asserted_by},
        ${terms.join_mode}, ${terms.default_role}, ${terms.allow_once}, ${at}, ${at}, ${new Date(now + backOff(0))})
      ON CONFLICT (tenant_id, domain) DO NOTHING RETURNING id`)
    if (made.length === 0) return null
    return noteOf({ id, tenant_id: tenant.id, domain }, 'domain.claimed', { state: 'pending', ...terms })
  }

  /** Admins, and the one who is proving it to become owner. */
  async function mayProve(db: ControlDb, tenant: Tenant, actor: Actor, row: DomainRow): Promise<void> {
    if (hasScope(actor, 'tenant:admin')) return
    if (row.owner_candidate === null || row.owner_candidate !== (await heirOf(db, tenant, actor)))
      needScope(actor, 'tenant:admin')
  }

  /** Notes when it was looked at, so that replicas agree on the 10 s. */
  async function stamp(tenant: Tenant, actor: Actor, domain: string): Promise<DomainRow & { readonly token: string }> {
    return await database.control(roleFor(actor, tenant), async (db) => {
      const row = pick(tenant, domain, await domainRows(db, tenant.id, { lock: true }))
      await mayProve(db, tenant, actor, row)
      const { token } = row
      if (token === null) throw new RegistryError('conflict', unclaimed(row))
      const wait = (row.checked_at?.getTime() ?? 0) + PATIENCE - clock.now()
      const seconds = Math.ceil(wait / 1000)
      if (wait > 0)
        throw new RegistryError('limited', `${row.domain} was just checked: again in ${seconds} s`, null, seconds)
      await db.query(sql`UPDATE domains SET checked_at = ${new Date(clock.now())} WHERE id = ${row.id}`)
      return { ...row, token }
    })
  }

  async function look(tenant: Tenant, actor: Actor, domain: string): Promise<Finding> {
    const row = await stamp(tenant, actor, domain)
    const finding = await checkDomain(dns, row.domain, row.token)
    await settle({ ledger, clock }, roleFor(actor, tenant), authorOf(actor), row, finding, { background: false })
    return finding
  }

  return {
    async claim(tenant, actor, { domain: text, ...given }) {
      const domain = ownableDomain(text)
      assertProvable(domain)
      const row = await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
        const rows = await domainRows(db, tenant.id, { lock: true })
        const found = rows.find((each) => each.domain === domain)
        if (found === undefined) needScope(actor, 'tenant:admin')
        const opens = found === undefined || found.state === 'expired'
        if (opens && rows.filter(({ state }) => state === 'pending').length >= MOST_OPEN)
          throw new RegistryError(
            'conflict',
            `${tenant.slug} has ${MOST_OPEN} domains without proof: remove some first`,
            'domain',
          )
        const note =
          found === undefined
            ? await begin(db, tenant, domain, claimTerms(actor, given))
            : await reclaim(db, tenant, actor, found)
        return [pick(tenant, domain, await domainRows(db, tenant.id)), note]
      })
      return toClaim(tenant, row)
    },

    async show(tenant, actor, domain) {
      return await database.control(roleFor(actor, tenant), async (db) => {
        const row = pick(tenant, domain, await domainRows(db, tenant.id))
        await mayProve(db, tenant, actor, row)
        return toClaim(tenant, row)
      })
    },

    async inheritable(tenant, actor) {
      return await database.control(roleFor(actor, tenant), async (db) => {
        if ((await heirOf(db, tenant, actor)) === null) return []
        const rows = await domainRows(db, tenant.id)
        return rows.filter((row) => isUnproved(row)).map((row) => toDomainRecord(tenant, row))
      })
    },

    async check(tenant, actor, domain) {
      const { seen } = await look(tenant, actor, domain)
      return { ...toClaim(tenant, await load(tenant, actor, domain)), seen, asked: dns.from }
    },

    async approve(tenant, actor, domain) {
      needOperator(actor)
      const before = await load(tenant, actor, domain)
      if (before.state === 'verified' || before.token === null) throw new RegistryError('conflict', unclaimed(before))
      const finding = await checkDomain(dns, before.domain, before.token)
      await settle({ ledger, clock }, roleFor(actor, tenant), authorOf(actor), before, finding, { background: false })
      if (finding.verdict !== 'proved')
        throw new RegistryError(
          'conflict',
          domainProblem(finding.problem, before.domain)?.message ?? 'there is no proof',
        )
      const row = await first(tenant, actor, domain, async (db, row) => {
        if (row.token !== before.token) throw new RegistryError('conflict', `${domain} was claimed anew meanwhile`)
        if (row.state === 'verified') return []
        const taken = await takeFrom(db, row, clock.now())
        await writeState(db, row.id, approved(row, clock.now()))
        return [...taken, noteOf(row, 'domain.approved', { from: row.state, problem: row.problem })]
      })
      return toDomainRecord(tenant, row)
    },

    waiting: async (actor) => await waitingClaims(database, actor),

    async set(tenant, actor, domain, changes, precondition) {
      needScope(actor, 'tenant:admin')
      const row = await change(tenant, actor, domain, async (db, row) => {
        precondition?.(toClaim(tenant, row))
        const terms = changedTerms(row, changes)
        if (terms === null) return []
        await db.query(sql`
          UPDATE domains SET asserted_by = ${terms.asserted_by}, include_subdomains = ${terms.include_subdomains},
            join_mode = ${terms.join_mode}, default_role = ${terms.default_role}, allow_once = ${terms.allow_once}
          WHERE id = ${row.id}`)
        return [noteOf(row, 'domain.changed', { ...terms })]
      })
      return toClaim(tenant, row)
    },
  }
}

/** Another tenant's proof ends: nobody joins by it any more, members and data stay. Its audit tells of it and names nobody. */
async function takeFrom(db: ControlDb, { domain, tenant_id }: DomainRow, now: number): Promise<readonly Note[]> {
  const rows = await db.query<Pick<DomainRow, 'id' | 'tenant_id'>>(sql`
    UPDATE domains SET state = 'lapsed', lapsed_at = ${new Date(now)}, token = NULL, owner_candidate = NULL, failing_since = NULL,
      awaiting_since = NULL, failures = 0, problem = 'superseded', next_check = ${new Date(now + CLAIM_LIFE)}
    WHERE domain = ${domain} AND state = 'verified' AND tenant_id <> ${tenant_id} RETURNING id, tenant_id`)
  return rows.map((row) => ({ ...noteOf({ ...row, domain }, 'domain.taken_over'), tenant: row.tenant_id }))
}

function pick(tenant: Tenant, domain: string, rows: readonly DomainRow[]): DomainRow {
  const row = rows.find((each) => each.domain === domain.toLowerCase())
  if (row === undefined) throw new RegistryError('unknown', `${tenant.slug} has no domain ${domain}`)
  return row
}

/** The tenant's by somebody's word only. */
const isUnproved = ({ state, verified_by }: DomainRow): boolean => state === 'verified' && verified_by !== 'dns'

const unclaimed = ({ domain, state }: DomainRow): string =>
  state === 'verified'
    ? `${domain} is verified; there is no claim to check or approve`
    : `${domain} must be claimed again first`

const noteOf = (
  { id, tenant_id, domain }: Pick<DomainRow, 'id' | 'tenant_id' | 'domain'>,
  action: string,
  detail: Readonly<Record<string, unknown>> = {},
): Note => ({
  action,
  target: domain,
  detail: { domain, ...detail },
  changes: [{ table: 'domains', tenant: tenant_id, id }],
})
