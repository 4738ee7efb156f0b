import { uuidv7 } from '#base/id.ts'
import { sql } from '#db/sql.ts'
import type { JoinMode } from './domains.ts'
import { authorOf, createLedger, isUniqueViolation, needOperator, roleFor } from './ledger.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import { rfc3339 } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'
import { boundedText } from './text.ts'

interface OrganizationRecord {
  readonly id: string
  readonly slug: string
  readonly iss: string
  readonly kind: 'org_id' | 'tid'
  readonly value: string
  readonly join_mode: JoinMode
  readonly default_role: 'viewer' | 'member' | 'admin'
  readonly created_at: string
}

export interface OrganizationInput {
  readonly iss: string
  readonly kind: 'org_id' | 'tid'
  readonly value: string
  readonly join_mode?: JoinMode
  readonly default_role?: 'viewer' | 'member' | 'admin'
}

/** Organisations of identity providers (Auth0 org_id, Entra tid). Changed by operators only (D8). */
export interface Organizations {
  /** exists: mapped already, to this tenant or another. */
  add(tenant: Tenant, actor: Actor, input: OrganizationInput): Promise<OrganizationRecord>
  list(tenant: Tenant, actor: Actor): Promise<readonly OrganizationRecord[]>
  /** Stops joining by it; members stay. @param reference the row's id, or its value when that is unique within the tenant (else conflict). */
  remove(tenant: Tenant, actor: Actor, reference: string): Promise<void>
}

interface Row extends Omit<OrganizationRecord, 'slug' | 'created_at'> {
  readonly created_at: Date
}

export function createOrganizations(options: RegistryOptions): Organizations {
  const { database, clock } = options
  const ledger = createLedger(options)

  async function read(tenant: Tenant, actor: Actor): Promise<readonly OrganizationRecord[]> {
    const rows = await database.control(roleFor(actor, tenant), async (db) => {
      return await db.query<Row>(sql`
        SELECT id, iss, kind, value, join_mode, default_role, created_at FROM organizations WHERE tenant_id = ${tenant.id} ORDER BY id`)
    })
    return rows.map((row) => ({ ...row, slug: tenant.slug, created_at: rfc3339(row.created_at) }))
  }

  return {
    async add(tenant, actor, input) {
      needOperator(actor)
      const { kind, join_mode = 'auto', default_role = 'member' } = input
      const iss = boundedText('the issuer', input.iss, 2048)
      const value = boundedText(`the ${kind}`, input.value, 255)
      const id = uuidv7(clock.now())
      const at = new Date(clock.now())
      try {
        await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
          await db.query(sql`
            INSERT INTO organizations (id, tenant_id, iss, kind, value, join_mode, default_role, created_at)
            VALUES (${id}, ${tenant.id}, ${iss}, ${kind}, ${value}, ${join_mode}, ${default_role}, ${at})`)
          const detail = { iss, kind, value, join_mode, default_role }
          return [
            undefined,
            {
              action: 'organization.added',
              target: value,
              detail,
              changes: [{ table: 'organizations', tenant: tenant.id, id }],
            },
          ]
        })
      } catch (error) {
        if (!isUniqueViolation(error)) throw error
        throw new RegistryError(
          'exists',
          `${kind} ${value} of ${iss} is mapped already, to ${tenant.slug} or another tenant`,
        )
      }
      return { id, slug: tenant.slug, iss, kind, value, join_mode, default_role, created_at: rfc3339(at) }
    },
    list: read,
    async remove(tenant, actor, reference) {
      needOperator(actor)
      const found = (await read(tenant, actor)).filter(({ id, value }) => id === reference || value === reference)
      const [row] = found
      if (row === undefined) throw new RegistryError('unknown', `${tenant.slug} has no organisation ${reference}`)
      if (found.length > 1)
        throw new RegistryError('conflict', `${tenant.slug} has several organisations ${reference}: name one by its id`)
      await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
        await db.query(sql`DELETE FROM organizations WHERE id = ${row.id} AND tenant_id = ${tenant.id}`)
        const detail = { iss: row.iss, kind: row.kind }
        const changes = [{ table: 'organizations' as const, tenant: tenant.id, id: row.id }]
        return [undefined, { action: 'organization.removed', target: row.value, detail, changes }]
      })
    },
  }
}
