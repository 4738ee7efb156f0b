import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrate, readMigrations } from '#db/migrations.ts'
import { ROLE } from '#db/names.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'

const TENANT = '01890a5d-ac96-774b-bcce-b302099a8057'

describe.each(databaseKinds)('a registry of the version before claims (%s)', (kind) => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    const client = new pg.Client({ connectionString: fresh.url })
    await client.connect()
    await client.query(`BEGIN; DROP SCHEMA gatehouse CASCADE; CREATE SCHEMA gatehouse AUTHORIZATION ${ROLE.owner}`)
    await migrate(client, 'gatehouse', (await readMigrations('control')).slice(0, 3))
    await client.query('RESET ROLE')
    await client.query(
      `INSERT INTO gatehouse.tenants (id, slug, name, schema, origin) VALUES ($1, 'acme', 'Acme', 'tenant_acme', 'operator')`,
      [TENANT],
    )
    await client.query(
      `INSERT INTO gatehouse.domains (id, tenant_id, domain, state, verified_by, asserted_by) VALUES ($1, $1, 'acme.com', 'verified', 'operator', '{google}')`,
      [TENANT],
    )
    await client.query('COMMIT')
    await client.end()
  })
  afterAll(async () => await fresh.drop())

  test('is brought up with its rows as they were: verified, never looked at, nothing to prove', async () => {
    expect(await fresh.database.admin.controlVersion()).toBe(3)
    await fresh.database.admin.bootstrap()
    expect(await fresh.database.admin.controlVersion()).toBe(fresh.database.admin.required.control)
    const rows = await fresh.sql(
      `SELECT domain, state, token, next_check, failures, lapsed_at, claimed_at, problem FROM gatehouse.domains`,
    )
    expect(rows).toEqual([
      {
        domain: 'acme.com',
        state: 'verified',
        token: null,
        next_check: null,
        failures: 0,
        lapsed_at: null,
        claimed_at: null,
        problem: null,
      },
    ])
  })

  test('D17: the roles reach what they need of the new table and nothing of another tenant', async () => {
    const rights = await fresh.sql<{ role: string; right: string }>(
      `SELECT grantee::text AS role, string_agg(privilege_type::text, ' ' ORDER BY privilege_type) AS right
        FROM information_schema.table_privileges WHERE table_schema = 'gatehouse' AND table_name = 'invitations' AND grantee <> $1
        GROUP BY grantee ORDER BY 1`,
      [ROLE.owner],
    )
    expect(rights).toEqual([
      { role: ROLE.desk, right: 'INSERT SELECT UPDATE' },
      { role: ROLE.operator, right: 'DELETE INSERT SELECT UPDATE' },
      { role: ROLE.resolver, right: 'SELECT' },
    ])
    const [table] = await fresh.sql(
      `SELECT relrowsecurity AS secured FROM pg_class WHERE oid = 'gatehouse.invitations'::regclass`,
    )
    expect(table).toEqual({ secured: true })
  })
})
