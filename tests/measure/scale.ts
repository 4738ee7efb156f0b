/**
 * `npm run measure -- scale`: what depends on the number of tenants. Registries of several sizes, their rows and roles made in bulk; schemas only
 * for those that are called. `--tenants 1,1000,10000,100000 --called 200 --starts 3 --schemas 2000`
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { systemClock } from '#base/clock.ts'
import { TtlCache } from '#base/cache.ts'
import { makeApiKey } from '#identity/api-key.ts'
import { openRegistry, type OpenRegistry } from '../storm/registry.ts'
import { rpc } from '../support/rpc.ts'
import { percentile } from './generator.ts'
import { makeGround, residentSize, startServer, type Ground } from './ground.ts'

const { values } = parseArgs({
  options: {
    tenants: { type: 'string', default: '1,1000,10000,100000' },
    called: { type: 'string', default: '200' },
    starts: { type: 'string', default: '3' },
    schemas: { type: 'string', default: '2000' },
  },
})
const sizes = values.tenants.split(',').map(Number)
const [called, starts, schemas] = [values.called, values.starts, values.schemas].map(Number) as [number, number, number]
/** Megabytes and milliseconds that are promised (issue 7), for 10,000 tenants. */
const PROMISE = { ready: 1_000, idle: 150, tenants: 10_000 }
const median = (of: readonly number[]): number => percentile(of, 0.5)
const uuid = (n: string): string => `('01900000-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`

/** Rows and roles up to so many, as provisioning leaves them, but for the schema. */
async function enlist({ sql }: Ground, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 500)
    await sql(`DO $$ BEGIN FOR i IN ${at} .. ${Math.min(to, at + 500) - 1} LOOP
      EXECUTE 'CREATE ROLE tenant_bulk_' || i || ' NOLOGIN NOINHERIT; GRANT tenant_bulk_' || i || ' TO gatehouse_app WITH INHERIT FALSE, SET TRUE'; END LOOP; END $$`)
  await sql(`INSERT INTO gatehouse.tenants (id, slug, name, schema, origin, schema_version)
    SELECT ${uuid('i')}, 'bulk_' || i, 'Bulk ' || i, 'tenant_bulk_' || i, 'operator', (SELECT schema_version FROM gatehouse.tenants WHERE slug = 'first')
    FROM generate_series(${from}, ${to - 1}) AS i`)
  await sql('VACUUM ANALYZE gatehouse.tenants; ').catch(() => {})
  for (const table of ['pg_authid', 'pg_auth_members']) await sql(`VACUUM ANALYZE pg_catalog.${table}`)
}

/** Schemas of their own for some of them: the tables of the first tenant, with its indexes and rights. */
async function furnish({ sql }: Ground, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 50)
    await sql(`DO $$ DECLARE t name; BEGIN FOR i IN ${at} .. ${Math.min(to, at + 50) - 1} LOOP
      EXECUTE format('CREATE SCHEMA %I AUTHORIZATION gatehouse_owner; GRANT USAGE ON SCHEMA %1$I TO %1$I', 'tenant_bulk_' || i);
      FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'tenant_first'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('CREATE TABLE %I.%I (LIKE tenant_first.%2$I INCLUDING ALL); ALTER TABLE %1$I.%2$I OWNER TO gatehouse_owner; GRANT SELECT, INSERT, UPDATE, DELETE ON %1$I.%2$I TO %1$I', 'tenant_bulk_' || i, t);
      END LOOP; END LOOP; END $$`)
}

/** A key of each, as an operator makes it. */
async function keysOf({ sql }: Ground, from: number, to: number): Promise<readonly string[]> {
  const made = Array.from({ length: to - from }, makeApiKey)
  const rows = made.map(
    ({ id, digest }, index) =>
      `('${id}', ${uuid(String(from + index))}, 'measured', '\\x${digest.toString('hex')}', '{*}', 'member')`,
  )
  if (rows.length > 0)
    await sql(`INSERT INTO gatehouse.api_keys (id, tenant_id, name, digest, scopes, role) VALUES ${rows.join(', ')}`)
  return made.map(({ key }) => key)
}

