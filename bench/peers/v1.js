import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { about, describeOrder, fields } from './order.js'

/** One request by SDK v1 without a session: a server and a transport for each, as its documentation says. */
export async function answerV1(request, response) {
  const server = new McpServer({ name: 'bench', version: '1.0.0' })
  server.registerTool('describe_order', { ...about, inputSchema: fields }, async (order) => ({
    content: [{ type: 'text', text: describeOrder(order) }],
  }))
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true })
  response.on('close', () => {
    void transport.close()
    void server.close()
  })
  await server.connect(transport)
  await transport.handleRequest(request, response, request.body)
}
