import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { EndpointEmbeddings } from '#base/config-search.ts'
import type { Embedder } from '#base/embedder.ts'
import { createEndpointEmbedder } from '#base/embedder-endpoint.ts'
import { createGuardedFetch, type GuardedFetch } from '#base/fetch.ts'
import { embeddingFailure } from '../support/embedding-failure.ts'

interface Reply {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body: unknown
}
interface Asked {
  readonly path: string | undefined
  readonly authorization: string | undefined
  readonly body: { readonly model: string; readonly input: readonly string[] }
}

let server: Server
let fetch: GuardedFetch
let embedder: Embedder
let asked: Asked[] = []
let reply: (input: readonly string[]) => Reply
const KEY = 'sk-secret-of-the-test'

const good = (input: readonly string[]): Reply => ({
  body: { data: input.map((one, index) => ({ index, embedding: [one.length, 1, 0] })) },
})

beforeAll(async () => {
  server = createServer((request, response) => {
    void text(request).then((sent) => {
      const body = JSON.parse(sent) as Asked['body']
      asked.push({ path: request.url, authorization: request.headers.authorization, body })
      const { status = 200, headers = {}, body: answer } = reply(body.input)
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(answer))
    })
  })
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  fetch = createGuardedFetch({ allowPrivate: true })
})
afterAll(async () => {
  await fetch.close()
  server.close()
})
beforeEach(() => {
  asked = []
  reply = good
  const { port } = server.address() as AddressInfo
  const config: EndpointEmbeddings = {
    url: `http://127.0.0.1:${port}/v1`,
    model: 'small',
    key: KEY,
    dimensions: 3,
    batch: 64,
    perMinute: 60,
  }
  embedder = createEndpointEmbedder(config, { fetch, clock: Date })
})

test('texts go in one request with model and key, and come back as vectors of length 1', async () => {
  const vectors = await embedder.passages(['abc', 'a'])
  expect(asked).toEqual([
    {
      path: '/v1/embeddings',
      authorization: `Bearer ${KEY}`,
      body: { model: 'small', input: ['abc', 'a'], encoding_format: 'float' },
    },
  ])
  expect(vectors[0]).toEqual([3 / Math.sqrt(10), 1 / Math.sqrt(10), 0])
  for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1)
})

test('each vector goes to its text, in whatever order they come', async () => {
  reply = (input) => {
    const { data } = good(input).body as { data: unknown[] }
    return { body: { data: data.toReversed() } }
  }
  const [first, second] = await embedder.passages(['aaaaaaa', 'a'])
  expect(first![0]).toBeGreaterThan(second![0]!)
})

test.each([
  ['no list', {}],
  ['too few', { data: [] }],
  ['the same twice', { data: [0, 0].map((index) => ({ index, embedding: [1, 0, 0] })) }],
  ['an index out of range', { data: [1, 2].map((index) => ({ index, embedding: [1, 0, 0] })) }],
  ['other dimensions', { data: [0, 1].map((index) => ({ index, embedding: [1, 0] })) }],
  ['no numbers', { data: [0, 1].map((index) => ({ index, embedding: ['1', null, 0] })) }],
  ['zeroes', { data: [0, 1].map((index) => ({ index, embedding: [0, 0, 0] })) }],
])('an answer with %s is a failure, and nothing of it is used', async (_, body) => {
  reply = () => ({ body })
  expect((await embeddingFailure(embedder.passages(['a', 'b']))).refused).toBe(false)
})

test('what may be tried again is told from texts that will never do, and neither tells the key or the text', async () => {
  reply = () => ({ status: 429, headers: { 'retry-after': '12' }, body: {} })
  expect(await embeddingFailure(embedder.passages(['private text']))).toMatchObject({ refused: false, retryAfter: 12 })
  reply = () => ({ status: 401, body: {} })
  expect(await embeddingFailure(embedder.passages(['private text']))).toMatchObject({ refused: false })
  reply = () => ({ status: 400, body: { error: 'private text is too long' } })
  const error = await embeddingFailure(embedder.passages(['private text']))
  expect(error.refused).toBe(true)
  expect(`${error.message} ${JSON.stringify(error)}`).not.toMatch(/private|sk-secret/)
})

test('a question is asked once an hour', async () => {
  await embedder.question('same')
  await embedder.question('same')
  await embedder.question('other')
  expect(asked.map(({ body }) => body.input)).toEqual([['same'], ['other']])
})

test('more than sixteen questions at once are not sent', async () => {
  const all = await Promise.allSettled(Array.from({ length: 20 }, async (_, n) => await embedder.question(`q${n}`)))
  expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(4)
  expect(asked).toHaveLength(16)
  await embedder.question('and after that one is')
  expect(asked).toHaveLength(17)
})
