import { expect, test } from 'vitest'
import { sql } from '#db/sql.ts'
import { databaseKinds, freshDatabase } from '../support/database.ts'

test.each(databaseKinds)('works %s', async (kind) => {
  const t0 = performance.now()
  const fresh = await freshDatabase({ kind })
  const t1 = performance.now()
  const acme = await fresh.tenant('acme')
  const t2 = performance.now()
  console.log('fresh', t1 - t0, 'tenant', t2 - t1)
  const rows = await fresh.database.tenant(acme, { access: 'write' }, async (db) => {
    await db.query(
      sql`INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES (${acme.id}, 'x', 'me', now(), now())`,
    )
    return await db.query(sql`SELECT current_user, name FROM projects`)
  })
  expect(rows).toEqual([{ current_user: acme.schema, name: 'x' }])
  expect(
    await fresh.database.control(
      { as: 'resolver' },
      async (db) => await db.query(sql`SELECT slug, schema_version FROM tenants`),
    ),
  ).toEqual([{ slug: 'acme', schema_version: 1 }])
  expect(
    await fresh.database.control(
      { as: 'desk', tenant: acme.id },
      async (db) => await db.query(sql`SELECT id FROM members`),
    ),
  ).toEqual([])
  console.log(await fresh.database.admin.wall())
  await fresh.drop()
  const t3 = performance.now()
  const again = await freshDatabase({ kind })
  console.log('again', performance.now() - t3)
  await again.drop()
})
