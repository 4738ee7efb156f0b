import { domainToASCII } from 'node:url'
import { uuidv7 } from '#base/id.ts'
import { sql } from '#db/sql.ts'
import {
  domainRows,
  toClaim,
  toDomainRecord,
  type ClaimRecord,
  type DomainRecord,
  type JoinMode,
} from './claims-row.ts'
import { domainName, isPublicMailbox, isPublicSuffix } from './domain-name.ts'
import { authorOf, createLedger, isUniqueViolation, needOperator, needScope, roleFor } from './ledger.ts'
import { lookAlike } from './look-alike.ts'
import type { Precondition } from './precondition.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import type { Tenant } from './tenant.ts'

export type { DomainRecord, JoinMode } from './claims-row.ts'

export interface DomainInput {
  readonly domain: string
  /** Provider ids that may assert an address of it (D6); at least one. */
  readonly asserted_by: readonly string[]
  readonly include_subdomains?: boolean
  readonly join_mode?: JoinMode
  readonly default_role?: 'viewer' | 'member' | 'admin'
  /** May a once-verified address join by itself (D7)? */
  readonly allow_once?: boolean
}

export interface Domains {
  /**
   * Operators only: verified by their word, and recorded as such. invalid: no domain, a public suffix, a public mail domain;
   * exists: verified already, for this tenant or another.
   */
  add(tenant: Tenant, actor: Actor, input: DomainInput): Promise<DomainRecord>
  list(tenant: Tenant, actor: Actor): Promise<readonly DomainRecord[]>
  /** Stops joining by it; members stay. conflict: its proof lapsed once, then only an operator can (D8). */
  remove(tenant: Tenant, actor: Actor, domain: string, precondition?: Precondition<ClaimRecord>): Promise<void>
}

export function createDomains(options: RegistryOptions): Domains {
  const { database, clock } = options
  const ledger = createLedger(options)

  async function read(tenant: Tenant, actor: Actor): Promise<readonly DomainRecord[]> {
    const rows = await database.control(roleFor(actor, tenant), async (db) => await domainRows(db, tenant.id))
    return rows.map((row) => toDomainRecord(tenant, row))
  }

  return {
    async add(tenant, actor, input) {
      needOperator(actor)
      const domain = ownableDomain(input.domain)
      const asserted = [...new Set(input.asserted_by)]
      if (asserted.length === 0)
        throw new RegistryError('invalid', 'name at least one provider that may assert addresses of the domain')
      const {
        include_subdomains: subdomains = false,
        join_mode: mode = 'auto',
        default_role: role = 'member',
        allow_once: once = false,
      } = input
      const id = uuidv7(clock.now())
      const at = new Date(clock.now())
      try {
        await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
          // A claim that was never proved, or whose proof lapsed, is replaced by the operator's word.
          await db.query(
            sql`DELETE FROM domains WHERE tenant_id = ${tenant.id} AND domain = ${domain} AND state <> 'verified'`,
          )
          await db.query(sql`
            INSERT INTO domains (id, tenant_id, domain, state, verified_by, include_subdomains, asserted_by, join_mode, default_role,
              allow_once, created_at, verified_at)
            VALUES (${id}, ${tenant.id}, ${domain}, 'verified', 'operator', ${subdomains}, ${asserted}, ${mode}, ${role}, ${once}, ${at}, ${at})`)
          const detail = {
            domain,
            asserted_by: asserted,
            include_subdomains: subdomains,
            join_mode: mode,
            default_role: role,
            allow_once: once,
          }
          return [
            undefined,
            { action: 'domain.added', target: domain, detail, changes: [{ table: 'domains', tenant: tenant.id, id }] },
          ]
        })
      } catch (error) {
        if (!isUniqueViolation(error)) throw error
        throw new RegistryError('exists', `${domain} is verified already, for ${tenant.slug} or another tenant`)
      }
      return one(await read(tenant, actor), domain)
    },
    list: read,
    async remove(tenant, actor, domain, precondition) {
      needScope(actor, 'tenant:admin')
      await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
        const row = (await domainRows(db, tenant.id, { lock: true })).find(
          (each) => each.domain === domain.toLowerCase(),
        )
        if (row === undefined) throw new RegistryError('unknown', `${tenant.slug} has no domain ${domain}`)
        precondition?.(toClaim(tenant, row))
        // Removed and claimed anew it would be verified without the operator that D8 asks for.
        if (row.lapsed_at !== null && actor.kind !== 'operator')
          throw new RegistryError('conflict', `the proof of ${domain} lapsed once: only an operator can remove it`)
        await db.query(sql`DELETE FROM domains WHERE id = ${row.id}`)
        return [
          undefined,
          { action: 'domain.removed', target: domain, changes: [{ table: 'domains', tenant: tenant.id, id: row.id }] },
        ]
      })
    },
  }
}

/** invalid: no domain, a public suffix, a public mail domain, a name that can be taken for another; the message says which and why. */
export function ownableDomain(text: string): string {
  const domain = domainName(text)
  const refused = (why: string): RegistryError => new RegistryError('invalid', why, 'domain')
  if (domain === null) {
    const meant = nearestDomain(text)
    throw refused(
      `${JSON.stringify(text.slice(0, 100))} is no domain: ASCII only (an IDN as punycode), no trailing dot${meant === null ? '' : `. Did you mean ${meant}?`}`,
    )
  }
  if (isPublicMailbox(domain)) throw refused(`${domain} gives addresses to the public, so it proves nothing`)
  if (isPublicSuffix(domain)) throw refused(`${domain} is a public suffix: strangers register names under it`)
  const disguise = lookAlike(domain)
  if (disguise !== null) throw refused(`${domain} ${disguise}`)
  return domain
}

/** What somebody meant who typed an address of the web or of mail, a dot at the end, or an international name as it is read. */
function nearestDomain(text: string): string | null {
  const host =
    /^(?:[a-z]+:\/\/)?(?:[^\s/@]*@)?(?<host>[^\s/:@?#]+?)\.?(?:[:/?#].*)?$/iu.exec(text.trim())?.groups?.['host'] ?? ''
  return domainName(domainToASCII(host))
}

function one(records: readonly DomainRecord[], domain: string): DomainRecord {
  const record = records.find((row) => row.domain === domain)
  if (record === undefined) throw new RegistryError('unknown', `the domain ${domain} was removed meanwhile`)
  return record
}
