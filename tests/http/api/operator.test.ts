import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OpenApi } from '#http/api-openapi.ts'
import { OPERATOR_ROUTES } from '#http/api-routes.ts'
import { startGatehouse, type RunningGatehouse } from '../../support/gatehouse.ts'
import { until } from '../../support/until.ts'
import { createJudge, type Judge } from './schemas.ts'
import { asking, type Answer, type Ask } from './support.ts'

let server: RunningGatehouse
let ask: Ask
let judge: Judge
let operator = ''
let owner = ''
beforeAll(async () => {
  server = await startGatehouse({
    kind: 'postgres',
    env: { OPERATORS: 'development:carol@acme.test', RATE_LIMIT: 'off' },
  })
  ask = asking(server)
  operator = await server.token('carol@acme.test')
  owner = await server.token('bob@globex.test')
  await ask(owner, 'GET', '/api/v1/whoami')
  judge = createJudge((await (await fetch(`${server.url}/openapi.json`)).json()) as OpenApi)
})
afterAll(async () => await server.close())

const tenants = '/api/v1/operator/tenants'

/** Asked and judged by the document. */
async function served(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await ask(operator, method, `${tenants}${path}`, body)
  const template = `/operator/tenants${path.replace(/\?.*/, '').replace(/^\/[a-z_0-9]+/, '/{slug}')}`
  expect(judge(template, method, answer)).toEqual([])
  return answer
}

test('D3: who is no operator is told nothing by any of it, and a token is needed', async () => {
  for (const { method, path } of OPERATOR_ROUTES) {
    const url = `/api/v1${path.replace('{slug}', 'globex_test').replace('{domain}', 'globex.test').replace('{plan}', 'basic')}`
    const refused = await ask(owner, method, url)
    expect(refused.json).toMatchObject({ status: 403, code: 'access_denied' })
    const nobodys = await ask(
      owner,
      method,
      `/api/v1${path.replace('{slug}', 'nobodys').replace('{domain}', 'x.com').replace('{plan}', 'x')}`,
    )
    expect({ ...nobodys.json, request_id: '' }).toEqual({ ...refused.json, request_id: '' })
    expect((await ask(null, method, url)).status).toBe(401)
    // There is no such address beneath a tenant.
    expect((await ask(operator, method, `/t/acme_test${url}`)).status).toBe(404)
  }
})

test('an operator makes a tenant, finds it, suspends, resumes and deletes it', async () => {
  const made = await served('POST', '', { slug: 'initech', name: 'Initech Inc.' })
  expect(made.status).toBe(201)
  expect(made.headers.get('location')).toBe(`${tenants}/initech`)
  expect((await served('POST', '', { slug: 'initech' })).json).toMatchObject({ status: 409, code: 'exists' })

  expect((await served('GET', '?search=TECH')).json.items.map(({ slug }: { slug: string }) => slug)).toEqual([
    'initech',
  ])
  const first = (await served('GET', '?limit=1')).json
  const rest = (await served('GET', `?cursor=${first.next_cursor}`)).json
  expect([...first.items, ...rest.items].map(({ slug }: { slug: string }) => slug)).toEqual(['initech', 'globex_test'])

  const read = await served('GET', '/initech')
  const etag = read.headers.get('etag') ?? ''
  expect((await ask(operator, 'GET', `${tenants}/initech`, undefined, { 'if-none-match': etag })).status).toBe(304)

  expect((await served('POST', '/initech/suspend')).json).toMatchObject({ status: 'suspended' })
  expect((await served('GET', '?status=suspended')).json.items.length).toBe(1)
  expect((await served('POST', '/initech/resume')).json).toMatchObject({ status: 'active' })

  expect((await served('DELETE', '/initech')).json).toMatchObject({ status: 422, errors: [{ parameter: 'confirm' }] })
  expect((await served('DELETE', '/initech?confirm=globex_test')).json).toMatchObject({
    status: 422,
    errors: [{ parameter: 'confirm' }],
  })
  expect((await served('DELETE', '/initech?confirm=initech')).status).toBe(204)
  expect((await served('GET', '/initech')).json).toMatchObject({ status: 'deleted' })
  expect((await served('POST', '/initech/suspend')).status).toBe(404)
  expect((await served('GET', '/nobodys')).json).toMatchObject({ status: 404, code: 'not_found' })
})

