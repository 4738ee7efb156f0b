/** Everything that is new for tenants, through PgBouncer in transaction mode: nothing of it may live in a session. */
import { expect, inject, test } from 'vitest'
import { sql } from '#db/sql.ts'
import { startBouncer } from '../storm/bouncer.ts'
import { freshDatabase } from '../support/database.ts'
import { findProgram } from '../support/program.ts'

const program = findProgram('pgbouncer')
if (program === null) console.log('there is no `pgbouncer` on the PATH: the tests through it are not run here')

test.skipIf(program === null).each([false, true])(
  'through PgBouncer each call is its own tenant’s, with DATABASE_PIPELINE=%s',
  async (pipeline) => {
    const fresh = await freshDatabase({ kind: 'postgres' })
    const tenants = [await fresh.tenant('acme'), await fresh.tenant('globex')]
    const bouncer = await startBouncer(program ?? '', { ...inject('pg'), stop: async () => {} })
    const door = await fresh.open({
      url: bouncer.url(new URL(fresh.url).pathname.slice(1)),
      adminUrl: fresh.url,
      directUrl: fresh.url,
      // Trust on both sides: PgBouncer knows the superuser only.
      appRole: false,
      pipeline,
    })
    const calls = Array.from({ length: 200 }, async (_, index) => {
      const tenant = tenants[index % 2]
      if (tenant === undefined) return
      const rows = await door.tenant(
        tenant,
        { access: 'read' },
        async (db) => await db.query(sql`SELECT current_user::text AS who, current_schema()::text AS schema`),
      )
      expect(rows).toEqual([{ who: tenant.schema, schema: tenant.schema }])
    })
    await Promise.all(calls)
    await door.close()
    await bouncer.stop()
    await fresh.drop()
  },
)
