/**
 * Fastify and pg by hand: one token lookup, then the transaction that Gatehouse makes, with the same rights, the same settings and the same
 * answer. The ceiling with a database. Nothing is validated, nothing is audited.
 */
import { randomUUID } from 'node:crypto'
import fastify from 'fastify'
import pg from 'pg'
import { createKnownTokens } from './known-tokens.ts'
import { given, port } from './port.ts'

interface Project {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly status: string
  readonly created_by: string
  readonly created_at: Date
  readonly updated_at: Date
}
interface Body<Arguments> {
  readonly Body: { readonly id: number; readonly params: { readonly arguments: Arguments } }
}

const schema = given('SCHEMA')
/** All of it in one flight instead of three round trips that are waited for: as fast as a delay lets anybody be. */
const pipeline = given('PIPELINE') === 'true'
const pool = new pg.Pool({ connectionString: given('DATABASE_URL'), max: 10, ...(pipeline ? { pipeline } : {}) })
const prelude = (access: 'ONLY' | 'WRITE'): string =>
  `BEGIN READ ${access}; SET LOCAL ROLE ${schema}; SET LOCAL search_path = ${schema}, ext, pg_temp; ` +
  `SET LOCAL standard_conforming_strings = on; SET LOCAL statement_timeout = 30000; SET LOCAL idle_in_transaction_session_timeout = 31000`
const BEGIN = { read: prelude('ONLY'), write: prelude('WRITE') }

async function transaction(access: 'read' | 'write', text: string, values: unknown[]): Promise<Project | undefined> {
  const client = await pool.connect()
  try {
    if (pipeline) {
      const [, answer, end] = await Promise.all([
        client.query(BEGIN[access]),
        client.query<Project>(text, values),
        client.query('COMMIT'),
      ])
      if (end.command !== 'COMMIT') throw new Error('not committed')
      client.release()
      return answer.rows[0]
    }
    await client.query(BEGIN[access])
    const { rows } = await client.query<Project>(text, values)
    const { command } = await client.query('COMMIT')
    if (command !== 'COMMIT') throw new Error('not committed')
    client.release()
    return rows[0]
  } catch (error) {
    client.release(true)
    throw error
  }
}

function answerWith(id: number, row: Project | undefined, text: (row: Project) => string): object {
  if (row === undefined) return { jsonrpc: '2.0', id, error: { code: -32602, message: 'project not found' } }
  const structuredContent = {
    ...row,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
  return { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: text(row) }], structuredContent } }
}

const person = createKnownTokens()
const app = fastify({ logger: false })
app.addHook('onRequest', (request, reply, done) => {
  if (person(request.headers.authorization) === undefined) void reply.code(401).send()
  else done()
})
app.post<Body<{ readonly id: string }>>('/read', async ({ body: { id, params } }) => {
  const row = await transaction('read', 'SELECT * FROM projects WHERE id = $1::uuid', [params.arguments.id])
  return answerWith(id, row, ({ name, status, id: project }) => `${name} (${status}, id ${project})`)
})
app.post<Body<{ readonly name: string; readonly description: string }>>('/write', async ({ body: { id, params } }) => {
  const { name, description } = params.arguments
  const at = new Date()
  const row = await transaction(
    'write',
    'INSERT INTO projects (id, name, description, created_by, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING *',
    [randomUUID(), name, description, 'oidc:alice', at, at],
  )
  return answerWith(id, row, ({ name, id: project }) => `Created project "${name}", id ${project}.`)
})
await app.listen({ host: '127.0.0.1', port })
