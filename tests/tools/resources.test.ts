import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refusal } from '#base/refusal.ts'
import type { Principal, Tenant } from '#tenancy/tenant.ts'
import { InvalidArguments } from '#toolkit/arguments.ts'
import { createChanges, type News } from '#toolkit/changes.ts'
import { createLibrary, UnknownResource, type Library } from '#toolkit/library.ts'
import { loadDefinitions } from '#toolkit/load.ts'
import type { CallRequest } from '#toolkit/call-request.ts'
import { Failed } from '#toolkit/run.ts'
import { encodeCursor } from '#toolkit/tool.ts'
import { createDesk, silent } from '../toolkit/desk.ts'
import { openRoom, thing, UNKNOWN, type Room } from './room.ts'

const request: CallRequest = {
  signal: new AbortController().signal,
  requestId: 'request-1',
  ip: null,
  progress: async () => {},
}

let room: Room
let library: Library
let ids: Record<'project' | 'plan' | 'notes' | 'theirs', string>
beforeAll(async () => {
  room = await openRoom('postgres')
  const { resources, prompts } = await loadDefinitions({ toolsDir: null, production: false, log: silent })
  library = createLibrary({ resources, prompts, runner: room.desk.runner })
  const { alice, bob } = room
  const project = thing(await alice('create_project', { name: 'Roof [north]', description: 'A dry house.' })).id
  const plan = thing(
    await alice('create_document', { title: 'Plan\n# 100%_sure', content: '# Plan\n\nTiles.', project_id: project }),
  ).id
  await alice('create_todo', {
    title: 'Buy tiles',
    project_id: project,
    due_at: '2026-12-24T17:00:00Z',
    assignee: 'Bo',
  })
  await alice('create_todo', { title: 'Measure', project_id: project, status: 'done' })
  const notes = thing(await alice('create_document', { title: 'Notes', content: 'plain words', format: 'plain' })).id
  const theirs = thing(await bob('create_document', { title: 'Plan of globex', content: 'secret of globex' })).id
  ids = { project, plan, notes, theirs }
})
afterAll(async () => await room.close())

const of = (tenant: Tenant): Principal => room.desk.principal(tenant)
const documentUri = (id: string): string => `gatehouse://documents/${id}`
const projectUri = (id: string): string => `gatehouse://projects/${id}`
const read = async (who: Principal, uri: string): Promise<unknown> =>
  ((await library.read(who, uri, request)) as { contents: unknown[] }).contents[0]

async function walk(who: Principal): Promise<{ uris: string[]; sizes: number[] }> {
  const uris: string[] = []
  const sizes: number[] = []
  for (let cursor: string | undefined; ;) {
    const page = await library.resources(who, cursor, request)
    uris.push(...page.resources.map(({ uri }) => uri))
    sizes.push(page.resources.length)
    if (page.nextCursor === undefined) return { uris, sizes }
    cursor = page.nextCursor
  }
}

