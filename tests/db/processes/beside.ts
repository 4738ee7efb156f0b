/** A command beside a running server: reads the registry and announces a change. Argument: what openDatabase needs of a Config. */
import { systemClock } from '#base/clock.ts'
import { createLog } from '#base/log.ts'
import { openDatabase, type OpenOptions } from '#db/open.ts'
import { sql } from '#db/sql.ts'

const config = JSON.parse(process.argv[2] ?? '') as OpenOptions['config']
const database = await openDatabase({ config, log: createLog('silent'), clock: systemClock })
const rows = await database.control({ as: 'operator' }, async (db) => await db.query(sql`SELECT slug FROM tenants`))
await database.announce({ table: 'tenants', tenant: null, id: 'from the command' })
await database.close()
process.stdout.write(JSON.stringify(rows))
