/** Bare Fastify, as its own first page shows it: no token, no schema, no log. What everything is measured against. */
import fastify from 'fastify'
import { answerTo, type Request } from './order.ts'
import { port } from './port.ts'

const app = fastify({ logger: false })
app.post<{ Body: Request }>('/mcp', async (request) => answerTo(request.body))
await app.listen({ host: '127.0.0.1', port })
