import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { ConfigError } from '#base/config.ts'
import { uuidv7 } from '#base/id.ts'
import { createLog } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import { openDatabase } from '#db/open.ts'
import { sql } from '#db/sql.ts'
import { readToolMigrations } from '#db/tool-migrations.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'

const log = createLog('silent')
const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

/** A TOOLS_DIR with these files in its sql/. */
async function toolsDir(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tool-sql-'))
  folders.push(folder)
  await mkdir(join(folder, 'sql'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, 'sql', name), text)
  return folder
}

const NOTES = 'CREATE TABLE x_notes (id uuid PRIMARY KEY, text text NOT NULL);'
const TAGS = "ALTER TABLE x_notes ADD COLUMN tag text NOT NULL DEFAULT 'none';"

describe('files of TOOLS_DIR/sql', () => {
  const problems = async (files: Readonly<Record<string, string>>): Promise<string> => {
    try {
      await readToolMigrations({ toolsDir: await toolsDir(files), production: false })
      return ''
    } catch (error) {
      if (error instanceof ConfigError) return error.problems.join('\n')
      throw error
    }
  }

  test('are numbered without a gap, and hold statements of migrations only', async () => {
    expect(await problems({ '0001_notes.sql': NOTES, '0002_tags.sql': `-- more\n/* and */ ${TAGS}` })).toBe('')
    expect(await problems({ '0002_notes.sql': NOTES })).toContain('0002_notes.sql is not number 1')
    for (const odd of [
      'COMMIT',
      'SET ROLE postgres',
      'RESET ROLE',
      'GRANT ALL ON x_notes TO PUBLIC',
      'DO $$ BEGIN END $$',
      'COPY x_notes FROM PROGRAM $$id$$',
    ])
      expect(await problems({ '0001_notes.sql': `${NOTES}\n${odd};` })).toContain('is not for a migration')
  })

  test('D5: are judged as code is, before anything of them runs', async () => {
    const folder = await toolsDir({ '0001_notes.sql': NOTES })
    await expect(readToolMigrations({ toolsDir: folder, production: true })).rejects.toThrow(ConfigError)
    expect(await readToolMigrations({ toolsDir: folder, production: false })).toMatchObject([
      { version: 1, name: 'tools/0001_notes.sql' },
    ])
    expect(await readToolMigrations({ toolsDir: null, production: true })).toEqual([])
  })
})

