import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { upperKinds } from '../support/database.ts'
import { identityOf, textOf } from '../toolkit/desk.ts'
import { failure, itemsOf, openRoom, thing, UNKNOWN, type Room } from './room.ts'

describe.each(upperKinds)('what is special to a tool, on %s', (kind) => {
  let room: Room
  let alice: Room['alice']
  beforeAll(async () => {
    room = await openRoom(kind)
    alice = room.alice
  })
  afterAll(async () => await room.close())

  test('whoami answers exactly the agreed fields', async () => {
    const { desk, acme } = room
    const identity = identityOf('42', { provider: 'google', email: 'carol@acme.test', name: null })
    const carol = desk.as(desk.principal(acme, 'viewer', { identity }))
    expect(thing(await carol('whoami'))).toEqual({
      user_id: 'google:42',
      email: 'carol@acme.test',
      name: null,
      provider: 'google',
      tenant: { slug: 'acme', name: 'acme' },
      role: 'viewer',
      scopes: ['documents:read', 'projects:read', 'todos:read'],
    })
  })

  describe('text', () => {
    test.each([
      'Über 🏡 漢字',
      '"quotes" \'and\' \\ $1',
      '<script>alert(1)</script>',
      '\u202Eright to left',
      'é vs e\u0301',
    ])('%j comes back as it was given', async (text) => {
      expect(thing(await alice('create_project', { name: text, description: text }))).toMatchObject({
        name: text,
        description: text,
      })
      expect(thing(await alice('create_document', { title: text, content: text }))).toMatchObject({
        title: text,
        content: text,
      })
    })

    test('names are trimmed, and nothing but spaces is no name', async () => {
      expect(thing(await alice('create_project', { name: '  Roof\n' }))['name']).toBe('Roof')
      for (const name of ['', '   ', '\n']) await expect(alice('create_project', { name })).rejects.toThrow('name: ')
    })

    test('too long is refused by name, and the longest that fits is kept, in any script', async () => {
      await expect(alice('create_project', { name: 'x'.repeat(201) })).rejects.toThrow('name: ')
      await expect(alice('create_document', { title: 'x', content: 'x'.repeat(200_001) })).rejects.toThrow('content: ')
      expect(thing(await alice('create_project', { name: '漢'.repeat(200) }))['name']).toBe('漢'.repeat(200))
    })

    test('NUL is refused in words', async () => {
      await expect(alice('create_document', { title: 'x', content: 'a\0b' })).rejects.toThrow(
        'content: text with the character NUL',
      )
    })
  })

  describe('projects', () => {
    test('an update changes what was given and says so; the same again changes nothing', async () => {
      const made = thing(await alice('create_project', { name: 'Old', description: 'kept' }))
      const changed = await alice('update_project', { id: made.id, name: 'New', status: 'active' })
      expect(thing(changed)).toMatchObject({
        id: made.id,
        name: 'New',
        description: 'kept',
        created_at: made['created_at'],
      })
      expect(textOf(changed)).toBe('Updated project "New": name.')
      const again = await alice('update_project', { id: made.id, name: 'New' })
      expect(textOf(again)).toContain('Nothing changed')
      expect(thing(again)['updated_at']).toBe(thing(changed)['updated_at'])
      expect(failure(await alice('update_project', { id: made.id }))).toBe(
        'Nothing to change: give at least one of name, description, status.',
      )
    })

    test('the list is filtered by status and by a part of the name', async () => {
      const id = thing(await alice('create_project', { name: 'Kitchen 100%_done' })).id
      await alice('update_project', { id, status: 'archived' })
      const found = async (args: object) => itemsOf(await alice('list_projects', args)).map((item) => item.id)
      expect(await found({ status: 'archived', name: 'KITCHEN' })).toEqual([id])
      expect(await found({ status: 'active', name: 'kitchen' })).toEqual([])
      expect(await found({ name: '%_' })).toEqual([id])
      await expect(found({ status: 'gone' })).rejects.toThrow('status: ')
    })

    test('deleting takes todos and documents along, and says how many', async () => {
      const id = thing(await alice('create_project', { name: 'Doomed' })).id
      const todo = thing(await alice('create_todo', { title: 'x', project_id: id })).id
      await alice('create_document', { title: 'x', content: 'x', project_id: id })
      expect(thing(await alice('delete_project', { id }))).toEqual({
        id,
        name: 'Doomed',
        deleted_todos: 1,
        deleted_documents: 1,
      })
      expect(failure(await alice('get_todo', { id: todo }))).toBe('todo not found')
      expect(failure(await alice('delete_project', { id }))).toBe('project not found')
    })
  })

  describe('todos', () => {
    test('a todo of an unknown project, or of another tenant, is not made', async () => {
      const foreign = thing(await room.bob('create_project', { name: 'Theirs' })).id
      for (const project_id of [UNKNOWN, foreign]) {
        expect(failure(await alice('create_todo', { title: 'lost', project_id }))).toBe('project not found')
        expect(failure(await alice('create_document', { title: 'lost', content: '', project_id }))).toBe(
          'project not found',
        )
      }
      expect(itemsOf(await alice('list_todos', {})).filter(({ title }) => title === 'lost')).toEqual([])
    })

    test('completed_at follows the status, and completing twice changes nothing', async () => {
      const made = thing(await alice('create_todo', { title: 'Paint' }))
      expect(made).toMatchObject({
        status: 'open',
        completed_at: null,
        due_at: null,
        assignee: null,
        project_id: null,
        notes: '',
      })
      const done = await alice('complete_todo', { id: made.id })
      expect(thing(done)).toMatchObject({ status: 'done', completed_at: expect.any(String) })
      const again = await alice('complete_todo', { id: made.id })
      expect(thing(again)).toEqual(thing(done))
      expect(textOf(again)).toContain('already')
      expect(thing(await alice('update_todo', { id: made.id, status: 'open' }))['completed_at']).toBeNull()
      expect(thing(await alice('create_todo', { title: 'Done before', status: 'done' }))['completed_at']).not.toBeNull()
    })

    test('null clears, leaving out keeps', async () => {
      const project_id = thing(await alice('create_project', { name: 'P' })).id
      const due_at = '2026-12-24T17:00:00+01:00'
      const made = thing(await alice('create_todo', { title: 'T', assignee: 'carol@acme.test', due_at, project_id }))
      expect(made).toMatchObject({ due_at: '2026-12-24T16:00:00.000Z', assignee: 'carol@acme.test', project_id })
      const cleared = await alice('update_todo', { id: made.id, due_at: null, project_id: null })
      expect(thing(cleared)).toMatchObject({ due_at: null, project_id: null, assignee: 'carol@acme.test' })
      expect(textOf(cleared)).toBe('Updated todo "T": due_at, project_id.')
    })

    test.each([
      'tomorrow',
      '2026-12-24',
      '2026-02-30T00:00:00Z',
      '2026-12-24T17:00:00',
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59-05:00',
      5,
    ])('a due date %j is refused by name', async (due_at) => {
      await expect(alice('create_todo', { title: 'x', due_at })).rejects.toThrow('due_at: ')
    })

    test('all filters of the list must hold', async () => {
      const project_id = thing(await alice('create_project', { name: 'F' })).id
      const make = async (title: string, more: object) =>
        thing(await alice('create_todo', { title, project_id, ...more })).id
      const early = await make('early', { due_at: '2026-01-01T00:00:00Z', assignee: 'ann' })
      const late = await make('late', { due_at: '2026-06-01T00:00:00Z', assignee: 'ann', status: 'in_progress' })
      const never = await make('never', { assignee: 'ben' })
      const found = async (args: object) =>
        itemsOf(await alice('list_todos', { project_id, sort: 'due', ...args })).map((item) => item.id)
      expect(await found({})).toEqual([early, late, never])
      expect(await found({ due_before: '2026-06-01T00:00:00Z' })).toEqual([early])
      expect(await found({ due_after: '2026-06-01T02:00:00+02:00' })).toEqual([late])
      expect(await found({ assignee: 'ann', status: 'open' })).toEqual([early])
      expect(await found({ sort: 'newest', assignee: 'ben' })).toEqual([never])
    })
  })

  describe('documents', () => {
    test('a long one comes in parts that add up, also where characters are wide', async () => {
      const content = '🏡漢a'.repeat(40_000).slice(0, 160_000)
      const made = thing(await alice('create_document', { title: 'Long', content }))
      expect(made).toMatchObject({ content_length: 120_000, next_offset: 50_000 })
      let text = ''
      for (let offset: unknown = 0; offset !== null;) {
        const part = thing(await alice('get_document', { id: made.id, offset }))
        text += part['content'] as string
        offset = part['next_offset']
      }
      expect(text).toBe(content)
      expect(thing(await alice('get_document', { id: made.id, offset: 200_000 }))).toMatchObject({
        content: '',
        next_offset: null,
      })
    })

    test('the largest possible one can be made, searched and read below 1 MiB', async () => {
      const content = Array.from({ length: 200_000 }, (_, n) =>
        n % 4 === 3 ? ' ' : String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000)),
      ).join('')
      const id = thing(await alice('create_document', { title: 'Huge', content })).id
      expect(thing(await alice('get_document', { id }))['next_offset']).toBe(50_000)
      expect(itemsOf(await alice('search_documents', { query: 'huge' })).map((item) => item.id)).toContain(id)
    })

    test('one with more words than can be indexed is refused in words, new or changed', async () => {
      const letter = (n: number): string => String.fromCodePoint(0x4e00 + (n % 8_000))
      const word = (n: number): string => letter(n) + letter(Math.floor(n / 8_000) * 97 + n * 31)
      const content = Array.from({ length: 33_000 }, (_, n) => `${word(n)}-${word(n + 40_000)}`).join(' ')
      expect(failure(await alice('create_document', { title: 'Words', content }))).toContain('split it')
      const { id } = thing(await alice('create_document', { title: 'Words', content: 'few' }))
      expect(failure(await alice('update_document', { id, content }))).toContain('split it')
      expect(thing(await alice('get_document', { id }))).toMatchObject({ content: 'few' })
    })

    test('a part begins after offset characters and is length characters long', async () => {
      const made = thing(await alice('create_document', { title: 'Short', content: 'a🏡cd' }))
      const part = await alice('get_document', { id: made.id, offset: 1, length: 2 })
      expect(thing(part)).toMatchObject({ content: '🏡c', content_length: 4, next_offset: 3 })
      expect(textOf(part)).toContain('offset 3')
    })

    test('a list has no contents', async () => {
      await alice('create_document', { title: 'T', content: 'C' })
      expect(itemsOf(await alice('list_documents', { limit: 1 }))[0]).not.toHaveProperty('content')
    })

    test('an update replaces the whole content and is found by its new words only', async () => {
      const id = thing(await alice('create_document', { title: 'Notes', content: 'aardvark' })).id
      expect(textOf(await alice('update_document', { id, content: 'wombat' }))).toBe(
        'Updated document "Notes": content.',
      )
      const found = async (query: string) => itemsOf(await alice('search_documents', { query })).map((item) => item.id)
      expect(await found('aardvark')).toEqual([])
      expect(await found('wombat')).toEqual([id])
    })
  })

  describe('search', () => {
    const found = async (query: string, more = {}) =>
      itemsOf(await alice('search_documents', { query, ...more })).map(({ title }) => title)
    beforeAll(async () => {
      await alice('create_document', {
        title: 'Fox',
        content: 'The quick brown foxes were running over the lazy dogs.',
      })
      await alice('create_document', { title: 'Straße', content: 'Die Straßen von Köln sind lang.' })
    })

    test('finds words in every English form, and words of other languages as written', async () => {
      expect(await found('fox run')).toEqual(['Fox'])
      expect(await found('köln')).toEqual(['Straße'])
      expect(await found('the')).toContain('Fox')
    })

    test('phrases, or, and exclusion work as in a web search', async () => {
      expect(await found('"lazy dog"')).toEqual(['Fox'])
      expect(await found('"dog lazy"')).toEqual([])
      expect(new Set(await found('fox or köln'))).toEqual(new Set(['Fox', 'Straße']))
      expect(await found('fox -lazy')).toEqual([])
    })

    test.each(['"', "'", ':*', '& | !', '()', '\\', '%', '-', '🏡', "'; DROP TABLE documents; --", '<->'])(
      '%j is a search like any other',
      async (query) => {
        expect(await found(query)).toEqual(expect.any(Array))
      },
    )

    test('a title counts more than a content', async () => {
      await alice('create_document', { title: 'Aside', content: 'a quokka was seen' })
      await alice('create_document', { title: 'Quokka', content: 'an animal' })
      expect(await found('quokka')).toEqual(['Quokka', 'Aside'])
    })

    test('highlights are pieces of text, and stored text cannot make itself one', async () => {
      const content = 'before \uE000fake\uE001 <mark>fake</mark> <script>x</script> the platypus swims'
      await alice('create_document', { title: 'Marks', content })
      const [hit] = itemsOf(await alice('search_documents', { query: 'platypus' }))
      const pieces = hit!['highlight'] as { text: string; match: boolean }[]
      expect(pieces.filter(({ match }) => match)).toEqual([{ text: 'platypus', match: true }])
      expect(textOf(await alice('search_documents', { query: 'platypus' }))).toContain('**platypus**')
    })

    test('is limited to a project when one is given', async () => {
      const project_id = thing(await alice('create_project', { name: 'Zoo' })).id
      await alice('create_document', { title: 'Okapi here', content: '', project_id })
      await alice('create_document', { title: 'Okapi there', content: '' })
      expect(await found('okapi', { project_id })).toEqual(['Okapi here'])
    })
  })

  describe('audit log', () => {
    test('filters by action, actor, outcome and time, and tells no arguments', async () => {
      const { desk, acme } = room
      const dave = desk.as(desk.principal(acme, 'owner', { identity: identityOf('dave', { provider: 'google' }) }))
      const since = new Date().toISOString()
      await dave('create_project', { name: 'confidential-name' })
      await dave('get_project', { id: UNKNOWN })
      await desk.audit.flush()
      const found = async (args: object) =>
        itemsOf(await alice('read_audit_log', { since, ...args })).map(({ action, outcome }) => [action, outcome])
      const created = ['create_project', 'ok']
      const missed = ['get_project', 'failed']
      expect(await found({ actor: 'google:dave' })).toEqual(expect.arrayContaining([created, missed]))
      expect(await found({ actor: 'dave', outcome: 'failed' })).toEqual([missed])
      expect(await found({ action: 'create_project' })).toEqual([created])
      expect(await found({ actor: 'nobody' })).toEqual([])
      expect(await found({ until: since, actor: 'dave' })).toEqual([])
      expect(JSON.stringify(await alice('read_audit_log', {}))).not.toContain('confidential-name')
    })

    test('is not there for a member', async () => {
      const member = room.desk.as(room.desk.principal(room.acme, 'member'))
      await expect(member('read_audit_log')).rejects.toThrow('Unknown tool')
    })
  })

  test('and in all of the above no tool failed inside', () => {
    expect(room.bugs()).toEqual([])
  })
})
