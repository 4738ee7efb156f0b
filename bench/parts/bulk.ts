import pg from 'pg'
import { readMigrations } from '#db/migrations.ts'
import { createTenantSchema } from '#db/tenant-schema.ts'
import { sharedToken, AUDIENCE } from '../issuer.ts'
import type { World } from '../world.ts'
import { PROJECT } from './rows.ts'

const WORKERS = 4
const slugOf = (index: number): string => `bulk_${index}`

/** Rows of the registry that `tenant create` would make, one person each, many at a time. Idempotent. */
const enlist = (from: number, to: number, version: number): string => `
  INSERT INTO gatehouse.tenants (id, slug, name, schema, schema_version, origin)
    SELECT gen_random_uuid(), 'bulk_' || n, 'Bulk ' || n, 'tenant_bulk_' || n, ${version}, 'operator' FROM generate_series(${from}, ${to}) n
    ON CONFLICT DO NOTHING`

/**
 * Tenants `bulk_0` to `bulk_<count - 1>`, each with its schema, role, rights and the project that is read, made by the product's own
 * functions; only the ledger of the registry is left out. Rejects when one cannot be made.
 */
export async function makeTenants(world: World, count: number): Promise<void> {
  const [known] = await world.sql<{ n: number }>(
    `SELECT count(*)::integer AS n FROM gatehouse.tenants WHERE slug LIKE 'bulk\\_%'`,
  )
  const from = known?.n ?? 0
  if (from >= count) return
  const migrations = await readMigrations('tenant')
  const numbers = Array.from({ length: count - from }, (_, index) => from + index).values()
  const began = performance.now()
  const worker = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: world.databaseUrl('postgres') })
    await client.connect()
    try {
      for (const index of numbers) {
        const schema = `tenant_${slugOf(index)}`
        await client.query('BEGIN')
        await createTenantSchema(client, { schema, app: 'gatehouse_app', password: null }, migrations)
        await client.query('COMMIT')
        await client.query(
          `INSERT INTO ${schema}.projects (id, name, description, created_by, created_at, updated_at)
            VALUES ('${PROJECT}', 'Measured', '', 'oidc:alice', now(), now())`,
        )
      }
    } finally {
      await client.end()
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
  await world.sql(enlist(from, count - 1, migrations.length))
  await world.sql('ANALYZE')
  console.log(`  ${count - from} tenants made in ${((performance.now() - began) / 1000).toFixed(0)} s`)
}

/** A file of tokens, one for each of the first so many tenants: the shared secret's, which name it. */
export async function tokensOf(world: World, count: number): Promise<string> {
  const lines = Array.from({ length: count }, (_, index) =>
    sharedToken(world.secret, {
      iss: world.sharedIssuer,
      aud: AUDIENCE,
      tenant: slugOf(index),
      sub: `person-${index}`,
    }),
  )
  return await world.file(`tenants-${count}`, lines.join('\n'))
}
