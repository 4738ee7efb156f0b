import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds } from '../support/database.ts'
import { identityOf, textOf } from '../toolkit/desk.ts'
import { failure, itemsOf, openRoom, thing, UNKNOWN, walk, type Room } from './room.ts'

describe.each(databaseKinds)('documents with versions and tags, on %s', (kind) => {
  let room: Room
  let alice: Room['alice']
  beforeAll(async () => {
    room = await openRoom(kind)
    alice = room.alice
  })
  afterAll(async () => await room.close())

  const made = async (more: Record<string, unknown> = {}) =>
    thing(await alice('create_document', { title: 'Plan', content: 'one', ...more }))

  test('a new one is at version 1, Markdown, without tags, and by its maker', async () => {
    expect(await made()).toMatchObject({ version: 1, tags: [], format: 'markdown', updated_by: 'oidc:alice' })
  })

  test('each change makes the next version, says who made it, and keeps the one before', async () => {
    const { desk, acme } = room
    const { id } = await made()
    const carol = desk.as(desk.principal(acme, 'member', { identity: identityOf('carol') }))
    await carol('update_document', { id, content: 'two', tags: ['b', 'a'], format: 'plain' })
    const now = thing(await alice('update_document', { id, title: 'Plans' }))
    expect(now).toMatchObject({
      version: 3,
      title: 'Plans',
      content: 'two',
      tags: ['a', 'b'],
      updated_by: 'oidc:alice',
    })
    expect(now['created_by']).toBe('oidc:alice')
    expect(itemsOf(await alice('list_document_versions', { id }))).toMatchObject([
      { version: 3, current: true, title: 'Plans', content_length: 3, tags: ['a', 'b'], saved_by: 'oidc:alice' },
      { version: 2, current: false, title: 'Plan', format: 'plain', saved_by: 'oidc:carol' },
      { version: 1, current: false, title: 'Plan', format: 'markdown', tags: [], saved_by: 'oidc:alice' },
    ])
    expect(thing(await alice('get_document', { id, version: 1 }))).toMatchObject({
      version: 1,
      content: 'one',
      tags: [],
      next_offset: null,
    })
    expect(thing(await alice('get_document', { id, version: 3 }))).toEqual(thing(await alice('get_document', { id })))
    expect(failure(await alice('get_document', { id, version: 4 }))).toBe('version not found')
  })

  test('what changes nothing makes no version, tags in another order included', async () => {
    const { id } = await made({ tags: ['x', 'y'] })
    const again = await alice('update_document', { id, content: 'one', tags: ['Y ', 'x', 'y'] })
    expect(textOf(again)).toContain('Nothing changed')
    expect(thing(again)['version']).toBe(1)
    expect(itemsOf(await alice('list_document_versions', { id }))).toHaveLength(1)
  })

  test('a restored version is a new one, and the one before it can be restored as well', async () => {
    const { id } = await made({ tags: ['first'] })
    await alice('update_document', { id, title: 'Other', content: 'two', tags: [], format: 'plain' })
    const restored = await alice('restore_document', { id, version: 1 })
    expect(textOf(restored)).toContain('as version 3')
    expect(thing(restored)).toMatchObject({
      version: 3,
      title: 'Plan',
      content: 'one',
      tags: ['first'],
      format: 'markdown',
    })
    expect(thing(await alice('restore_document', { id, version: 2 }))).toMatchObject({ version: 4, content: 'two' })
    expect(textOf(await alice('restore_document', { id, version: 4 }))).toContain('Nothing changed')
    expect(failure(await alice('restore_document', { id, version: 9 }))).toBe('version not found')
    const found = itemsOf(await alice('search_documents', { query: 'two' })).map((item) => item.id)
    expect(found).toContain(id)
  })

  test('expected_version: a change made for another version is refused, and changes nothing', async () => {
    const { id } = await made()
    expect(thing(await alice('update_document', { id, content: 'two', expected_version: 1 }))['version']).toBe(2)
    for (const [name, args] of [
      ['update_document', { content: 'three' }],
      ['restore_document', { version: 1 }],
      ['delete_document', {}],
    ] as const)
      expect(failure(await alice(name, { id, expected_version: 1, ...args }))).toMatch(/at version 2, not 1/)
    expect(thing(await alice('get_document', { id }))).toMatchObject({ version: 2, content: 'two' })
    expect(thing(await alice('delete_document', { id, expected_version: 2 })).id).toBe(id)
  })

  test('of many changes at once that were made for one version, one wins and the others are told', async () => {
    const { id } = await made()
    const answers = await Promise.all(
      Array.from(
        { length: 6 },
        async (_, n) => await alice('update_document', { id, content: `by ${n}`, expected_version: 1 }),
      ),
    )
    expect(answers.filter((answer) => answer.isError !== true)).toHaveLength(1)
    expect(thing(await alice('get_document', { id }))['version']).toBe(2)
  })

  test('without expected_version changes at once follow each other, and no version is lost', async () => {
    const { id } = await made()
    await Promise.all(
      Array.from({ length: 6 }, async (_, n) => await alice('update_document', { id, content: `by ${n}` })),
    )
    const versions = itemsOf(await alice('list_document_versions', { id })).map((item) => item['version'])
    expect(versions).toEqual([7, 6, 5, 4, 3, 2, 1])
  })

  test('versions are paged, and those beyond the newest 100 before the present one go', async () => {
    const { id } = await made()
    const { schema } = room.acme
    await room.fresh.sql(`UPDATE ${schema}.documents SET version = 151 WHERE id = $1`, [id])
    await room.fresh.sql(
      `INSERT INTO ${schema}.document_versions (id, document_id, version, title, content, tags, format, saved_by, saved_at)
        SELECT gen_random_uuid(), $1, n, 'Old', '', '{}', 'plain', 'p:a', now() FROM generate_series(1, 150) AS n`,
      [id],
    )
    await alice('update_document', { id, content: 'new' })
    const versions = (await walk(alice, 'list_document_versions', { id, limit: 30 })).map((item) => item['version'])
    expect(versions).toEqual(Array.from({ length: 101 }, (_, n) => 152 - n))
  })

  test('lists and search are limited to documents with all the tags given', async () => {
    const both = (await made({ content: 'axolotl', tags: ['Draft', 'legal'] })).id
    const one = (await made({ content: 'axolotl', tags: ['draft'] })).id
    const listed = async (tags: string[]) => itemsOf(await alice('list_documents', { tags })).map((item) => item.id)
    const found = async (tags: string[]) =>
      itemsOf(await alice('search_documents', { query: 'axolotl', tags })).map((item) => item.id)
    for (const ask of [listed, found]) {
      expect((await ask(['draft'])).sort()).toEqual([both, one].sort())
      expect(await ask(['LEGAL', 'draft'])).toEqual([both])
      expect(await ask(['legal', 'none'])).toEqual([])
    }
  })

  test.each([
    [['a,b']],
    [['']],
    [['x'.repeat(51)]],
    [['a\nb']],
    [['\u202Ea']],
    [Array.from({ length: 21 }, (_, n) => `t${n}`)],
    ['draft'],
    [[5]],
  ])('tags %j are refused by name', async (tags) => {
    await expect(made({ tags })).rejects.toThrow('tags')
  })

  test('another tenant sees no version of ours, and a deleted document leaves none', async () => {
    const { id } = await made()
    await alice('update_document', { id, content: 'two' })
    const { bob, fresh, acme } = room
    for (const [name, args] of [
      ['list_document_versions', {}],
      ['get_document', { version: 1 }],
      ['restore_document', { version: 1 }],
    ] as const) {
      expect(failure(await bob(name, { id, ...args }))).toBe('document not found')
      expect(failure(await alice(name, { id: UNKNOWN, ...args }))).toBe('document not found')
    }
    await alice('delete_document', { id })
    const left = await fresh.sql(`SELECT 1 FROM ${acme.schema}.document_versions WHERE document_id = $1`, [id])
    expect(left).toEqual([])
  })

  test('and in all of the above no tool failed inside', () => {
    expect(room.bugs()).toEqual([])
  })
})
