/** fastmcp without sessions, JSON answers, its own `authenticate` with jose. It speaks the 2025 revisions only. */
import { FastMCP } from 'fastmcp'
import { z } from 'zod'
import { about, describeOrder, fields, port, verifier } from './order.js'

const server = new FastMCP({
  name: 'bench',
  version: '1.0.0',
  authenticate: async (request) => {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
    try {
      return await verifier.verifyAccessToken(token)
    } catch {
      throw new Response(null, { status: 401, statusText: 'Unauthorized' })
    }
  },
})
server.addTool({
  name: 'describe_order',
  description: about.description,
  parameters: z.object(fields),
  execute: async (order) => describeOrder(order),
})
await server.start({
  transportType: 'httpStream',
  httpStream: { port, host: '127.0.0.1', endpoint: '/mcp', stateless: true, enableJsonResponse: true },
})
