import { afterAll, beforeAll, expect, test } from 'vitest'
import { examineDrift } from '#cli/examination-drift.ts'
import { environment, gatehouse } from '../support/command.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'

let fresh: FreshDatabase
const schemas = new Map<string, string>()

/** What somebody did to a tenant by hand, and what doctor says of it. `T` is its schema and its role. */
const DONE: Readonly<Record<string, readonly [statement: string, told: RegExp]>> = {
  no_index: ['DROP INDEX T.todos_status', /^lacks: index CREATE INDEX todos_status ON ~\.todos /],
  no_key: [
    'ALTER TABLE T.todos DROP CONSTRAINT todos_status_check',
    /^lacks: constraint todos\.todos_status_check CHECK/,
  ],
  no_schema: ['DROP SCHEMA T CASCADE', /^lacks: schema tenant_/],
  no_right: ['REVOKE SELECT ON T.projects FROM T', /^lacks: right SELECT on projects for ~$/],
  no_member: ['REVOKE T FROM A', /^lacks: role: may be taken by gatehouse_app/],
  more_column: ['ALTER TABLE T.projects ADD COLUMN colour text', /has, and should not: column projects\.colour text/],
  more_table: ['CREATE TABLE T.extra (id uuid PRIMARY KEY)', /has, and should not: .*relation extra \(r\) owned by/],
  more_right: ['GRANT UPDATE ON T.audit TO T', /^has, and should not: right UPDATE on audit for ~$/],
  more_public: ['GRANT SELECT ON T.documents TO PUBLIC', /^has, and should not: right SELECT on documents for unknown/],
  more_role: [
    'ALTER ROLE T CREATEDB',
    /lacks: role: NOINHERIT NOLOGIN \| has, and should not: role: CREATEDB NOINHERIT/,
  ],
  more_friend: ['GRANT gatehouse_operator TO T', /^has, and should not: role: is a member of gatehouse_operator$/],
  definer: [
    `CREATE FUNCTION T.peek() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`,
    /^has, and should not: function peek\(\) security definer$/,
  ],
  other_digest: [
    `UPDATE T.schema_migrations SET sha256 = repeat('0', 64) WHERE version = 1`,
    /migration 0001_data\.sql 000000000000/,
  ],
  owner: [
    'ALTER TABLE T.documents OWNER TO postgres',
    /has, and should not: .*relation documents \(r\) owned by postgres/,
  ],
}

beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres', overrides: {} })
  for (const slug of ['as_made', ...Object.keys(DONE)]) schemas.set(slug, (await fresh.tenant(slug)).schema)
}, 60_000)
afterAll(async () => await fresh.drop())

const looked = async (slugs: readonly string[] | null = null): Promise<ReadonlyMap<string, string>> =>
  new Map(
    (await examineDrift(fresh.database, slugs)).map(({ check, status, detail }) => [check, `${status}: ${detail}`]),
  )

test('tenants that are as the migrations make them are one line, and nothing is left of the comparison', async () => {
  expect([...(await looked())]).toEqual([['tenants', expect.stringMatching(/^ok: 15 looked at/)]])
  expect(await fresh.sql(`SELECT 1 FROM pg_namespace WHERE nspname LIKE 'tenant\\_doctor%'`)).toEqual([])
  expect(await fresh.sql(`SELECT 1 FROM pg_roles WHERE rolname LIKE 'tenant\\_doctor%'`)).toEqual([])
})

test('what was done to a tenant by hand is told, of each tenant only its own', async () => {
  const [{ app } = { app: '' }] = await fresh.sql<{ app: string }>(
    `SELECT rolname AS app FROM pg_roles r WHERE rolname LIKE 'gatehouse\\_app%' AND pg_has_role(oid, '${schemas.get('as_made')}', 'MEMBER')`,
  )
  for (const [slug, [statement]] of Object.entries(DONE))
    await fresh.sql(statement.replaceAll(/\bT\b/g, schemas.get(slug) ?? '').replaceAll(/\bA\b/g, app))
  const told = await looked()
  expect([...told.keys()].toSorted()).toEqual(
    Object.keys(DONE)
      .map((slug) => `tenant ${slug}`)
      .toSorted(),
  )
  for (const [slug, [, words]] of Object.entries(DONE))
    expect(told.get(`tenant ${slug}`)?.replace(/^failed: /, ''), slug).toMatch(words)
  expect([...(await looked(['as_made'])).keys()]).toEqual(['tenants'])
  expect((await looked(['as_made', 'nobody'])).get('tenant nobody')).toBe('failed: there is no such tenant')
})

test('D18: a suspended tenant has no rights, and one that has them all the same is told', async () => {
  const { admin } = fresh.database
  const place = { ...(await fresh.tenant('shut')), placement: 'default' }
  await admin.fence(place, async () => {})
  await fresh.sql(`UPDATE gatehouse.tenants SET status = 'suspended' WHERE slug = 'shut'`)
  expect([...(await looked(['shut'])).values()]).toEqual([expect.stringMatching(/^ok: 1 looked at/)])
  await admin.unfence(place, async () => {})
  expect((await looked(['shut'])).get('tenant shut')).toMatch(/^failed: has, and should not: right /)
})

test('a tenant one version behind is compared with that version', async () => {
  const { schema } = await fresh.tenant('behind')
  await fresh.sql(
    `DELETE FROM ${schema}.schema_migrations WHERE version = 4; UPDATE gatehouse.tenants SET schema_version = 3 WHERE slug = 'behind'`,
  )
  // What 0004 makes.
  await fresh.sql(`DROP TABLE ${schema}.passages, ${schema}.document_passages`)
  expect([...(await looked(['behind'])).values()]).toEqual([expect.stringMatching(/^ok: 1 looked at/)])
})

test('the index that reindex makes for the dimensions of a model is no drift, and another one is', async () => {
  const { schema } = await fresh.tenant('indexed')
  await fresh.sql(`CREATE INDEX passages_near_384 ON ${schema}.passages (model) WHERE cardinality(embedding) = 384`)
  expect([...(await looked(['indexed'])).values()]).toEqual([expect.stringMatching(/^ok: 1 looked at/)])
  await fresh.sql(`CREATE INDEX passages_nearly ON ${schema}.passages (model)`)
  expect((await looked(['indexed'])).get('tenant indexed')).toContain('passages_nearly')
  await fresh.sql(`DROP INDEX ${schema}.passages_nearly`)
})

test('of many that drifted the first are told and the rest are counted, on the command line as well', async () => {
  for (let number = 0; number < 12; number++) {
    const { schema } = await fresh.tenant(`z${number}`)
    await fresh.sql(`DROP INDEX ${schema}.todos_status`)
  }
  // With the 14 above and the one that has rights although it is suspended.
  const findings = await examineDrift(fresh.database, null)
  expect(findings).toHaveLength(21)
  expect(findings.at(-1)).toMatchObject({ check: 'tenants', detail: expect.stringMatching(/^7 more differ/) })
  const ran = await gatehouse({ env: environment(fresh) }, 'doctor --tenant z0 no_index --json')
  expect(ran.exit).toBe(1)
  const { findings: told } = ran.json() as { findings: { check: string; status: string }[] }
  expect(told.filter(({ check }) => check.startsWith('tenant')).map(({ check }) => check)).toEqual([
    'tenant no_index',
    'tenant z0',
  ])
}, 60_000)
