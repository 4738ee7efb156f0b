import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Tenant } from '#tenancy/tenant.ts'
import { anyWordHeadlines, byAnyWord } from '#tools/shared/any-word.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'

let fresh: FreshDatabase
let acme: Tenant
const ids: Record<string, string> = {}
const ALL = { project_id: null, tags: [], updated_after: null, updated_before: null }

beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  acme = await fresh.tenant('acme')
  for (const [name, content, tags] of [
    ['both', 'The lighthouse and the harbour', '{}'],
    ['rare', 'A lighthouse keeper', '{sea}'],
    ['code', "Error E-4711: it's the clock", '{}'],
    ...Array.from({ length: 6 }, (_, n) => [`h${n}`, `Harbour number ${n}`, '{}'] as const),
  ] as const) {
    const [row] = await fresh.sql<{ id: string }>(
      `INSERT INTO ${acme.schema}.documents (id, title, content, tags, created_by, created_at, updated_at)
        VALUES (gen_random_uuid(), $1, $2, $3, 'p:a', '2026-01-01', '2026-01-01') RETURNING id`,
      [name, content, tags],
    )
    ids[name] = row!.id
  }
  await fresh.sql(`INSERT INTO ${acme.schema}.documents (id, title, content, created_by, created_at, updated_at)
    SELECT gen_random_uuid(), 'Many ' || n, 'common words' || CASE WHEN n > 1 THEN ' nearly' ELSE '' END, 'p:a', now(), now() FROM generate_series(1, 301) AS n`)
})
afterAll(async () => await fresh.drop())

const found = async (query: string, filter: object = {}, rows = 50): Promise<readonly string[]> =>
  await fresh.database.tenant(
    acme,
    { access: 'read' },
    async (db) => await byAnyWord(db, query, { ...ALL, ...filter }, rows),
  )

test('a whole sentence finds documents that hold some of its words, those with the rare ones first', async () => {
  const list = await found('Which harbours have a lighthouse, and who would know?')
  expect(list.slice(0, 2)).toEqual([ids['both'], ids['rare']])
  expect(list).toHaveLength(8)
  expect(await found('Which harbours have a lighthouse?', {}, 1)).toEqual([ids['both']])
  expect(await found('what is E-4711 on the screen of mine')).toEqual([ids['code']])
})

test('a word that more than 300 documents hold is left out', async () => {
  expect(await found('common lighthouse')).toHaveLength(2)
  expect(await found('common')).toEqual([])
  expect(await found('nearly', {}, 1_000)).toHaveLength(300)
})

test('filters hold', async () => {
  expect(await found('lighthouse harbour', { tags: ['sea'] })).toEqual([ids['rare']])
  expect(await found('lighthouse', { updated_after: '2026-01-02T00:00:00Z' })).toEqual([])
  expect(await found('lighthouse', { updated_before: '2026-01-02T00:00:00Z' })).toHaveLength(2)
  expect(await found('lighthouse', { project_id: '01900000-0000-7000-8000-000000000000' })).toEqual([])
})

test('who says which words must be there, or must not, gets nothing else', async () => {
  expect(await found('"lighthouse tower"')).toEqual([])
  expect(await found('lighthouse -harbour')).toEqual([])
  expect(await found('light-house lighthouse')).toHaveLength(2)
})

test.each([
  `lighthouse ' '' \\ \\' | & ! ( ) : :* :A <-> %`,
  `lighthouse https://a.test/x'y\\z?q=1 /usr/lib/'x C:\\dir a@b.test`,
  `lighthouse ${Array.from({ length: 90 }, (_, n) => `w${n}`).join(' ')}`,
])('no sign in a question is anything but a sign (case %#)', async (query) => {
  expect(await found(query)).toEqual(expect.arrayContaining([ids['both'], ids['rare']]))
})

test('nothing but little words finds nothing', async () => {
  expect(await found('what is the')).toEqual([])
  expect(await found("' \\ ?")).toEqual([])
})

test('the words are marked where they stand', async () => {
  const headlines = await fresh.database.tenant(
    acme,
    { access: 'read' },
    async (db) => await anyWordHeadlines(db, "who keeps lighthouses, and what's a harbour\\", [ids['both']!]),
  )
  expect(headlines).toEqual(new Map([[ids['both'], '\uE000lighthouse\uE001 and the \uE000harbour\uE001']]))
})
