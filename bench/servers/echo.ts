/** No HTTP at all: the same bytes for whatever comes in. What the generator can do at most. */
import { createServer } from 'node:net'
import { port } from './port.ts'

const body = JSON.stringify({
  jsonrpc: '2.0',
  id: 7,
  result: { content: [{ type: 'text', text: 'x'.repeat(280) }] },
})
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
)

createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('data', () => socket.write(answer))
  socket.on('error', () => socket.destroy())
}).listen(port, '127.0.0.1')