describe("an operator's own tables", () => {
  let fresh: FreshDatabase
  const opened: Database[] = []
  beforeAll(async () => {
    fresh = await freshDatabase({ kind: 'postgres' })
  })
  afterAll(async () => {
    for (const database of opened) await database.close()
    await fresh.drop()
  })

  async function open(files: Readonly<Record<string, string>>): Promise<Database> {
    const config = { ...fresh.config, toolsDir: await toolsDir(files) }
    const database = await openDatabase({ config, log, clock: systemClock })
    opened.push(database)
    return database
  }
  async function provision(database: Database, slug: string) {
    const place = { schema: `tenant_${slug}` as const, placement: 'default' }
    await database.admin.provision(place, async (db) => {
      await db.query(sql`INSERT INTO tenants (id, slug, name, schema, origin)
        VALUES (${uuidv7()}, ${slug}, ${slug}, ${place.schema}, 'operator')`)
    })
    return { ...place, schemaVersion: database.admin.required.tenant }
  }
  const write = { access: 'write' } as const

  test('are there for a new tenant, with the rights of every other table, and a ledger that the tenant cannot write', async () => {
    const database = await open({ '0001_notes.sql': NOTES })
    const acme = await provision(database, 'acme')
    const insert = sql`INSERT INTO x_notes (id, text) VALUES (${uuidv7()}, 'hello')`
    await database.tenant(acme, write, async (db) => await db.query(insert))
    expect(await fresh.sql('SELECT text FROM tenant_acme.x_notes')).toEqual([{ text: 'hello' }])
    expect(await fresh.sql('SELECT version, name FROM tenant_acme.tool_migrations')).toEqual([
      { version: 1, name: 'tools/0001_notes.sql' },
    ])
    const forget = database.tenant(acme, write, async (db) => await db.query(sql`DELETE FROM tool_migrations`))
    await expect(forget).rejects.toThrow(/permission denied/)
  })

  test('reach tenants that were there before, and only those that are behind', async () => {
    const bare = await fresh.tenant('globex')
    const database = await open({ '0001_notes.sql': NOTES, '0002_tags.sql': TAGS })
    const first = await database.admin.migrateTenants()
    expect([first.failed, first.done, first.left]).toEqual([[], 2, 0])
    expect((await database.admin.migrateTenants()).total).toBe(0)
    const rows = await database.tenant(bare, write, async (db) => {
      await db.query(sql`INSERT INTO x_notes (id, text) VALUES (${uuidv7()}, 'later')`)
      return await db.query(sql`SELECT text, tag FROM x_notes`)
    })
    expect(rows).toEqual([{ text: 'later', tag: 'none' }])
    // A program without TOOLS_DIR knows nothing of them, and forgets nothing.
    expect((await fresh.database.admin.migrateTenants()).total).toBe(0)
    const versions = await fresh.sql('SELECT DISTINCT tools_version FROM gatehouse.tenants')
    expect(versions).toEqual([{ tools_version: 2 }])
  })

  test('a file that was changed after it was applied stops the tenant, and the reason names it', async () => {
    const database = await open({
      '0001_notes.sql': `${NOTES} -- changed`,
      '0002_tags.sql': TAGS,
      '0003_more.sql': 'ALTER TABLE x_notes ADD COLUMN more text',
    })
    const { failed } = await database.admin.migrateTenants({ attempts: 1 })
    expect(failed.map(({ error }) => error).join()).toContain('tools/0001_notes.sql was changed after it was applied')
  })

  test.each([
    ['a table of a name that Gatehouse might need', 'CREATE TABLE notes (id uuid PRIMARY KEY)', 'must begin with x_'],
    ["a column in a table of Gatehouse's", 'ALTER TABLE projects ADD COLUMN mine text', 'column projects.mine'],
    ["an index on a table of Gatehouse's", 'CREATE INDEX x_mine ON projects (name)', 'must begin with x_'],
    ["a table of Gatehouse's dropped", 'DROP TABLE todos', 'must begin with x_'],
    [
      'a function of another name',
      'CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
      'function mine',
    ],
    ['a composite type of another name', 'CREATE TYPE pair AS (a int, b int)', 'relation pair c'],
    ['no primary key', 'CREATE TABLE x_loose (id uuid)', 'x_loose has no primary key'],
    [
      'a key to the registry',
      'CREATE TABLE x_key (id uuid PRIMARY KEY REFERENCES gatehouse.tenants (id))',
      'refers to another schema',
    ],
    ['a deferrable constraint', 'CREATE TABLE x_late (id uuid PRIMARY KEY DEFERRABLE)', 'is deferrable'],
    [
      'a trigger',
      'CREATE TABLE x_t (id uuid PRIMARY KEY); CREATE TRIGGER x_tr BEFORE UPDATE ON x_t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
      'trigger x_tr',
    ],
    [
      'a function that runs with its owner’s rights',
      'CREATE FUNCTION x_f() RETURNS int LANGUAGE sql SECURITY DEFINER AS $$ SELECT 1 $$',
      'SECURITY DEFINER',
    ],
  ])('a migration is refused and leaves nothing: %s', async (_, text, reason) => {
    const database = await open({ '0001_odd.sql': text })
    const slug = `odd_${uuidv7().replaceAll('-', '').slice(-12)}`
    await expect(provision(database, slug)).rejects.toThrow(reason)
    expect(await fresh.sql(`SELECT 1 AS one FROM pg_namespace WHERE nspname = 'tenant_${slug}'`)).toEqual([])
  })
})
