import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Embedder } from '#base/embedder.ts'
import { testEmbedder } from './embedder.ts'

/** An OpenAI-compatible endpoint on loopback, of which a test decides whether and when it answers. */
export interface EmbeddingsEndpoint {
  /** What a server or command needs in its environment. */
  readonly env: Readonly<Record<string, string>>
  /** Every text that was answered. */
  readonly answered: string[]
  /** Every text that came. */
  readonly received: string[]
  /** 'hang': requests are taken and not answered. */
  mode: 'answer' | 'fail' | 'hang'
  close(): Promise<void>
}

/** @param model what it answers with: vectors of that many dimensions. */
export async function embeddingsEndpoint(
  dimensions = 16,
  model: Pick<Embedder, 'passages'> = testEmbedder([], dimensions),
): Promise<EmbeddingsEndpoint> {
  const server = createServer((request, response) => {
    void text(request).then(async (sent) => {
      const { input } = JSON.parse(sent) as { input: string[] }
      endpoint.received.push(...input)
      if (endpoint.mode === 'hang') return
      if (endpoint.mode === 'fail') {
        response.writeHead(503, { 'retry-after': '1' }).end('{}')
        return
      }
      const vectors = await model.passages(input)
      const data = vectors.map((embedding, index) => ({ index, embedding }))
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data }), () => {
        endpoint.answered.push(...input)
      })
    })
  })
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const endpoint: EmbeddingsEndpoint = {
    env: {
      EMBEDDINGS_URL: `http://127.0.0.1:${port}/v1`,
      EMBEDDINGS_MODEL: 'test',
      EMBEDDINGS_DIMENSIONS: String(dimensions),
      EMBEDDINGS_BATCH: '5',
      EMBEDDINGS_PER_MINUTE: '100000',
      EGRESS_ALLOW_PRIVATE: 'true',
    },
    answered: [],
    received: [],
    mode: 'answer',
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return endpoint
}
