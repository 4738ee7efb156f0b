/** Writes one row after the other into the embedded database of the folder given, and says each number once it is answered. */
import pg from 'pg'
import { createLog } from '#base/log.ts'
import { openEmbedded } from '#db/embedded/open.ts'

const { url } = await openEmbedded(process.argv[2] ?? '', createLog('silent'))
const client = new pg.Client({ connectionString: url })
await client.connect()
await client.query('CREATE TABLE public.n (id int PRIMARY KEY)')
for (let id = 1; ; id += 1) {
  await client.query('INSERT INTO public.n VALUES ($1)', [id])
  process.stdout.write(`${id}\n`)
}
