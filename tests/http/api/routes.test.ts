import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OpenApi } from '#http/api-openapi.ts'
import { API_ROUTES, type ApiRoute } from '#http/api-routes.ts'
import { ROWS, type Given } from './rows.ts'
import { createJudge, type Judge } from './schemas.ts'
import { ROLES, startWorld, type Answer, type Role, type World } from './support.ts'

let world: World
let judge: Judge
beforeAll(async () => {
  world = await startWorld()
  const document = await fetch(`${world.server.url}/openapi.json`)
  judge = createJudge((await document.json()) as OpenApi)
})
afterAll(async () => await world.server.close())

async function call(role: Role, { method, path }: ApiRoute<never>, given: Given): Promise<Answer> {
  const names = [...(given.path ?? [])]
  const filled = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(names.shift() ?? 'something'))
  const query = given.query === undefined ? '' : `?${given.query}`
  return await world.ask(world.tokens[role], method, `/api/v1${filled}${query}`, given.body)
}

const rowOf = ({ operation }: ApiRoute<never>) => {
  const row = ROWS[operation.id]
  if (row === undefined) throw new Error(`${operation.id} has no row`)
  return row
}

test('every operation has a row here, and every row an operation', () => {
  const served = API_ROUTES.map(({ operation }) => operation.id).toSorted()
  expect(Object.keys(ROWS).toSorted()).toEqual(served)
})

test.each(API_ROUTES.map((route) => [route.operation.id, route] as const))(
  '%s serves each role as it should, and answers as the document says',
  async (_id, route) => {
    const row = rowOf(route)
    for (const role of ROLES) {
      const answer = await call(role, route, await row.good(world))
      const wanted = row.serves.includes(role) ? [route.status] : [row.refused ?? 403, 403]
      expect(wanted, `${role}: ${JSON.stringify(answer.json)}`).toContain(answer.status)
      expect(judge(route.path, route.method, answer), role).toEqual([])
      if (answer.status < 300 && route.tagged && route.status !== 204)
        expect(answer.headers.get('etag')).toMatch(/^"[\w-]{32}"$/)
    }
  },
)

test.each(API_ROUTES.map((route) => [route.operation.id, route] as const))(
  '%s names the field that is wrong',
  async (_id, route) => {
    for (const [given, at] of rowOf(route).bad) {
      // What has a name in its path gets one that is there, so that nothing else can be wrong.
      const path = given.path ?? (await rowOf(route).good(world)).path ?? []
      const answer = await call('owner', route, { ...given, path })
      expect(answer.json, at).toMatchObject({ status: 422, code: 'invalid' })
      const named = answer.json.errors.map((each: any) => each.pointer ?? each.parameter)
      expect(named).toContain(at)
      expect(judge(route.path, route.method, answer)).toEqual([])
    }
  },
)

const named = API_ROUTES.filter(({ path }) => path.includes('{'))

test.each(named.map((route) => [route.operation.id, route] as const))(
  '%s knows nothing of what is another tenant’s',
  async (_id, route) => {
    const { foreign } = rowOf(route)
    if (foreign === undefined) throw new Error(`${route.operation.id} has a name in its path and no foreign one to try`)
    const [theirs, never] = await foreign(world)
    const [first, second] = [await call('owner', route, theirs), await call('owner', route, never)]
    expect(first.status).toBe(404)
    const told = ({ json }: Answer, given: Given): string =>
      JSON.stringify({ ...json, request_id: '' }).replaceAll(given.path?.[0] ?? '', '(name)')
    expect(told(first, theirs)).toBe(told(second, never))
    expect(judge(route.path, route.method, first)).toEqual([])
  },
)

test('what is another tenant’s is as it was after all that', async () => {
  const { ask, tokens, stranger } = world
  expect((await ask(tokens.stranger, 'GET', `/api/v1/members/${stranger}`)).json).toMatchObject({
    role: 'owner',
    status: 'active',
  })
  const { items } = (await ask(tokens.stranger, 'GET', '/api/v1/keys?limit=100')).json
  expect(items.length).toBeGreaterThan(0)
  expect(items.every((item: { status: string }) => item.status === 'active')).toBe(true)
})

test('D13: another tenant’s address and one that is nobody’s answer alike', async () => {
  for (const { method, path } of API_ROUTES) {
    const at = async (slug: string) =>
      await world.ask(world.tokens.owner, method, `/t/${slug}/api/v1${path.replaceAll(/\{\w+\}/g, 'x')}`)
    const [theirs, nobodys] = [await at('globex_test'), await at('nobodys')]
    expect([theirs.status, theirs.json.code]).toEqual([403, 'access_denied'])
    expect({ ...theirs.json, request_id: '' }).toEqual({ ...nobodys.json, request_id: '' })
  }
})