describe('documents and projects as resources', () => {
  test('are listed, as templates and each by its name, type and last change, and those of another organisation are not', async () => {
    expect(library.templates(of(room.acme)).map(({ uriTemplate }) => uriTemplate)).toEqual([
      'gatehouse://documents/{id}',
      'gatehouse://projects/{id}',
    ])
    const { resources } = await library.resources(of(room.acme), undefined, request)
    expect(resources).toEqual([
      {
        uri: documentUri(ids.notes),
        name: 'Notes',
        mimeType: 'text/plain',
        annotations: { lastModified: expect.any(String) },
      },
      {
        uri: documentUri(ids.plan),
        name: 'Plan\n# 100%_sure',
        mimeType: 'text/markdown',
        annotations: { lastModified: expect.any(String) },
      },
      {
        uri: projectUri(ids.project),
        name: 'Roof [north]',
        mimeType: 'text/markdown',
        annotations: { lastModified: expect.any(String) },
      },
    ])
    expect((await walk(of(room.globex))).uris).toEqual([documentUri(ids.theirs)])
  })

  test('a document is read whole, with its type; an unknown one, and one of another organisation, is not there', async () => {
    expect(await read(of(room.acme), documentUri(ids.plan))).toEqual({
      uri: documentUri(ids.plan),
      mimeType: 'text/markdown',
      text: '# Plan\n\nTiles.',
    })
    expect(await read(of(room.acme), documentUri(ids.notes))).toMatchObject({
      mimeType: 'text/plain',
      text: 'plain words',
    })
    for (const id of [UNKNOWN, ids.theirs, 'x', "' OR 1=1", `${ids.plan}0`])
      for (const uri of [documentUri(id), projectUri(id)])
        await expect(library.read(of(room.acme), uri, request), uri).rejects.toThrow(UnknownResource)
  })

  test('a project is an overview in Markdown: what is open first, links to its documents, and no name breaks out of its line', async () => {
    const { text } = (await read(of(room.acme), projectUri(ids.project))) as { text: string }
    expect(text.split('\n')).toEqual([
      '# Roof \\[north\\]',
      '',
      'A dry house.',
      '',
      '## Todos (2)',
      '',
      '- [ ] Buy tiles (due 2026-12-24T17:00:00.000Z, for Bo)',
      '- [x] Measure',
      '',
      '## Documents (1)',
      '',
      `- [Plan # 100%_sure](${documentUri(ids.plan)})`,
    ])
  })

  test('a long list comes in pages that hold everything once, and a page is filled from the next list', async () => {
    const { fresh, globex } = room
    await fresh.sql(`INSERT INTO ${globex.schema}.documents (id, title, content, created_by, created_at, updated_at)
      SELECT gen_random_uuid(), 'Document ' || n, '', 'x', now(), now() FROM generate_series(1, 230) AS n`)
    await fresh.sql(`INSERT INTO ${globex.schema}.projects (id, name, created_by, created_at, updated_at)
      SELECT gen_random_uuid(), 'Project ' || n, 'x', now(), now() FROM generate_series(1, 120) AS n`)
    const { uris, sizes } = await walk(of(globex))
    expect(uris).toHaveLength(351)
    expect(new Set(uris).size).toBe(351)
    // 100, 100, then the last 31 documents with the first 100 projects, then what is left.
    expect(sizes).toEqual([100, 100, 131, 20])
    expect((await walk(of(room.acme))).uris).toHaveLength(3)
  })

  test('D34: a cursor is where to go on and nothing else; one that was made up is refused, or shows only what is there anyway', async () => {
    const at = (of: string, after: string | null): string => encodeCursor({ of, after })
    for (const bad of [
      '',
      'x',
      '{}',
      at('nothing', null),
      at('document_text', 'x'),
      encodeCursor({ of: '', after: null, tenant: 'globex' }),
    ]) {
      const refused: unknown = await library.resources(of(room.acme), bad, request).catch((error: unknown) => error)
      expect(refused instanceof InvalidArguments || refused instanceof Failed, bad).toBe(true)
    }
    // The id of another organisation's document is a sort key like any other.
    const { resources } = await library.resources(
      of(room.acme),
      at('document_text', 'ffffffff-ffff-7fff-bfff-ffffffffffff'),
      request,
    )
    expect(resources.map(({ uri }) => uri)).toEqual(
      [ids.notes, ids.plan].map(documentUri).concat(projectUri(ids.project)),
    )
  })

  test('D12: what a token does not allow to read is neither listed nor completed, and says so when it is read', async () => {
    const narrowed: Principal = { ...of(room.acme), scopes: new Set(['documents:read']) }
    expect((await walk(narrowed)).uris).toEqual([ids.notes, ids.plan].map(documentUri))
    expect(library.requiredScopes(narrowed, 'resource', projectUri(ids.project))).toEqual([
      'documents:read',
      'projects:read',
      'todos:read',
    ])
    await expect(library.read(narrowed, projectUri(ids.project), request)).rejects.toThrow(Refusal)
  })
})

describe('ids are completed', () => {
  const complete = async (who: Principal, value: string, of = 'gatehouse://documents/{id}') =>
    await library.complete(who, { kind: 'template', of, argument: 'id', value, others: {} }, request)

  test('from a part of the name, or the beginning of the id; % and _ stand for themselves', async () => {
    const acme = of(room.acme)
    expect(await complete(acme, 'pla')).toEqual({ values: [ids.plan], more: false })
    expect(await complete(acme, ids.notes.slice(0, 30))).toMatchObject({ values: expect.arrayContaining([ids.notes]) })
    expect(await complete(acme, '100%_')).toEqual({ values: [ids.plan], more: false })
    expect(await complete(acme, '_')).toEqual({ values: [ids.plan], more: false })
    expect(await complete(acme, 'N%s')).toEqual({ values: [], more: false })
    expect(await complete(acme, '\\')).toEqual({ values: [], more: false })
    expect(await complete(acme, 'roof', 'gatehouse://projects/{id}')).toEqual({ values: [ids.project], more: false })
  })

  test('never from another organisation, and when there are more than 100 it says so', async () => {
    expect(await complete(of(room.acme), 'of globex')).toEqual({ values: [], more: false })
    expect(await complete(of(room.acme), ids.theirs)).toEqual({ values: [], more: false })
    const many = await complete(of(room.globex), 'document')
    expect([many.values.length, many.more]).toEqual([100, true])
  })
})

