/** Bare Fastify that sends the bytes of a file, made before: the ceiling of tools/list. */
import { readFileSync } from 'node:fs'
import fastify from 'fastify'
import { given, port } from './port.ts'

const bytes = readFileSync(given('BYTES'))
const app = fastify({ logger: false })
app.post('/mcp', (_request, reply) => {
  void reply.type('application/json').send(bytes)
})
await app.listen({ host: '127.0.0.1', port })
