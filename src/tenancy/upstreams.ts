import { uuidv7 } from '#base/id.ts'
import { fieldProblem, fieldsOf, tenantUrl, type UpstreamConfig, type UpstreamFields } from '#base/upstream.ts'
import { sql } from '#db/sql.ts'
import { userId } from '#identity/identity.ts'
import { authorOf, createLedger, needScope, roleFor, type Note } from './ledger.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import { rfc3339 } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'
import { createUpstreamSeal } from './upstream-seal.ts'

/** One configured upstream, as far as a tenant is concerned. Never a credential: what is set can be replaced and removed, not read. */
export interface UpstreamRecord {
  readonly name: string
  readonly auth: UpstreamConfig['auth']['kind']
  /** What credentials consist of. */
  readonly fields: readonly string[]
  /** Which are used: the tenant's own, the operator's for everybody, or none, so that tools cannot use it. */
  readonly credentials: 'own' | 'shared' | 'none'
  /** false: its own are there but cannot be used (another kind is configured now, or SESSION_SECRET changed): set them again. */
  readonly usable: boolean
  /** The tenant's own base URL. */
  readonly url: string | null
  /** May a tenant's admins set them, and a URL? Operators may always set credentials. */
  readonly tenant_may: UpstreamConfig['tenantMay']
  readonly set_at: string | null
  readonly set_by: string | null
}

export interface UpstreamInput {
  readonly name: string
  /** By field name; all of them. */
  readonly fields: UpstreamFields
  /** Absent: the configured base URL. */
  readonly url?: string | null
}

/** What tenants have of their own at the APIs that tools call. */
export interface TenantUpstreams {
  /** Every configured upstream that asks for credentials. Needs `tenant:admin`, or an operator. */
  list(tenant: Tenant, actor: Actor): Promise<readonly UpstreamRecord[]>
  /**
   * Puts credentials in the place of those that are there; calls use them within 1 s. Needs `tenant:admin` and UPSTREAM_TENANT_MAY, or an
   * operator; a URL needs UPSTREAM_TENANT_MAY=url for both (D30). They are sealed and not tried: `gatehouse upstream test` does.
   * unknown: no such upstream is configured. invalid: a field is missing, unknown or cannot be right. forbidden.
   */
  set(tenant: Tenant, actor: Actor, input: UpstreamInput): Promise<UpstreamRecord>
  /** The same rights. What is shared counts again. unknown: nothing was set. */
  remove(tenant: Tenant, actor: Actor, name: string): Promise<void>
}

interface Row {
  readonly name: string
  readonly url: string | null
  readonly sealed: string
  readonly set_at: Date
  readonly set_by: string
}

