import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrate, readMigrations, type Migration } from '#db/migrations.ts'
import { inspect } from '#db/inspect.ts'
import {
  bringUp,
  createTenantSchema,
  dropTenantSchema,
  grantRights,
  hasRights,
  revokeRights,
  settleLogins,
  tablesOf,
} from '#db/tenant-schema.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'

describe('the files', () => {
  test('are those of the folder, in order, with the digest of their text', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gh-sql-'))
    const files = { '0002_more_2.sql': 'SELECT 2', '0001_first.sql': 'SELECT 1', 'README.md': 'not one' }
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
    expect(await readMigrations('tenant', folder)).toEqual([
      { version: 1, name: '0001_first.sql', sha256: sha256('SELECT 1'), text: 'SELECT 1' },
      { version: 2, name: '0002_more_2.sql', sha256: sha256('SELECT 2'), text: 'SELECT 2' },
    ])
    await rm(folder, { recursive: true })
  })

  test.each([
    '0009_late.sql',
    '002_short.sql',
    '0002-dash.sql',
    '0002_Upper.sql',
    '0002_.sql',
    'x0002_x.sql',
    '0002_x.y.sql',
  ])('are numbered without a gap and named plainly: %s is refused', async (name) => {
    const folder = await mkdtemp(join(tmpdir(), 'gh-sql-'))
    await cp('sql/tenant', folder, { recursive: true })
    await writeFile(join(folder, name), 'SELECT 1')
    await expect(readMigrations('tenant', folder)).rejects.toThrow(/is not number \d$/)
    await rm(folder, { recursive: true })
  })

  test('of this program are read from the package', async () => {
    for (const kind of ['control', 'tenant'] as const) {
      const migrations = await readMigrations(kind)
      expect(migrations.length).toBeGreaterThan(0)
      for (const { text, name } of migrations) expect(await readFile(join('sql', kind, name), 'utf8')).toBe(text)
    }
  })
})

