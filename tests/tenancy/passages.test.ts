import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { EmbeddingFailed, type Embedder } from '#base/embedder.ts'
import { createLog } from '#base/log.ts'
import { sql } from '#db/sql.ts'
import { indexTurn } from '#tenancy/passages/indexer.ts'
import { forgetEmbeddings, progressOf, takeTexts } from '#tenancy/passages/queue.ts'
import { piecesOf } from '#tenancy/passages/split.ts'
import { createIndexWorker } from '#tenancy/passages/worker.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, upperKinds, type FreshDatabase } from '../support/database.ts'
import { testEmbedder } from '../support/embedder.ts'
import { until } from '../support/until.ts'

describe('a document in passages', () => {
  const textOf = (content: string) => piecesOf('T', content).map((piece) => piece.content)

  test('small paragraphs stand together, a heading begins a new one, and nothing but white space is lost', () => {
    const long = 'word '.repeat(100).trim()
    const content = `${long}\n\n# Next\n\n${long}\n \n${long}\n\n\n${long}`
    const texts = textOf(content)
    expect(texts.length).toBe(3)
    expect(texts[1]).toMatch(/^# Next/)
    expect(texts.join(' ').replaceAll(/\s+/g, ' ')).toBe(content.replaceAll(/\s+/g, ' '))
  })

  test.each([
    'One sentence is here. '.repeat(400),
    'x'.repeat(5_000),
    '🏡'.repeat(4_000),
    'line of text\n'.repeat(500),
    '漢字。'.repeat(2_000),
  ])('what has no paragraphs is cut, and no piece is too long (case %#)', (content) => {
    const texts = textOf(content)
    expect(texts.length).toBeGreaterThan(1)
    for (const text of texts) {
      expect(text.length).toBeLessThanOrEqual(1_500)
      expect(text).not.toMatch(/\p{Cs}/u)
    }
    expect(texts.join('').replaceAll(/\s/g, '')).toBe(content.replaceAll(/\s/g, ''))
  })

  test('an empty document has one piece for its title, and the digest is of title and text', () => {
    expect(textOf(' \n ')).toEqual([''])
    expect(piecesOf('A', 'x')[0]!.digest).not.toBe(piecesOf('B', 'x')[0]!.digest)
    expect(piecesOf('A', 'x')[0]!.digest).toBe(piecesOf('A', 'x')[0]!.digest)
  })
})

describe.each(upperKinds)('indexing on %s', (kind) => {
  let fresh: FreshDatabase
  let acme: Tenant
  let now = Date.parse('2026-11-21T12:00:00Z')
  const clock = { now: () => now }
  const log = createLog('silent')
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    acme = await fresh.tenant('acme')
  })
  afterAll(async () => await fresh.drop())
  beforeEach(async () => {
    await fresh.sql(`DELETE FROM ${acme.schema}.documents`)
    now = Date.parse('2026-11-21T12:00:00Z')
  })

  const put = async (title: string, content: string, tenant = acme): Promise<string> => {
    const [row] = await fresh.sql<{ id: string }>(
      `INSERT INTO ${tenant.schema}.documents (id, title, content, created_by, created_at, updated_at)
        VALUES (gen_random_uuid(), $1, $2, 'p:a', now(), now()) RETURNING id`,
      [title, content],
    )
    return row!.id
  }
  const change = async (id: string, content: string): Promise<void> =>
    void (await fresh.sql(`UPDATE ${acme.schema}.documents SET content = $2, version = version + 1 WHERE id = $1`, [
      id,
      content,
    ]))
  const turn = async (embedder: Embedder, batch = 100, tenant = acme) =>
    await indexTurn(
      { database: fresh.database, embedder, batch, clock, log, signal: new AbortController().signal },
      tenant,
    )
  const drain = async (embedder: Embedder, batch = 100): Promise<void> => {
    while ((await turn(embedder, batch)).turn === 'more');
  }
  const progress = async (embedder: Embedder) =>
    await fresh.database.tenant(acme, { access: 'read' }, async (db) => await progressOf(db, embedder.model))
  const many = (n: number): string =>
    Array.from({ length: n }, (_, index) => `Paragraph ${index} ${'filler '.repeat(130)}`).join('\n\n')

  test('every passage is embedded once, and again nothing is', async () => {
    const embedder = testEmbedder()
    for (let n = 0; n < 25; n += 1) await put(`Title ${n}`, many(3))
    await drain(embedder, 10)
    expect(embedder.asked).toHaveLength(75)
    expect(new Set(embedder.asked).size).toBe(75)
    expect(await progress(embedder)).toEqual({ documents: 25, unsplit: 0, passages: 75, embedded: 75, failed: 0 })
    expect(await turn(embedder)).toEqual({ turn: 'idle', asked: false, pause: null })
    expect(embedder.asked).toHaveLength(75)
  })

  test('of a document that changed only the new passages are embedded, and the old ones go', async () => {
    const embedder = testEmbedder()
    const id = await put('Title', many(5))
    await drain(embedder)
    embedder.asked.length = 0
    await change(id, `${many(4)}\n\nSomething new`)
    await drain(embedder)
    expect(embedder.asked).toEqual(['Title\n\nSomething new'])
    expect(await progress(embedder)).toMatchObject({ passages: 5, embedded: 5, unsplit: 0 })
  })

  test('the same text in two documents is embedded once, at once or later', async () => {
    const embedder = testEmbedder()
    await put('Same', 'text')
    await put('Same', 'text')
    await drain(embedder)
    await put('Same', 'text')
    await drain(embedder)
    expect(embedder.asked).toEqual(['Same\n\ntext'])
    expect(await progress(embedder)).toMatchObject({ passages: 3, embedded: 3 })
  })

  test('a dead endpoint loses nothing: it is tried again later and later, and then each text is embedded once', async () => {
    const embedder = testEmbedder()
    let dead = true
    let requests = 0
    const flaky: Embedder = {
      ...embedder,
      async passages(texts, signal) {
        requests += 1
        if (dead) throw new EmbeddingFailed('away', { retryAfter: requests === 1 ? 7 : null })
        return await embedder.passages(texts, signal)
      },
    }
    await put('A', many(3))
    await turn(flaky)
    expect(await turn(flaky)).toEqual({ turn: 'failed', asked: true, pause: 7_000 })
    now += 6_999
    expect((await turn(flaky)).turn).toBe('idle')
    now += 1
    expect((await turn(flaky)).turn).toBe('failed')
    expect(requests).toBe(2)
    now += 3_999
    expect((await turn(flaky)).turn).toBe('idle')
    dead = false
    now += 600_000
    await drain(flaky)
    expect(embedder.asked).toHaveLength(3)
    expect(await progress(flaky)).toMatchObject({ passages: 3, embedded: 3, failed: 0 })
  })

  test('what a process took that died comes back after two minutes, and not before', async () => {
    const embedder = testEmbedder()
    await put('A', many(3))
    await turn(embedder)
    const taken = await fresh.database.tenant(acme, { access: 'write' }, async (db) => await takeTexts(db, 2, now))
    expect(taken).toHaveLength(2)
    await drain(embedder)
    expect(embedder.asked).toHaveLength(1)
    now += 119_999
    await drain(embedder)
    expect(embedder.asked).toHaveLength(1)
    now += 1
    await drain(embedder)
    expect(new Set(embedder.asked).size).toBe(3)
    expect(embedder.asked).toHaveLength(3)
  })

  test('two replicas at once embed each text once', async () => {
    const embedder = testEmbedder()
    for (let n = 0; n < 12; n += 1) await put(`Title ${n}`, many(4))
    await Promise.all([drain(embedder, 5), drain(embedder, 5)])
    await drain(embedder)
    expect(embedder.asked).toHaveLength(48)
    expect(new Set(embedder.asked).size).toBe(48)
  })

  test('one text that the model refuses does not keep the others', async () => {
    const embedder = testEmbedder()
    const picky: Embedder = {
      ...embedder,
      async passages(texts, signal) {
        if (texts.some((text) => text.includes('BAD'))) throw new EmbeddingFailed('no', { refused: true })
        return await embedder.passages(texts, signal)
      },
    }
    for (const title of ['A', 'BAD', 'C']) await put(title, 'text')
    await drain(picky)
    expect(await progress(picky)).toEqual({ documents: 3, unsplit: 0, passages: 3, embedded: 2, failed: 1 })
  })

  test('a deleted document leaves no passages, and another model means all anew', async () => {
    const embedder = testEmbedder()
    const id = await put('A', 'a')
    await put('B', 'b')
    await drain(embedder)
    await fresh.sql(`DELETE FROM ${acme.schema}.documents WHERE id = $1`, [id])
    expect(await progress(embedder)).toMatchObject({ documents: 1, passages: 1 })
    const other = testEmbedder([], 32)
    expect(await progress(other)).toMatchObject({ embedded: 0 })
    const waiting = await fresh.database.tenant(
      acme,
      { access: 'write' },
      async (db) => await forgetEmbeddings(db, other.model, false),
    )
    expect(waiting).toBe(1)
    await drain(other)
    expect(await progress(other)).toMatchObject({ embedded: 1 })
  })

  test('a tenant whose schema is a version behind is left alone', async () => {
    const old = await fresh.tenant('old')
    await fresh.sql(`DROP TABLE ${old.schema}.passages, ${old.schema}.document_passages`)
    await put('A', 'a', old)
    expect((await turn(testEmbedder(), 10, old)).turn).toBe('idle')
  })

  test('tenants take turns: one with much to embed does not keep another waiting', async () => {
    const big = await fresh.tenant('big')
    const small = await fresh.tenant('small')
    for (let n = 0; n < 30; n += 1) await put(`Big ${n}`, 'text', big)
    await put('Small', 'text', small)
    const embedder = testEmbedder()
    const worker = createIndexWorker({
      database: fresh.database,
      embedder,
      batch: 2,
      perMinute: 6_000_000,
      clock: { now: () => Date.now() },
      log,
      ready: () => true,
    })
    worker.hint(big.id)
    worker.hint(small.id)
    await until(() => worker.idle)
    expect(embedder.asked).toHaveLength(31)
    expect(embedder.asked.indexOf('Small\n\ntext')).toBeLessThan(6)
    // What came another way is found by the sweep, which one replica does for all.
    await put('Late', 'text', small)
    expect(await worker.sweep()).toBeGreaterThanOrEqual(3)
    expect(await worker.sweep()).toBeNull()
    await until(() => worker.idle)
    expect(embedder.asked).toContain('Late\n\ntext')
    await worker.close()
    expect(
      await fresh.database.tenant(
        big,
        { access: 'read' },
        async (db) => await db.query(sql`SELECT 1 FROM passages WHERE embedding IS NULL`),
      ),
    ).toEqual([])
  })
})