export function createTenantUpstreams(options: RegistryOptions): TenantUpstreams {
  const { database, clock, upstreams = [] } = options
  const ledger = createLedger(options)
  const seal = createUpstreamSeal({ secrets: options.links.secrets, clock })

  function recordOf(config: UpstreamConfig, tenant: Tenant, row: Row | undefined): UpstreamRecord {
    const { name, auth, tenantMay } = config
    const wanted = fieldsOf(auth)
    const held =
      row === undefined ? null : (seal.open({ tenant: tenant.id, name, url: row.url }, row.sealed)?.fields ?? {})
    const fits =
      held === null ||
      (Object.keys(held).length === wanted.length && wanted.every((field) => Object.hasOwn(held, field)))
    return {
      name,
      auth: auth.kind,
      fields: wanted,
      credentials: row !== undefined ? 'own' : config.shared === null ? 'none' : 'shared',
      usable: fits && (row?.url == null || tenantMay === 'url'),
      url: row?.url ?? null,
      tenant_may: tenantMay,
      set_at: row === undefined ? null : rfc3339(row.set_at),
      set_by: row?.set_by ?? null,
    }
  }

  /** unknown, forbidden. */
  function changeable(actor: Actor, tenant: Tenant, name: string): UpstreamConfig {
    roleFor(actor, tenant)
    needScope(actor, 'tenant:admin')
    const config = upstreams.find((one) => one.name === name && one.auth.kind !== 'none')
    if (config === undefined)
      throw new RegistryError(
        'unknown',
        `no upstream ${name.slice(0, 64)} that asks for credentials is configured`,
        'name',
      )
    if (actor.kind === 'person' && config.tenantMay === 'nothing')
      throw new RegistryError('forbidden', `only an operator sets credentials for ${name}`)
    return config
  }

  const noteOf = (tenant: Tenant, verb: 'set' | 'removed', name: string, detail: Note['detail']): Note => ({
    action: `upstream.${verb}`,
    target: name,
    ...(detail === undefined ? {} : { detail }),
    changes: [{ table: 'upstreams', tenant: tenant.id, id: name }],
  })

  return {
    async list(tenant, actor) {
      needScope(actor, 'tenant:admin')
      const rows = await database.control(roleFor(actor, tenant), async (db) => {
        return await db.query<Row>(
          sql`SELECT name, url, sealed, set_at, set_by FROM upstreams WHERE tenant_id = ${tenant.id} ORDER BY name`,
        )
      })
      return upstreams
        .filter(({ auth }) => auth.kind !== 'none')
        .map((config) =>
          recordOf(
            config,
            tenant,
            rows.find(({ name }) => name === config.name),
          ),
        )
    },
    async set(tenant, actor, { name, fields, url = null }) {
      const config = changeable(actor, tenant, name)
      const checked = checkedFields(config, fields)
      const own = url === null ? null : checkedUrl(config, url)
      const sealed = seal.seal({ tenant: tenant.id, name, url: own }, checked)
      const now = clock.now()
      const at = new Date(now)
      const by = actor.kind === 'operator' ? `operator ${actor.name}` : userId(actor.principal.identity)
      const names = fieldsOf(config.auth)
      await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
        await db.query(sql`
          INSERT INTO upstreams (tenant_id, name, url, fields, sealed, version, set_at, set_by)
          VALUES (${tenant.id}, ${name}, ${own}, ${[...names]}, ${sealed}, ${uuidv7(now)}, ${at}, ${by})
          ON CONFLICT (tenant_id, name) DO UPDATE SET url = excluded.url, fields = excluded.fields, sealed = excluded.sealed,
            version = excluded.version, set_at = excluded.set_at, set_by = excluded.set_by`)
        return [undefined, noteOf(tenant, 'set', name, { fields: names, url: own })]
      })
      return recordOf(config, tenant, { name, url: own, sealed, set_at: at, set_by: by })
    },
    async remove(tenant, actor, name) {
      changeable(actor, tenant, name)
      await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
        const [row] = await db.query(
          sql`DELETE FROM upstreams WHERE tenant_id = ${tenant.id} AND name = ${name} RETURNING name`,
        )
        if (row === undefined)
          throw new RegistryError('unknown', `${tenant.slug} has no credentials of its own for ${name}`, 'name')
        return [undefined, noteOf(tenant, 'removed', name, undefined)]
      })
    },
  }
}

function checkedFields({ name, auth }: UpstreamConfig, given: UpstreamFields): UpstreamFields {
  const wanted = fieldsOf(auth)
  const unknown = Object.keys(given).find((field) => !wanted.includes(field))
  if (unknown !== undefined)
    throw new RegistryError('invalid', `credentials for ${name} consist of ${wanted.join(' and ')}`, 'fields')
  return Object.fromEntries(
    wanted.map((field) => {
      const value = given[field] ?? ''
      const problem = fieldProblem(auth, value)
      if (problem !== null) throw new RegistryError('invalid', `${field} ${problem}`, field)
      return [field, value]
    }),
  )
}

function checkedUrl({ name, tenantMay }: UpstreamConfig, url: string): string {
  if (tenantMay !== 'url') throw new RegistryError('forbidden', `the URL of ${name} is the operator's to set`, 'url')
  const checked = url.length > 2048 ? null : tenantUrl(url.trim())
  if (checked !== null) return checked
  throw new RegistryError(
    'invalid',
    'the URL must be https with a public name, without port, user, query or fragment',
    'url',
  )
}
