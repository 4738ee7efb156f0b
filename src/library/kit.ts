import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '#base/clock.ts'
import { loadConfig } from '#base/config-load.ts'
import { uuidv7 } from '#base/id.ts'
import { createLog } from '#base/log.ts'
import { openDatabase } from '#db/open.ts'
import { schemaName } from '#db/names.ts'
import { sql, type Sql } from '#db/sql.ts'
import type { Identity } from '#identity/identity.ts'
import { createScopes, type PersonRole } from '#tenancy/roles.ts'
import { ALL_ON, NO_LIMITS, type Tenant } from '#tenancy/tenant.ts'
import { createAuditor } from '#toolkit/audit.ts'
import { createCaller } from '#toolkit/call.ts'
import { createCatalogue } from '#toolkit/catalogue.ts'
import { createChanges } from '#toolkit/changes.ts'
import { createLibrary } from '#toolkit/library.ts'
import { loadDefinitions, type GivenDefinitions } from '#toolkit/load.ts'
import { createStateSeal } from '#toolkit/request-state.ts'
import { createRunner } from '#toolkit/run.ts'
import { fakeUpstreams, type FakeUpstream } from './fake-upstream.ts'
import { createPerson, type TestPerson } from './kit-person.ts'

export interface KitOptions extends GivenDefinitions {
  /** As TOOLS_DIR: an absolute path, or a URL like `new URL('..', import.meta.url)`. Its `sql/` is applied too. Default: none. */
  readonly toolsDir?: string | URL
  /** What `context.upstream` answers, by name. */
  readonly upstreams?: Readonly<Record<string, FakeUpstream>>
  /** Is told what tools log, and why a call failed inside: JSON lines. Default: stderr gets what is an error. */
  readonly log?: (line: string) => void
}

export interface TestTenant {
  readonly tenant: Tenant
  /** Somebody with this role (default member); every call makes another person. */
  person(role?: PersonRole): TestPerson
  /** A statement in the tenant's schema with the tenant's own rights, to prepare and to look. */
  query<Row extends object = Record<string, unknown>>(statement: Sql): Promise<Row[]>
}

export interface Kit {
  /** A new tenant with a schema of its own. @param slug a-z, then a-z 0-9 _ */
  tenant(slug?: string): Promise<TestTenant>
  /** Ends the database and leaves nothing behind. */
  close(): Promise<void>
}

const SECRET = 'the test kit has a secret that guards nothing but its throw-away database'

/**
 * Tools for a test, in a real database that lives as long as the kit: Postgres in this process, in a temporary folder. What there is of
 * Gatehouse's own tools is there too. No HTTP, no tokens, no rate limits. Takes some seconds to open: share one among the tests of a file.
 * Throws ConfigError, with all problems, when a tool cannot be loaded.
 */
export async function openKit({ toolsDir, upstreams = {}, log: write, ...given }: KitOptions = {}): Promise<Kit> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-kit-'))
  const log = createLog(write === undefined ? 'error' : 'info', {
    write: write ?? ((line) => void process.stderr.write(line)),
  })
  const config = loadConfig({
    DATA_DIR: folder,
    SESSION_SECRET: SECRET,
    ...(toolsDir === undefined ? {} : { TOOLS_DIR: pathOf(toolsDir) }),
  })
  const remove = async (): Promise<void> => await rm(folder, { recursive: true, force: true })
  try {
    const { tools, resources, prompts } = await loadDefinitions({
      toolsDir: config.toolsDir,
      production: false,
      log: createLog('silent'),
      given,
    })
    const database = await openDatabase({ config, log: createLog('silent'), clock: systemClock })
    await database.admin.bootstrap()
    const slugs = new Map<string, string>()
    const audit = createAuditor({ database, clock: systemClock, log, secret: SECRET, checkpoint: async () => {} })
    const runner = createRunner({
      database,
      audit,
      usage: { call: () => {} },
      clock: systemClock,
      log,
      states: createStateSeal({ secrets: [SECRET], issuer: config.publicUrl, clock: systemClock }),
      changes: createChanges(),
      sizes: config.sizes,
      upstreams: fakeUpstreams(upstreams, (id) => slugs.get(id) ?? id),
      reread: async () => null,
    })
    const catalogue = createCatalogue(tools, [...resources.values(), ...prompts.values()])
    const scopes = createScopes(catalogue.scopes)
    const parts = {
      catalogue,
      caller: createCaller({ tools, runner }),
      library: createLibrary({ resources, prompts, runner }),
    }
    return {
      async tenant(slug = `tenant_${slugs.size + 1}`) {
        const tenant = {
          ...NEW,
          id: uuidv7(),
          slug,
          name: slug,
          schema: schemaName(slug),
          schemaVersion: database.admin.required.tenant,
        }
        await database.admin.provision(tenant, async (db) => {
          await db.query(sql`
            INSERT INTO tenants (id, slug, name, schema, origin) VALUES (${tenant.id}, ${slug}, ${slug}, ${tenant.schema}, 'operator')`)
        })
        slugs.set(tenant.id, slug)
        let people = 0
        return {
          tenant,
          person(role = 'member') {
            people += 1
            const role_scopes = scopes.ofRole(role)
            const identity = identityOf(`${role}-${people}`, slug)
            return createPerson({ ...parts, principal: { identity, tenant, role, scopes: role_scopes, role_scopes } })
          },
          query: async <Row extends object>(statement: Sql) =>
            await database.tenant(tenant, { access: 'write' }, async (db) => await db.query<Row>(statement)),
        }
      },
      async close() {
        await audit.close()
        await database.close()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

const NEW = {
  status: 'active',
  placement: 'default',
  mcpAdmin: false,
  deleteAfter: null,
  plan: null,
  limits: NO_LIMITS,
  toolsOff: ALL_ON,
} as const

const pathOf = (folder: string | URL): string =>
  folder instanceof URL ? fileURLToPath(folder).replace(/(?<=.)\/$/, '') : folder

const identityOf = (sub: string, slug: string): Identity => ({
  provider: 'oidc',
  iss: 'https://issuer.test',
  sub,
  client_id: null,
  scopes: null,
  exp: null,
  iat: null,
  email: `${sub}@${slug.replaceAll('_', '-')}.test`,
  email_verified: true,
  email_authority: 'live',
  name: sub,
  picture: null,
  organization: null,
  key: null,
  tenant: null,
  claims: {},
})
