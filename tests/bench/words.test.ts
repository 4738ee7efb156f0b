import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Subject } from '../../bench/alternate.ts'
import { callTool, ORDER, requestBytes } from '../../bench/requests.ts'
import { wordsOf } from '../../bench/words.ts'

/** Answers what the path says. */
const ANSWERS: Readonly<Record<string, string>> = {
  '/json': '{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"an order"}]}}',
  '/stream':
    'event: message\ndata: {"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"an order"}]}}\n\n',
  '/error': '{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"no"}}',
}
const server = createServer((request, response) => void response.end(ANSWERS[request.url ?? '']))
beforeAll(async () => await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready)))
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})
const at = (path: string): Subject => ({
  server: { port: (server.address() as AddressInfo).port, pid: 0, took: 0, end: async () => {} },
  path,
  call: callTool('describe_order', ORDER),
  token: 'token',
})

test('servers are compared by the words of their answer, as JSON or as a stream; an error is no answer', async () => {
  expect(await wordsOf(at('/json'))).toBe('an order')
  expect(await wordsOf(at('/stream'))).toBe('an order')
  await expect(wordsOf(at('/error'))).rejects.toThrow('no words in the answer')
})

test('the bytes of a request hold the length of its body in bytes, and one token', () => {
  const text = requestBytes(callTool('describe_order', { ...ORDER, note: 'ä' }), 80, '/mcp', 'secret').toString()
  const [head = '', body = ''] = text.split('\r\n\r\n')
  expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`)
  expect(Buffer.byteLength(body)).toBe(body.length + 1)
  expect(head.match(/authorization: Bearer secret/g)).toHaveLength(1)
  expect(ORDER.item).toHaveLength(200)
})
