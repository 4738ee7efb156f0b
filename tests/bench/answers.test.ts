import { expect, test } from 'vitest'
import { createAnswerReader, problemOf, type Answer } from '../../bench/answers.ts'

const LENGTH = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"result":1}'
const CHUNKED =
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:\r\nD\r\n {"result":2}\r\n0\r\n\r\nHTTP/1.1 503 no\r\ncontent-length: 0\r\n\r\n'

function read(pieces: readonly Buffer[]): { status: number; body: string }[] {
  const answers: { status: number; body: string }[] = []
  const take = createAnswerReader(({ status, body }) => answers.push({ status, body: body.toString() }))
  for (const piece of pieces) take(piece)
  return answers
}
const answer = (status: number, body: string): Answer => ({ status, body: Buffer.from(body) })

test('answers with a length and in chunks are found one after another', () => {
  expect(read([Buffer.from(LENGTH + CHUNKED)])).toEqual([
    { status: 200, body: '{"result":1}' },
    { status: 200, body: 'data: {"result":2}' },
    { status: 503, body: '' },
  ])
})

test('wherever the bytes are cut, the same answers come out, also when the buffer is used again', () => {
  const whole = Buffer.from(LENGTH + CHUNKED)
  const expected = read([whole])
  const buffer = Buffer.alloc(whole.length)
  for (let cut = 1; cut < whole.length; cut++) {
    const answers: { status: number; body: string }[] = []
    const take = createAnswerReader(({ status, body }) => answers.push({ status, body: body.toString() }))
    for (const piece of [whole.subarray(0, cut), whole.subarray(cut)]) {
      piece.copy(buffer)
      take(buffer.subarray(0, piece.length))
    }
    expect(answers, `cut at ${cut}`).toEqual(expected)
  }
})

test('bytes that are no HTTP answer, or one of unknown length, end the run', () => {
  expect(() => read([Buffer.from('SSH-2.0-OpenSSH\r\n\r\n')])).toThrow('no HTTP answer')
  expect(() => read([Buffer.from('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nx')])).toThrow('unknown length')
})

test('only 2xx with a result that is no failure counts', () => {
  expect(problemOf(answer(200, '{"jsonrpc":"2.0","result":{}}'))).toBeNull()
  expect(problemOf(answer(429, '{"jsonrpc":"2.0","result":{}}'))).toBe('status 429')
  expect(problemOf(answer(503, '{"error":"busy","error_description":"come back later"}'))).toBe(
    'status 503 (come back later)',
  )
  expect(problemOf(answer(200, '{"jsonrpc":"2.0","error":{}}'))).toBe('no JSON-RPC result')
  expect(problemOf(answer(200, '{"error":{"code":-32602,"message":"no such tool"}}'))).toBe(
    'no JSON-RPC result (no such tool)',
  )
  expect(problemOf(answer(200, '{"result":{"content":[],"isError":true}}'))).toBe('the tool failed')
})