describe('a schema', () => {
  let fresh: FreshDatabase
  let client: pg.Client
  let app: string
  beforeAll(async () => {
    fresh = await freshDatabase({ kind: 'postgres' })
    client = new pg.Client({ connectionString: fresh.url })
    await client.connect()
    app = `gatehouse_app_${fresh.config.database.slugPrefix.slice(0, -1)}`
  })
  afterAll(async () => {
    await client.end()
    await fresh.drop()
  })

  /** Everything in one transaction that never commits, as every step of it belongs to its caller's. */
  const within = async <T>(work: () => Promise<T>): Promise<T> => {
    await client.query('BEGIN')
    try {
      return await work()
    } finally {
      await client.query('ROLLBACK')
    }
  }
  const row = async (text: string, values: unknown[] = []): Promise<unknown> =>
    (await client.query<object>(text, values)).rows[0]
  const migration = (version: number, text: string): Migration => ({
    version,
    name: `000${version}_x.sql`,
    sha256: `digest of ${text}`,
    text,
  })
  const schemaOf = (slug: string): string => `tenant_${fresh.config.database.slugPrefix}${slug}`
  const role = (slug: string, password: string | null = null) => ({ schema: schemaOf(slug), app, password })

  test('gets what is pending, in order, as the owner, and each once', async () => {
    await within(async () => {
      await client.query(`CREATE SCHEMA IF NOT EXISTS trial AUTHORIZATION gatehouse_owner`)
      const steps = [
        migration(1, 'CREATE TABLE a (id int PRIMARY KEY)'),
        migration(2, 'ALTER TABLE a ADD COLUMN b int'),
      ]
      expect(await migrate(client, 'trial', steps.slice(0, 1))).toBe(1)
      expect(await row('SELECT current_user::text AS who, current_setting($1) AS path', ['search_path'])).toEqual({
        who: 'gatehouse_owner',
        path: 'trial, ext, pg_temp',
      })
      expect(await migrate(client, 'trial', steps)).toBe(2)
      expect(await migrate(client, 'trial', steps)).toBe(2)
      expect((await client.query('SELECT version, name, sha256 FROM trial.schema_migrations ORDER BY 1')).rows).toEqual(
        steps.map(({ version, name, sha256 }) => ({ version, name, sha256 })),
      )
      expect(
        await row('SELECT tableowner::text AS owner FROM pg_tables WHERE schemaname = $1 AND tablename = $2', [
          'trial',
          'a',
        ]),
      ).toEqual({ owner: 'gatehouse_owner' })
      // A newer program was here: this one lives with it.
      expect(await migrate(client, 'trial', steps.slice(0, 1))).toBe(2)
      // One runner at a time, by a lock that ends with the transaction.
      expect(
        await row(
          `SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
            AND (classid::bigint << 32) + objid::bigint = pg_catalog.hashtextextended($1, 0)`,
          ['gatehouse:trial'],
        ),
      ).toEqual({ n: 1 })
      const changed = [{ ...steps[0], sha256: 'other' } as Migration, ...steps.slice(1)]
      await expect(migrate(client, 'trial', changed)).rejects.toThrow(
        '0001_x.sql was changed after it was applied to trial',
      )
    })
  })

  test('of a new tenant is the owner’s, and its role may use rows and nothing else', async () => {
    await within(async () => {
      const acme = role('made')
      const migrations = await readMigrations('tenant')
      expect(await createTenantSchema(client, acme, migrations)).toBe(migrations.length)
      expect(
        await row(
          `SELECT pg_get_userbyid(nspowner)::text AS owner, has_schema_privilege($1::name, oid, 'USAGE') AS usage,
            has_schema_privilege($1::name, oid, 'CREATE') AS create FROM pg_namespace WHERE nspname = $1`,
          [acme.schema],
        ),
      ).toEqual({ owner: 'gatehouse_owner', usage: true, create: false })
      expect(
        await row(
          'SELECT rolcanlogin, rolinherit, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = $1',
          [acme.schema],
        ),
      ).toEqual({ rolcanlogin: false, rolinherit: false, rolsuper: false, rolcreaterole: false, rolcreatedb: false })
      const { rows } = await client.query<{ name: string; rights: string }>(
        `SELECT relname::text AS name, (SELECT string_agg(lower(left(p, 1)), '' ORDER BY n) FROM
            unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) WITH ORDINALITY AS x (p, n)
            WHERE has_table_privilege($1::name, c.oid, p)) AS rights
          FROM pg_class c WHERE relnamespace = to_regnamespace($1::text) AND relkind = 'r' ORDER BY 1`,
        [acme.schema],
      )
      const rights = Object.fromEntries(rows.map((each) => [each.name, each.rights]))
      expect(rights).toMatchObject({ projects: 'siud', audit: 'si', audit_checkpoints: 'si', schema_migrations: 's' })
      expect(new Set(Object.values(rights))).toEqual(new Set(['siud', 'si', 's']))
      // Ends as the admin; the pool's login may take the role, and inherits nothing of it.
      expect(await row('SELECT current_user::text AS who')).toEqual({ who: 'postgres' })
      expect(
        await row(`SELECT pg_has_role($1, $2, 'SET') AS set, pg_has_role($1, $2, 'USAGE') AS usage`, [
          app,
          acme.schema,
        ]),
      ).toEqual({ set: true, usage: false })
      expect(await tablesOf(client, acme.schema)).toEqual(Object.keys(rights).map((name) => `${acme.schema}.${name}`))
      expect(await tablesOf(client, 'tenant_none')).toEqual([])
    })
  })

  test('D18: is shut and opened by rights alone', async () => {
    await within(async () => {
      const acme = role('shut')
      await createTenantSchema(client, acme, await readMigrations('tenant'))
      const has = async (right: string): Promise<unknown> =>
        await row(`SELECT has_table_privilege($1::name, $2, $3) AS has`, [
          acme.schema,
          `${acme.schema}.projects`,
          right,
        ])
      expect([await hasRights(client, acme.schema), await has('UPDATE')]).toEqual([true, { has: true }])
      await revokeRights(client, acme.schema)
      expect([await hasRights(client, acme.schema), await has('SELECT'), await has('INSERT')]).toEqual([
        false,
        { has: false },
        { has: false },
      ])
      await grantRights(client, acme.schema)
      expect([await hasRights(client, acme.schema), await has('UPDATE')]).toEqual([true, { has: true }])
      expect(await row('SELECT current_user::text AS who')).toEqual({ who: 'postgres' })
      await dropTenantSchema(client, acme)
      expect(await hasRights(client, 'tenant_none')).toBe(false)
      expect(
        await row('SELECT to_regnamespace($1::text) AS schema, to_regrole($1::text) AS role', [acme.schema]),
      ).toEqual({ schema: null, role: null })
      // Once more changes nothing.
      await dropTenantSchema(client, acme)
    })
  })

  test('D16: after each migration is looked at, and one that could leak undoes it', async () => {
    const known = await readMigrations('tenant')
    const next = (text: string): readonly Migration[] => [...known, migration(known.length + 1, text)]
    await within(async () => {
      const acme = role('looked')
      await createTenantSchema(client, acme, known)
      await createTenantSchema(client, role('other'), known)
      await client.query('SAVEPOINT before')
      for (const [text, problem] of [
        [
          `CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`,
          'function f is SECURITY DEFINER',
        ],
        ['CREATE VIEW v AS SELECT id FROM projects', 'view v lacks security_invoker'],
        ['CREATE MATERIALIZED VIEW m AS SELECT id FROM projects', `materialized view m reads with its owner's rights`],
        [
          `CREATE FUNCTION g() RETURNS text LANGUAGE sql AS 'SELECT ''${schemaOf('other')}''::text'`,
          `g names another tenant's schema`,
        ],
      ] as const) {
        await expect(bringUp(client, acme, next(text))).rejects.toThrow(`${acme.schema}: ${problem}`)
        await client.query('ROLLBACK TO before')
      }
      await expect(
        bringUp(client, acme, next('CREATE VIEW v WITH (security_invoker = true) AS SELECT id FROM projects')),
      ).resolves.toBe(known.length + 1)
      await expect(
        bringUp(client, acme, [
          ...next('CREATE VIEW v WITH (security_invoker = true) AS SELECT id FROM projects'),
          migration(
            known.length + 2,
            `CREATE FUNCTION own() RETURNS text LANGUAGE sql AS 'SELECT ''${acme.schema}''::text'`,
          ),
        ]),
      ).resolves.toBe(known.length + 2)
      expect(await row('SELECT current_user::text AS who')).toEqual({ who: 'postgres' })
      await client.query(`CREATE TABLE ${acme.schema}.strangers (id int)`)
      await expect(inspect(client, acme.schema)).rejects.toThrow('strangers is not owned by gatehouse_owner')
    })
  })

  test('D16: logins are settled: on with the present password, off without, and touched only when they differ', async () => {
    await within(async () => {
      const known = await readMigrations('tenant')
      await createTenantSchema(client, role('login', 'first'), known)
      const state = async (): Promise<{ login: boolean; mark: string | null; verifier: string | null }> => {
        const { rows } = await client.query<{ login: boolean; mark: string | null; verifier: string | null }>(
          `SELECT rolcanlogin AS login, shobj_description(oid, 'pg_authid') AS mark, rolpassword AS verifier
            FROM pg_authid WHERE rolname = $1`,
          [schemaOf('login')],
        )
        const [found] = rows
        if (found === undefined) throw new Error('no role')
        return found
      }
      const first = await state()
      expect(first).toMatchObject({ login: true, verifier: expect.stringMatching(/^SCRAM-SHA-256\$/) })
      expect(first.mark).toMatch(/^login [0-9a-f]{16}$/)
      await settleLogins(client, [role('login', 'first'), role('never_made', 'x')])
      expect(await state()).toEqual(first)
      await settleLogins(client, [role('login', 'second')])
      const second = await state()
      expect(second.login).toBe(true)
      expect(second.mark).not.toBe(first.mark)
      expect(second.verifier).not.toBe(first.verifier)
      await settleLogins(client, [role('login')])
      expect(await state()).toEqual({ login: false, mark: null, verifier: null })
      await settleLogins(client, [role('login')])
      expect(await state()).toEqual({ login: false, mark: null, verifier: null })
      await settleLogins(client, [role('login', 'first')])
      expect(await state()).toMatchObject({ login: true, mark: first.mark })
      // Someone turned it off by hand: the mark alone is not believed.
      await client.query(`ALTER ROLE ${schemaOf('login')} NOLOGIN`)
      await settleLogins(client, [role('login', 'first')])
      expect((await state()).login).toBe(true)
    })
  })

  test('D17: a role of that name is adopted only while it has no rights in another database', async () => {
    const taken = role('taken')
    const elsewhere = await freshDatabase({ kind: 'postgres' })
    await client.query(`CREATE ROLE ${taken.schema}`)
    await elsewhere.sql(`CREATE TABLE public.theirs (id int); GRANT SELECT ON public.theirs TO ${taken.schema}`)
    const [there] = await elsewhere.sql<{ name: string }>('SELECT current_database()::text AS name')
    const known = await readMigrations('tenant')
    await within(async () => {
      await expect(createTenantSchema(client, taken, known)).rejects.toMatchObject({
        problems: [
          `DATABASE_SLUG_PREFIX: needed, because the role ${taken.schema} has rights in the database ${there?.name} of the same server`,
        ],
      })
    })
    await elsewhere.sql(`REVOKE SELECT ON public.theirs FROM ${taken.schema}`)
    await within(async () => {
      await expect(createTenantSchema(client, taken, known)).resolves.toBe(known.length)
    })
    await client.query(`DROP ROLE ${taken.schema}`)
    await elsewhere.drop()
  })
})
