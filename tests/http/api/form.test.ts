import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorld, type World } from './support.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => await world.server.close())

const PROBLEM = /^application\/problem\+json\b/

test('whatever goes wrong is told as problem details, with the headers that belong to it', async () => {
  const { ask, tokens, server } = world
  const cases = [
    [await ask(null, 'GET', '/api/v1/tenant'), 401, 'unauthorized'],
    [await ask('nobody', 'GET', '/api/v1/tenant'), 401, 'invalid_token'],
    [await ask(tokens.owner, 'GET', '/t/globex_test/api/v1/tenant'), 403, 'access_denied'],
    [await ask(tokens.viewer, 'GET', '/api/v1/members'), 403, 'forbidden'],
    [await ask(tokens.owner, 'GET', '/api/v1/nothing'), 404, 'not_found'],
    [await ask(tokens.owner, 'GET', '/t/acme_test/api/v1/nothing'), 404, 'not_found'],
    [await ask(tokens.owner, 'PUT', '/api/v1/members', {}), 405, 'method_not_allowed'],
    [await ask(tokens.owner, 'POST', '/api/v1/domains', '{"domain"'), 400, 'invalid_request'],
    [await ask(tokens.owner, 'POST', '/api/v1/domains', '[1]'), 400, 'invalid_request'],
    [
      await ask(tokens.owner, 'POST', '/api/v1/domains', `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`),
      400,
      'invalid_request',
    ],
    [await ask(tokens.owner, 'POST', '/api/v1/domains', `{"domain":"${'a'.repeat(70_000)}"}`), 413, 'body_too_large'],
    [
      await ask(tokens.owner, 'POST', '/api/v1/domains', 'domain=a.com', { 'content-type': 'text/plain' }),
      415,
      'unsupported_media_type',
    ],
    [await ask(tokens.owner, 'POST', '/api/v1/domains', { domain: 'gmail.com' }), 422, 'invalid'],
  ] as const
  for (const [answer, status, code] of cases) {
    expect(answer.json).toMatchObject({ status, code, type: `${server.url}/api/v1/reference#problem-${code}` })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toMatch(PROBLEM)
    expect(answer.json.request_id).toBe(answer.headers.get('x-request-id'))
    expect(answer.headers.get('cache-control')).toBe('no-store')
  }
  expect(cases[0][0].headers.get('www-authenticate')).toContain('resource_metadata=')
  expect(cases[1][0].headers.get('www-authenticate')).toContain('error="invalid_token"')
  expect(cases[6][0].headers.get('allow')).toBe('GET, HEAD')
})

test('D31: a cookie lets nobody in', async () => {
  const answer = await world.ask(null, 'GET', '/api/v1/tenant', undefined, {
    cookie: `gh_session=${world.tokens.owner}`,
  })
  expect(answer.status).toBe(401)
})

test('D33: of somebody unknown not even the form of the body is looked at', async () => {
  expect((await world.ask(null, 'POST', '/api/v1/domains', '{"domain"')).status).toBe(401)
  expect((await world.ask(world.tokens.viewer, 'POST', '/api/v1/invitations', '{"domain"')).status).toBe(403)
})

test('every field that does not fit is named, in the body by pointer and in the query by parameter', async () => {
  const { ask, tokens } = world
  const body = { domain: 'acme.com', join_mode: 'x', asserted_by: ['oidc', 7], 'a/b': 1, default_role: 'vie\0wer' }
  const { json } = await ask(tokens.owner, 'POST', '/api/v1/domains', body)
  expect(json.errors.map(({ pointer }: { pointer: string }) => pointer).toSorted()).toEqual(
    ['#/a~1b', '#/asserted_by/1', '#/default_role', '#/default_role', '#/join_mode'].toSorted(),
  )
  const query = await ask(tokens.owner, 'GET', '/api/v1/members?limit=0&foo=1&cursor=x')
  expect(query.json.errors.map(({ parameter }: { parameter: string }) => parameter).toSorted()).toEqual([
    'cursor',
    'foo',
    'limit',
  ])
  const twice = await ask(tokens.owner, 'PATCH', '/api/v1/members/dan@acme.test?role=owner', { role: 'admin' })
  expect(twice.json).toMatchObject({ status: 422, errors: [{ parameter: 'role' }] })
  const path = await ask(tokens.owner, 'PATCH', '/api/v1/members/dan@acme.test', { role: 'admin', member: 'x' })
  expect(path.json).toMatchObject({ status: 422, errors: [{ pointer: '#/member' }] })
})

test('a list is walked page by page, each thing once', async () => {
  const { ask, tokens } = world
  const whole = (await ask(tokens.owner, 'GET', '/api/v1/members')).json.items.map(({ id }: { id: string }) => id)
  const seen: string[] = []
  for (let cursor = ''; ;) {
    const { json } = await ask(tokens.owner, 'GET', `/api/v1/members?limit=1${cursor}`)
    expect(json.items.length).toBe(1)
    seen.push(json.items[0].id)
    if (json.next_cursor === null) break
    cursor = `&cursor=${json.next_cursor}`
  }
  expect(seen).toEqual(whole)
  expect(seen.length).toBe(4)
})

test('an ETag saves a second reading, and keeps one admin from undoing what another just did', async () => {
  const { ask, tokens } = world
  const path = '/api/v1/members/erin@acme.test'
  const first = await ask(tokens.owner, 'GET', path)
  const etag = first.headers.get('etag') ?? ''
  expect(etag).toMatch(/^"[\w-]{32}"$/)
  const same = await ask(tokens.owner, 'GET', path, undefined, { 'if-none-match': `"other", W/${etag}` })
  expect([same.status, same.json, same.headers.get('etag')]).toEqual([304, null, etag])

  const changed = await ask(tokens.admin, 'PATCH', path, { role: 'viewer' }, { 'if-match': etag })
  expect(changed.status).toBe(200)
  expect(changed.headers.get('etag')).not.toBe(etag)
  const late = await ask(tokens.owner, 'PATCH', path, { role: 'admin' }, { 'if-match': etag })
  expect(late.json).toMatchObject({ status: 412, code: 'stale' })
  expect((await ask(tokens.owner, 'DELETE', path, undefined, { 'if-match': etag })).status).toBe(412)
  // A weak tag never matches strongly.
  const weak = `W/${changed.headers.get('etag')}`
  expect((await ask(tokens.owner, 'PATCH', path, { role: 'admin' }, { 'if-match': weak })).status).toBe(412)
  expect((await ask(tokens.owner, 'GET', path)).json.role).toBe('viewer')
  const now = (await ask(tokens.owner, 'GET', path)).headers.get('etag') ?? ''
  expect((await ask(tokens.owner, 'PATCH', path, { role: 'member' }, { 'if-match': now })).json.role).toBe('member')
})

test('two who change the same thing at once with the same ETag: one does, the other is told', async () => {
  const { ask, tokens } = world
  const etag = (await ask(tokens.owner, 'GET', '/api/v1/tenant')).headers.get('etag') ?? ''
  const names = ['One', 'Two', 'Three', 'Four']
  const answers = await Promise.all(
    names.map(async (name) => await ask(tokens.owner, 'PATCH', '/api/v1/tenant', { name }, { 'if-match': etag })),
  )
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412, 412])
})
