import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeCursor } from '#toolkit/tool.ts'
import { databaseKinds } from '../support/database.ts'
import { textOf } from '../toolkit/desk.ts'
import { failure, itemsOf, openRoom, thing, UNKNOWN, walk, type Room } from './room.ts'

/** What every tool promises, tool by tool; what is special to one has its own test file. */
describe.each(databaseKinds)('every tool, on %s', (kind) => {
  let room: Room
  let ids: Record<'project' | 'todo' | 'document', string>
  beforeAll(async () => {
    room = await openRoom(kind)
  })
  afterAll(async () => await room.close())

  const setUp = async (): Promise<void> => {
    const { alice } = room
    const project = thing(await alice('create_project', { name: 'Roof' })).id
    const todo = thing(await alice('create_todo', { title: 'Buy tiles', project_id: project })).id
    const document = thing(
      await alice('create_document', { title: 'Plan', content: 'Tiles and nails', project_id: project }),
    ).id
    ids = { project, todo, document }
  }
  beforeAll(setUp)

  /** Arguments that fit, in an order in which each still finds its thing. */
  const good = (): [string, Record<string, unknown>][] => [
    ['whoami', {}],
    ['create_project', { name: 'A' }],
    ['list_projects', {}],
    ['get_project', { id: ids.project }],
    ['update_project', { id: ids.project, name: 'B' }],
    ['create_todo', { title: 'A' }],
    ['list_todos', {}],
    ['get_todo', { id: ids.todo }],
    ['update_todo', { id: ids.todo, notes: 'soon' }],
    ['complete_todo', { id: ids.todo }],
    ['create_document', { title: 'A', content: '' }],
    ['list_documents', {}],
    ['get_document', { id: ids.document }],
    ['update_document', { id: ids.document, title: 'B' }],
    ['list_document_versions', { id: ids.document }],
    ['restore_document', { id: ids.document, version: 1 }],
    ['search_documents', { query: 'tiles' }],
    ['read_audit_log', {}],
    ['delete_todo', { id: ids.todo }],
    ['delete_document', { id: ids.document }],
    ['delete_project', { id: ids.project }],
  ]

  test('answers what its output schema says, with a text beside it, and each call makes one audit row', async () => {
    const { alice, tools, desk, fresh, acme } = room
    expect(
      good()
        .map(([name]) => name)
        .sort(),
    ).toEqual([...tools.keys()].sort())
    await desk.audit.flush()
    const count = async () =>
      (await fresh.sql<{ n: number }>(`SELECT count(*)::integer AS n FROM ${acme.schema}.audit`))[0]!.n
    const before = await count()
    for (const [name, args] of good()) {
      const result = await alice(name, args)
      expect(tools.get(name)!.output!.strict().safeParse(thing(result)).error).toBeUndefined()
      expect(textOf(result)).not.toBe('')
    }
    await desk.audit.flush()
    expect(await count()).toBe(before + good().length)
    await setUp()
  })

  test('refuses an argument it does not know, by name', async () => {
    for (const [name, args] of good())
      await expect(room.alice(name, { ...args, tenant: 'globex' })).rejects.toThrow('tenant: Unrecognized key')
  })

  const withId = [
    'get_project',
    'update_project',
    'delete_project',
    'get_todo',
    'update_todo',
    'complete_todo',
    'delete_todo',
    'get_document',
    'update_document',
    'delete_document',
  ]

  test.each(withId)('%s: an unknown id, and one of another tenant, is not found in the same words', async (name) => {
    const kindOf = name.slice(name.indexOf('_') + 1) as 'project' | 'todo' | 'document'
    const change = name.startsWith('update') ? (kindOf === 'project' ? { name: 'Mine' } : { title: 'Mine' }) : {}
    const { alice, bob } = room
    expect(failure(await alice(name, { id: UNKNOWN, ...change }))).toBe(`${kindOf} not found`)
    expect(failure(await bob(name, { id: ids[kindOf], ...change }))).toBe(`${kindOf} not found`)
    expect(thing(await alice(`get_${kindOf}`, { id: ids[kindOf] })).id).toBe(ids[kindOf])
  })

  test.each(withId)('%s: an id that is no UUID is an invalid argument', async (name) => {
    for (const id of ['42', "' OR 1=1 --", '', null, ids.project.slice(1)]) {
      await expect(room.alice(name, { id })).rejects.toThrow(/\bid: /)
    }
    await expect(room.alice(name, {})).rejects.toThrow(/\bid: /)
  })

  test('an id in capitals is the same id', async () => {
    expect(thing(await room.alice('get_project', { id: ids.project.toUpperCase() })).id).toBe(ids.project)
  })

  const lists = ['list_projects', 'list_todos', 'list_documents', 'search_documents', 'read_audit_log']
  const listArgs = (name: string) => (name === 'search_documents' ? { query: 'tiles' } : {})

  test.each(lists)('%s: a limit out of 1..100 is an invalid argument', async (name) => {
    for (const limit of [0, 101, -1, 1.5, '20']) {
      await expect(room.alice(name, { ...listArgs(name), limit })).rejects.toThrow('limit: ')
    }
  })

  test.each(lists)('D34: %s: a cursor is sort keys only, and anything else is refused by name', async (name) => {
    const foreign = encodeCursor({ id: UNKNOWN, tenant: 'globex' })
    const bad = [
      '',
      'x',
      'null',
      '%%%',
      foreign,
      encodeCursor({ id: 5 }),
      encodeCursor({}),
      'A'.repeat(2_000),
      '__proto__',
    ]
    for (const cursor of bad) await expect(room.alice(name, { ...listArgs(name), cursor })).rejects.toThrow('cursor: ')
  })

  test.each(lists)('%s: another tenant sees nothing of ours', async (name) => {
    expect(
      itemsOf(await room.bob(name, listArgs(name))).filter((item) => Object.values(ids).includes(item.id)),
    ).toEqual([])
  })

  describe('paging to the end', () => {
    const titles = Array.from({ length: 23 }, (_, n) => `Page ${n}`)

    test('projects, todos and documents: newest first, none lost, none twice, though more are added meanwhile', async () => {
      const { alice } = room
      for (const [what, field] of [
        ['project', 'name'],
        ['todo', 'title'],
        ['document', 'title'],
      ] as const) {
        const made: string[] = []
        for (const title of titles)
          made.push(
            thing(await alice(`create_${what}`, { [field]: title, ...(what === 'document' ? { content: '' } : {}) }))
              .id,
          )
        const first = await alice(`list_${what}s`, { limit: 5 })
        await alice(`create_${what}`, { [field]: 'Late', ...(what === 'document' ? { content: '' } : {}) })
        const rest = await walk(alice, `list_${what}s`, { limit: 5, cursor: thing(first)['next_cursor'] })
        const seen = [...itemsOf(first), ...rest].map(({ id }) => id)
        expect(new Set(seen).size).toBe(seen.length)
        expect(seen.filter((id) => made.includes(id)).sort()).toEqual(made.sort())
      }
    })

    test('todos by due date: next first, same dates and no dates included, none lost, none twice', async () => {
      const { alice } = room
      const project_id = thing(await alice('create_project', { name: 'Dates' })).id
      const dates = ['2026-12-01T10:00:00Z', '2026-12-01T12:00:00+02:00', '2027-01-01T00:00:00.123456Z', null]
      for (let n = 0; n < 20; n += 1) await alice('create_todo', { title: `${n}`, project_id, due_at: dates[n % 4] })
      const seen = await walk(alice, 'list_todos', { project_id, sort: 'due', limit: 3 })
      expect(new Set(seen.map(({ id }) => id)).size).toBe(20)
      const due = seen.map(({ due_at }) => (due_at as string | null) ?? '9999')
      expect(due).toEqual(due.toSorted())
    })

    test('search: best first, equal ranks included, none lost, none twice', async () => {
      const { alice } = room
      for (let n = 0; n < 17; n += 1)
        await alice('create_document', { title: `Zebra ${n}`, content: 'zebra '.repeat((n % 3) + 1) })
      const seen = await walk(alice, 'search_documents', { query: 'zebra', limit: 4 })
      expect(new Set(seen.map(({ id }) => id)).size).toBe(17)
      const ranks = seen.map(({ rank }) => rank as number)
      expect(ranks).toEqual(ranks.toSorted((a, b) => b - a))
    })

    test('audit log: newest first, none lost, none twice', async () => {
      const { alice, desk, fresh, acme } = room
      await desk.audit.flush()
      const written = await fresh.sql<{ id: string }>(`SELECT id FROM ${acme.schema}.audit`)
      const seen = await walk(alice, 'read_audit_log', { limit: 100, until: new Date().toISOString() })
      const found = new Set(seen.map(({ id }) => id))
      expect(found.size).toBe(seen.length)
      expect(written.filter(({ id }) => !found.has(id))).toEqual([])
      const at = seen.map((entry) => entry['at'] as string)
      expect(at).toEqual(at.toSorted().toReversed())
    })
  })

  test('and in all of the above no tool failed inside', () => {
    expect(room.bugs()).toEqual([])
  })
})
