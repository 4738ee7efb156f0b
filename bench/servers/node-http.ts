/** Bare node:http: reads JSON, answers JSON. */
import { createServer } from 'node:http'
import { answerTo, type Request } from './order.ts'
import { port } from './port.ts'

createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const text = Buffer.concat(parts).toString()
    if (text === '') return void response.writeHead(404).end()
    const body = JSON.stringify(answerTo(JSON.parse(text) as Request))
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    return void response.end(body)
  })
}).listen(port, '127.0.0.1')