/** Milliseconds of one call of each key, one after the other. */
async function callEach(url: string, keys: readonly string[]): Promise<readonly number[]> {
  const took: number[] = []
  for (const key of keys) {
    const began = performance.now()
    const { status, text } = await rpc(`${url}/mcp`, key, 'tools/call', { name: 'list_projects', arguments: {} })
    took.push(performance.now() - began)
    if (status !== 200 || text.includes('"isError":true')) throw new Error(`${status} ${text}`)
  }
  return took
}

/** What Postgres takes to let a connection of the pool become a tenant: at first, again, and after a tenant was made. */
async function roleSwitch({ url, sql }: Ground, name: string): Promise<readonly number[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('SET SESSION AUTHORIZATION gatehouse_app')
  const took: number[] = []
  const become = async (): Promise<void> => {
    const began = performance.now()
    await client.query('BEGIN; SET LOCAL ROLE tenant_first; COMMIT')
    took.push(performance.now() - began)
  }
  await become()
  await become()
  await sql(`CREATE ROLE ${name} NOLOGIN; GRANT ${name} TO gatehouse_app`)
  await become()
  await client.end()
  return took
}

async function provision(registry: OpenRegistry, name: string): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < 5; i++) {
    const began = performance.now()
    await registry.tenant(`${name}_${i}`, `${name.replaceAll('_', '-')}-${i}.test`)
    took.push(performance.now() - began)
  }
  return median(took)
}

const shown = (of: number): string => of.toFixed(of < 10 ? 1 : 0)

async function registries(ground: Ground, registry: OpenRegistry): Promise<boolean> {
  console.log(`\n${called} tenants are called, one after the other; medians of ${starts} starts`)
  console.log(
    '| tenants | ready ms | RSS idle MB | first call ms | warm call ms | RSS after MB | role: first, again, after a new tenant, ms | a new tenant ms |',
  )
  console.log('|---|---|---|---|---|---|---|---|')
  let [kept, enlisted] = [true, 1]
  const keys: string[] = [(await registry.key('first')).text]
  for (const size of sizes) {
    await enlist(ground, enlisted, size)
    enlisted = Math.max(enlisted, size)
    const wanted = Math.min(called, size)
    await furnish(ground, keys.length, wanted)
    keys.push(...(await keysOf(ground, keys.length, wanted)))
    const seen = {
      ready: [] as number[],
      idle: [] as number[],
      cold: [] as number[],
      warm: [] as number[],
      after: [] as number[],
    }
    for (let i = 0; i < starts; i++) {
      const server = await startServer({ ...ground.env, MIGRATE_ON_START: 'true' })
      try {
        await pause(1_500)
        seen.ready.push(server.ready)
        seen.idle.push(await residentSize(server.pid))
        seen.cold.push(...(await callEach(server.url, keys)))
        seen.warm.push(...(await callEach(server.url, keys)))
        seen.after.push(await residentSize(server.pid))
      } finally {
        await server.end()
      }
    }
    const role = await roleSwitch(ground, `measured_${size}`)
    const fresh = await provision(registry, `made_${size}`)
    const [ready, idle, cold, warm, after] = Object.values(seen).map(median) as [number, number, number, number, number]
    console.log(
      `| ${size} | ${shown(ready)} | ${shown(idle)} | ${shown(cold)} | ${shown(warm)} | ${shown(after)} | ${role.map(shown).join(', ')} | ${shown(fresh)} |`,
    )
    if (size <= PROMISE.tenants && (ready > PROMISE.ready || idle > PROMISE.idle)) kept = false
  }
  return kept
}