test('an operator verifies a domain by hand, and sees what waits', async () => {
  const verify = async (slug: string, body: object) => await ask(operator, 'POST', `${tenants}/${slug}/domains`, body)
  const made = await verify('globex_test', { domain: 'globex-by-hand.com', asserted_by: ['oidc'] })
  expect(made.json).toMatchObject({ domain: 'globex-by-hand.com', state: 'verified', verified_by: 'operator' })
  expect(judge('/operator/tenants/{slug}/domains', 'POST', made)).toEqual([])
  expect((await verify('globex_test', { domain: 'globex-by-hand.com', asserted_by: ['oidc'] })).json.code).toBe(
    'exists',
  )
  expect((await verify('globex_test', { domain: 'gmail.com', asserted_by: ['oidc'] })).status).toBe(422)
  expect((await verify('nobodys', { domain: 'free-name.com', asserted_by: ['oidc'] })).status).toBe(404)
  const mine = await ask(owner, 'GET', '/api/v1/domains')
  expect(mine.json.items.map((item: { domain: string }) => item.domain)).toContain('globex-by-hand.com')

  const waiting = await ask(operator, 'GET', '/api/v1/operator/claims')
  expect(waiting.json).toEqual({ items: [], next_cursor: null })
  expect(judge('/operator/claims', 'GET', waiting)).toEqual([])
  const approve = `${tenants}/globex_test/domains/globex-by-hand.com/approve`
  const nothing = await ask(operator, 'POST', approve)
  expect(nothing.json).toMatchObject({ status: 409, code: 'conflict' })
  expect(judge('/operator/tenants/{slug}/domains/{domain}/approve', 'POST', nothing)).toEqual([])
})

test('a repeated creation of a tenant is answered alike', async () => {
  const create = async (body: object) =>
    await ask(operator, 'POST', tenants, body, { 'idempotency-key': 'make umbrella' })
  const first = await create({ slug: 'umbrella' })
  expect(first.status).toBe(400)
  const quoted = async (body: object) =>
    await ask(operator, 'POST', tenants, body, { 'idempotency-key': '"make umbrella"' })
  const made = await quoted({ slug: 'umbrella' })
  const again = await quoted({ slug: 'umbrella' })
  expect([made.status, again.status]).toEqual([201, 201])
  expect(again.json).toEqual(made.json)
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect((await quoted({ slug: 'other' })).json).toMatchObject({ code: 'idempotency_key_reused' })
})

test('bad input names its field', async () => {
  expect((await served('POST', '', { slug: 'Not A Slug' })).status).toBe(422)
  expect((await served('POST', '', { name: 'x' })).json).toMatchObject({ errors: [{ pointer: '#/slug' }] })
  expect((await served('GET', '?status=gone')).json).toMatchObject({ errors: [{ parameter: 'status' }] })
})

test('an operator makes a plan, gives it to a tenant, whose limits it then says, and takes it away', async () => {
  const plans = '/api/v1/operator/plans'
  const plan = async (method: string, name: string, body?: unknown): Promise<Answer> => {
    const answer = await ask(operator, method, `${plans}${name}`, body)
    expect(judge(name === '' ? '/operator/plans' : '/operator/plans/{plan}', method, answer)).toEqual([])
    return answer
  }
  const made = await plan('PATCH', '/basic', { title: 'Basic', calls_per_minute: 60, result_bytes: 4096 })
  expect(made.json).toMatchObject({ name: 'basic', title: 'Basic', calls_per_minute: 60, keys: null, tenants: 0 })
  expect((await plan('PATCH', '/basic', { calls_per_minute: 0 })).json).toMatchObject({ status: 422 })
  expect((await plan('GET', '/basic')).json).toEqual(made.json)
  expect((await plan('GET', '')).json).toEqual({ items: [made.json] })
  expect((await plan('GET', '/nobodys')).status).toBe(404)

  const given = await served('POST', '/globex_test/plan', { plan: 'basic' })
  expect(given.json).toMatchObject({ slug: 'globex_test', plan: 'basic' })
  expect((await served('POST', '/globex_test/plan', { plan: 'nobodys' })).status).toBe(404)
  await until(async () => (await ask(owner, 'GET', '/api/v1/limits')).json.plan === 'basic')
  expect((await ask(owner, 'GET', '/api/v1/limits')).json).toEqual({
    plan: 'basic',
    requests_per_minute_tenant: null,
    requests_per_minute_caller: null,
    concurrent_calls: 64,
    result_bytes: 4096,
    call_seconds: 15,
    shared: false,
  })
  expect((await plan('DELETE', '/basic')).json).toMatchObject({ status: 409, code: 'conflict' })
  expect((await served('POST', '/globex_test/plan', { plan: null })).json).toMatchObject({ plan: null })
  expect((await plan('DELETE', '/basic')).status).toBe(204)
})
