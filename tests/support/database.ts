/**
 * A database of its own for a test file, in milliseconds: a copy of one that was bootstrapped once.
 * `describe.each(databaseKinds)('%s', (kind) => { ... await freshDatabase({ kind }) ... })`
 */
import { createHash, randomBytes } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { readdir, cp, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { inject } from 'vitest'
import { systemClock } from '#base/clock.ts'
import type { Config, DatabaseConfig } from '#base/config.ts'
import { uuidv7 } from '#base/id.ts'
import { createLog } from '#base/log.ts'
import { packageRoot } from '#base/package.ts'
import type { Database } from '#db/database.ts'
import { schemaName } from '#db/names.ts'
import { openDatabase, type OpenOptions } from '#db/open.ts'
import { sql } from '#db/sql.ts'
import { ALL_ON, NO_LIMITS, type Tenant } from '#tenancy/tenant.ts'

export type DatabaseKind = 'postgres' | 'embedded'
const both: readonly DatabaseKind[] = ['postgres', 'embedded']
/** TEST_DATABASES: `postgres` for mutation testing, where each of thousands of mutants would wait for the embedded one; `all` in CI. */
const asked = process.env['TEST_DATABASES']
/** For tests about the database itself and what leans on it most. */
export const databaseKinds: readonly DatabaseKind[] = asked === 'postgres' ? ['postgres'] : both
/** For tests about what stands on top: the embedded database runs the same SQL and takes seconds to start, so it is left to CI. */
export const upperKinds: readonly DatabaseKind[] = asked === 'all' ? both : ['postgres']

export interface FreshDatabase {
  readonly kind: DatabaseKind
  readonly database: Database
  /** What a Config needs, for whoever builds a whole one. DATA_DIR is a folder of this database alone. */
  readonly config: OpenOptions['config']
  /** DATABASE_URL with a superuser; for an embedded database that of its socket. */
  readonly url: string
  /** Another door to the same database, as another replica would have; closed by `drop` too. */
  open(overrides?: Partial<DatabaseConfig>): Promise<Database>
  /** A tenant with a registry row and a schema, nothing more. */
  tenant(slug: string): Promise<Tenant>
  /** Any SQL as superuser, outside of Gatehouse. */
  sql<Row extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>
  drop(): Promise<void>
}

const SECRET = 'a session secret that only tests know 0123456789'
const silent = createLog('silent')

/** What loadConfig answers when only a URL is set. */
export const defaultSettings: DatabaseConfig = {
  url: null,
  adminUrl: null,
  directUrl: null,
  placements: {},
  replicas: {},
  appPassword: null,
  appRole: true,
  poolMax: 10,
  poolTotal: 40,
  defaultPlacement: 'default',
  poolMaxLifetime: 600_000,
  poolMaxUses: 5_000,
  pipeline: false,
  citus: false,
  tenantLogin: false,
  tenantConnections: 50,
  migrateOnStart: true,
  slugPrefix: '',
}

export async function freshDatabase({
  kind,
  overrides = {},
}: {
  kind: DatabaseKind
  overrides?: Partial<DatabaseConfig>
}): Promise<FreshDatabase> {
  const base = kind === 'postgres' ? await copyPostgres() : await copyEmbedded()
  const config = {
    database: { ...defaultSettings, ...base.database, ...overrides },
    dataDir: base.dataDir,
    sessionSecrets: [SECRET],
    production: false,
  } satisfies Pick<Config, 'database' | 'dataDir' | 'sessionSecrets' | 'production'>
  const open = async (more: Partial<DatabaseConfig> = {}): Promise<Database> =>
    await openDatabase({
      config: { ...config, database: { ...config.database, ...more } },
      log: silent,
      clock: systemClock,
    })
  const database = await open()
  // The login role has the database's own prefix and is not in the copy.
  if (kind === 'postgres') await database.admin.bootstrap()
  const opened: Database[] = []
  const url = config.database.url ?? `postgres://postgres@localhost/postgres?host=${encodeURIComponent(config.dataDir)}`
  return {
    kind,
    database,
    config,
    url,
    async open(more) {
      const another = await open(more)
      opened.push(another)
      return another
    },
    async tenant(slug) {
      const id = uuidv7()
      const place = { schema: schemaName(slug, config.database.slugPrefix), placement: 'default' }
      await database.admin.provision(place, async (db) => {
        await db.query(
          sql`INSERT INTO tenants (id, slug, name, schema, origin) VALUES (${id}, ${slug}, ${slug}, ${place.schema}, 'operator')`,
        )
      })
      const schemaVersion = database.admin.required.tenant
      return {
        ...place,
        id,
        slug,
        name: slug,
        status: 'active',
        schemaVersion,
        mcpAdmin: false,
        deleteAfter: null,
        plan: null,
        limits: NO_LIMITS,
        toolsOff: ALL_ON,
      }
    },
    async sql<Row extends object>(text: string, values: unknown[] = []) {
      return await withClient(url, async (client) => (await client.query<Row>(text, values)).rows)
    },
    async drop() {
      for (const each of opened) await each.close()
      await database.close()
      await base.remove()
    },
  }
}

interface Base {
  readonly database: Partial<DatabaseConfig>
  readonly dataDir: string
  remove(): Promise<void>
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** A superuser's URL for a database of the run's cluster. */
export function postgresUrl(database: string): string {
  const { host, port, user } = inject('pg')
  return `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
}

const TEMPLATE = 'gatehouse_template'

async function copyPostgres(): Promise<Base> {
  const name = `t${randomBytes(5).toString('hex')}`
  const dataDir = await mkdtemp(join(tmpdir(), 'gatehouse-'))
  await withClient(postgresUrl('postgres'), async (client) => {
    await client.query(`SELECT pg_advisory_lock(hashtext('${TEMPLATE}'))`)
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [TEMPLATE])
    if (rowCount === 0) await makeTemplate(client, dataDir)
    await client.query(`SELECT pg_advisory_unlock(hashtext('${TEMPLATE}'))`)
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`)
  })
  return {
    // Roles belong to the whole cluster: a prefix keeps databases apart (D17).
    database: { url: postgresUrl(name), slugPrefix: `${name}_` },
    dataDir,
    async remove() {
      await withClient(postgresUrl('postgres'), async (client) => {
        await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
        const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles WHERE rolname LIKE $1', [
          `%${name}%`,
        ])
        for (const { rolname } of rows) await client.query(`DROP ROLE ${rolname}`)
      })
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function makeTemplate(client: pg.Client, dataDir: string): Promise<void> {
  const unfinished = `${TEMPLATE}_${randomBytes(4).toString('hex')}`
  await client.query(`CREATE DATABASE ${unfinished}`)
  const database = { ...defaultSettings, url: postgresUrl(unfinished), slugPrefix: 'template_' }
  const config = { database, dataDir, sessionSecrets: [SECRET], production: false }
  const door = await openDatabase({ config, log: silent, clock: systemClock })
  await door.admin.bootstrap()
  await door.close()
  await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${TEMPLATE}`)
}

/** A folder with a bootstrapped embedded database, kept between runs under the digest of what is in it. */
async function copyEmbedded(): Promise<Base> {
  const dataDir = await mkdtemp(join(tmpdir(), 'gh-'))
  await fillDataDir(dataDir)
  return {
    database: {},
    dataDir,
    remove: async () => await rm(dataDir, { recursive: true, force: true, maxRetries: 5 }),
  }
}

/** Puts the files of a bootstrapped embedded database into a DATA_DIR, for whoever starts a process of its own on it. */
export async function fillDataDir(dataDir: string): Promise<void> {
  await cp(await embeddedTemplate(), join(dataDir, 'db'), { recursive: true, mode: constants.COPYFILE_FICLONE })
}

/** Milliseconds; making one takes 4 s, on a very busy machine 35. */
const MAKING = 45_000
const CONTENT = ['src/db/bootstrap.ts', 'src/db/names.ts', 'package-lock.json']

async function embeddedTemplate(): Promise<string> {
  const hash = createHash('sha256')
  const registry = (await readdir(join(packageRoot, 'sql/control'))).toSorted()
  for (const path of [...registry.map((name) => `sql/control/${name}`), ...CONTENT])
    hash.update(await readFile(join(packageRoot, path)))
  const cache = join(packageRoot, 'node_modules', '.cache', 'gatehouse')
  const template = join(cache, hash.digest('hex').slice(0, 16))
  const building = `${template}.building`
  await mkdir(cache, { recursive: true })
  for (const deadline = Date.now() + 60_000; ;) {
    if (existsSync(template)) return template
    // One process makes it, the others wait; a maker that died is given up after a while.
    const mine = await mkdir(building).then(
      () => true,
      () => false,
    )
    if (mine || Date.now() > deadline) break
    // It was left by a run that was ended in the middle, and would cost every later run the whole wait.
    const since = await stat(building).catch(() => null)
    if (since !== null && Date.now() - since.mtimeMs > MAKING) await rm(building, { recursive: true, force: true })
    await pause(50)
  }
  try {
    if (!existsSync(template)) await makeEmbeddedTemplate(template)
  } finally {
    await rm(building, { recursive: true, force: true })
  }
  return template
}

async function makeEmbeddedTemplate(template: string): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'gh-'))
  const config = { database: defaultSettings, dataDir, sessionSecrets: [SECRET], production: false }
  const door = await openDatabase({ config, log: silent, clock: systemClock })
  await door.admin.bootstrap()
  await door.close()
  const unfinished = `${template}.${randomBytes(4).toString('hex')}`
  await cp(join(dataDir, 'db'), unfinished, { recursive: true })
  await rm(dataDir, { recursive: true, force: true })
  await rename(unfinished, template)
}
