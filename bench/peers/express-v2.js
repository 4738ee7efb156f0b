/** The official stack of today: Express 5, @modelcontextprotocol/express, SDK v2, jose. */
import { createMcpExpressApp, requireBearerAuth } from '@modelcontextprotocol/express'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { about, describeOrder, fields, port, verifier } from './order.js'

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'bench', version: '1.0.0' })
  server.registerTool('describe_order', { ...about, inputSchema: z.object(fields) }, async (order) => ({
    content: [{ type: 'text', text: describeOrder(order) }],
  }))
  return server
})
const node = toNodeHandler(handler)
const app = createMcpExpressApp()
app.post('/mcp', requireBearerAuth({ verifier }), (request, response) => void node(request, response, request.body))
app.listen(port, '127.0.0.1')
