/** Bare Fastify that looks up one token: the ceiling of every server with tokens. */
import fastify from 'fastify'
import { createKnownTokens } from './known-tokens.ts'
import { answerTo, type Request } from './order.ts'
import { port } from './port.ts'

const person = createKnownTokens()
const app = fastify({ logger: false })
app.addHook('onRequest', (request, reply, done) => {
  if (person(request.headers.authorization) === undefined) void reply.code(401).send()
  else done()
})
app.post<{ Body: Request }>('/mcp', async (request) => answerTo(request.body))
await app.listen({ host: '127.0.0.1', port })