describe('prompts', () => {
  test('brief_project and review_document bring the project and the document along, as resources', async () => {
    const brief = await library.get(
      of(room.acme),
      'brief_project',
      { project_id: ids.project, audience: 'the board' },
      request,
    )
    expect(brief).toMatchObject({
      messages: [
        { role: 'user', content: { type: 'text', text: expect.stringContaining('for this audience: the board') } },
        {
          content: {
            type: 'resource',
            resource: { uri: projectUri(ids.project), text: expect.stringContaining('Buy tiles') },
          },
        },
      ],
    })
    const review = await library.get(of(room.acme), 'review_document', { document_id: ids.plan }, request)
    expect(review).toMatchObject({
      messages: [
        { content: { text: expect.stringContaining('"Plan\\n# 100%_sure"') } },
        { content: { resource: { uri: documentUri(ids.plan), mimeType: 'text/markdown', text: '# Plan\n\nTiles.' } } },
      ],
    })
  })

  test('say the same of an unknown id and of one of another organisation, and complete their ids', async () => {
    for (const document_id of [UNKNOWN, ids.theirs])
      await expect(library.get(of(room.acme), 'review_document', { document_id }, request)).rejects.toThrow(
        'tool_error',
      )
    await expect(library.get(of(room.acme), 'review_document', { document_id: 'x' }, request)).rejects.toThrow(
      InvalidArguments,
    )
    const what = { kind: 'prompt', of: 'brief_project', argument: 'project_id', value: 'ROOF', others: {} } as const
    expect(await library.complete(of(room.acme), what, request)).toEqual({ values: [ids.project], more: false })
  })
})

test('every tool that changes documents, projects or todos tells which resources are different now, and one that changes nothing tells nothing', async () => {
  const changes = createChanges()
  const desk = createDesk(room.fresh.database, room.tools, { changes })
  const told: News[] = []
  const stop = changes.subscribe(room.acme.id, (news) => told.push(news))
  const alice = desk.as(desk.principal(room.acme))
  const after = async (
    name: string,
    args: Record<string, unknown>,
  ): Promise<{ id: string; news: readonly string[] }> => {
    told.length = 0
    const { id } = thing(await alice(name, args))
    return { id, news: told.map((news) => (typeof news === 'object' ? news.resource : news)).toSorted() }
  }
  const { id: project, news: made } = await after('create_project', { name: 'Shed' })
  expect(made).toEqual([projectUri(project), 'resources'])
  expect((await after('update_project', { id: project, name: 'Shed' })).news).toEqual([])
  expect((await after('update_project', { id: project, name: 'Barn' })).news).toEqual([
    projectUri(project),
    'resources',
  ])
  const { id: todo, news: todoMade } = await after('create_todo', { title: 'Saw', project_id: project })
  expect(todoMade).toEqual([projectUri(project)])
  expect((await after('create_todo', { title: 'Alone' })).news).toEqual([])
  expect((await after('update_todo', { id: todo, notes: 'soon' })).news).toEqual([projectUri(project)])
  expect((await after('complete_todo', { id: todo })).news).toEqual([projectUri(project)])
  expect((await after('complete_todo', { id: todo })).news).toEqual([])
  expect((await after('delete_todo', { id: todo })).news).toEqual([projectUri(project)])
  const { id: document, news: documentMade } = await after('create_document', {
    title: 'A',
    content: '1',
    project_id: project,
  })
  expect(documentMade).toEqual([documentUri(document), projectUri(project), 'resources'])
  expect((await after('update_document', { id: document, title: 'A' })).news).toEqual([])
  expect((await after('update_document', { id: document, content: '2' })).news).toEqual([
    documentUri(document),
    projectUri(project),
    'resources',
  ])
  expect((await after('restore_document', { id: document, version: 1 })).news).toEqual([
    documentUri(document),
    projectUri(project),
    'resources',
  ])
  // Out of one project and into another: both overviews are different.
  const { id: other } = await after('create_project', { name: 'Garden' })
  const both = [projectUri(project), projectUri(other)].toSorted()
  expect((await after('update_document', { id: document, project_id: other })).news).toEqual([
    documentUri(document),
    ...both,
    'resources',
  ])
  expect((await after('create_document', { title: 'B', content: '', project_id: other })).news).toHaveLength(3)
  const { id: gone, news: deleted } = await after('delete_document', { id: document })
  expect(deleted).toEqual([documentUri(gone), projectUri(other), 'resources'])
  const last = thing(await alice('list_documents', { project_id: other }))['items'] as { id: string }[]
  expect((await after('delete_project', { id: other })).news).toEqual([
    ...last.map(({ id }) => documentUri(id)),
    projectUri(other),
    'resources',
  ])
  stop()
})
