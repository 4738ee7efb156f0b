import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { startPostgres } from './postgres.ts'

/** Another Postgres server, for what lives on several. About a second to start: one for a test file. */
export interface SecondServer {
  /** A superuser's URL of a database that is empty: what DATABASE_URL_<NAME> would be. */
  readonly url: string
  sql<Row extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>
  stop(): Promise<void>
}

export async function secondServer(): Promise<SecondServer> {
  const cluster = await startPostgres()
  const at = (database: string): string =>
    `postgres://${cluster.user}@localhost:${cluster.port}/${database}?host=${encodeURIComponent(cluster.host)}`
  const say = async <Row extends object>(url: string, text: string, values: unknown[] = []): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return (await client.query<Row>(text, values)).rows
    } finally {
      await client.end()
    }
  }
  const name = `s${randomBytes(5).toString('hex')}`
  await say(at('postgres'), `CREATE DATABASE ${name}`)
  return {
    url: at(name),
    sql: async (text, values) => await say(at(name), text, values),
    stop: async () => await cluster.stop(),
  }
}