/** What one connection comes to hold that meets many schemas, and one that is replaced on the way. */
async function relcache(ground: Ground): Promise<void> {
  await enlist(ground, sizes.at(-1) ?? 1, schemas)
  await furnish(ground, called, schemas)
  console.log(
    `\na connection that reads two tables of each of ${schemas} schemas, MB of its backend (pg_backend_memory_contexts)`,
  )
  for (const lifetime of [Number.POSITIVE_INFINITY, schemas / 4]) {
    const seen: string[] = []
    let client = await connect(ground.url)
    for (let i = 1; i < schemas; i++) {
      if (i % lifetime === 0) {
        await client.end()
        client = await connect(ground.url)
      }
      await client.query(`BEGIN; SET LOCAL search_path = tenant_bulk_${i}, pg_temp`)
      await client.query('SELECT count(*) FROM projects')
      await client.query('SELECT count(*) FROM audit')
      await client.query('COMMIT')
      if (i === 1 || (i + 1) % (schemas / 4) === 0) seen.push(`${i + 1}: ${shown(await backendSize(client))}`)
    }
    await client.end()
    console.log(
      `  ${Number.isFinite(lifetime) ? `replaced after ${lifetime}` : 'never replaced'}   ${seen.join('   ')}`,
    )
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

async function backendSize(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    'SELECT sum(total_bytes) AS bytes FROM pg_backend_memory_contexts',
  )
  return Number(rows[0]?.bytes) / 1e6
}

/** What the caches hold at their bounds, entries as they are in use. Their bounds do not depend on the number of tenants. */
function caches(): void {
  const gc = Reflect.get(globalThis, 'gc') as (() => void) | undefined
  if (gc === undefined) return console.log('\ncaches: run Node with --expose-gc (NODE_OPTIONS does not allow it)')
  const tenant = (i: number) => ({
    id: `01900000-0000-7000-8000-${String(i).padStart(12, '0')}`,
    slug: `bulk_${i}`,
    name: `Bulk ${i}`,
    schema: `tenant_bulk_${i}`,
    status: 'active',
    placement: 'default',
    schemaVersion: 3,
    limits: { a: null, b: null, c: null },
  })
  const identity = (i: number) => ({
    iss: `https://issuer.measure.test`,
    sub: `person-${i}`,
    email: `person-${i}@bulk-${i}.test`,
    exp: 1_800_000_000 + i,
    claims: { jti: `01900000-${i}`, aud: `https://measure.test/mcp/${i}`, scope: 'projects:read projects:write' },
  })
  const kinds: readonly (readonly [string, number, (i: number) => object])[] = [
    [
      'principals (directory), and as many refusals apart',
      10_000,
      (i) => ({ tenant: tenant(i), role: 'member', member: `m-${i}`, evidence: [identity(i)] }),
    ],
    [
      'API keys, and as many unknown ids apart',
      10_000,
      (i) => ({ id: `key${i}`, digest: Buffer.alloc(32), tenant: tenant(i), scopes: ['*'], cidrs: [] }),
    ],
    ['verified JWTs', 10_000, identity],
    ['opaque tokens, for each provider', 10_000, identity],
    ['upstream credentials', 20_000, (i) => ({ tenant: `t-${i}`, header: `Bearer ${'x'.repeat(64)}${i}` })],
    ['counts of requests in memory', 50_000, (i) => ({ points: i, until: 1_800_000_000_000 + i })],
  ]
  console.log('\n| cache | entries at most | MB then |\n|---|---|---|')
  const kept: TtlCache<object>[] = []
  for (const [name, max, entry] of kinds) {
    gc()
    const before = process.memoryUsage()
    const cache = new TtlCache<object>({ max, clock: systemClock })
    // Else the collector takes one whose last use has been.
    kept.push(cache)
    for (let i = 0; i < max * 2; i++)
      cache.set(`key of an entry, as long as a digest is: 0123456789abcdef ${i}`, entry(i), 60_000)
    gc()
    const after = process.memoryUsage()
    const held = after.heapUsed + after.external - before.heapUsed - before.external
    console.log(`| ${name} | ${kept.at(-1)?.size} | ${(held / 1e6).toFixed(1)} |`)
  }
}

caches()
const ground = await makeGround()
try {
  const registry = await openRegistry(ground.env)
  try {
    await registry.tenant('first', 'first.test')
    const kept = await registries(ground, registry)
    if (!kept)
      console.log(
        `MISSED: more than ${PROMISE.ready} ms to ready or ${PROMISE.idle} MB idle with up to ${PROMISE.tenants} tenants`,
      )
    await relcache(ground)
    process.exitCode = kept ? 0 : 1
  } finally {
    await registry.close()
  }
} finally {
  await ground.close()
}
