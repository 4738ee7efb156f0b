import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openApi } from '#http/api-openapi.ts'
import { API_ROUTES, OPERATOR_ROUTES } from '#http/api-routes.ts'
import { stubApp, type StubApp } from '../stub-app.ts'

const PUBLIC_URL = 'https://mcp.example.com'
const document = openApi(PUBLIC_URL)

let stub: StubApp
beforeAll(async () => {
  // Hundreds of requests of nobody: the limit per address is not what is looked at here.
  stub = await stubApp({ config: { rateLimit: { on: false, perIp: 1, perTenant: 1, perPrincipal: 1 } } })
})
afterAll(async () => await stub.app.close())

test('OpenAPI: a validator of others finds the document right, and would find a wrong one', async () => {
  const judged = await new Validator().validate(structuredClone(document))
  expect(judged).toMatchObject({ valid: true })
  expect((await new Validator().validate({ ...structuredClone(document), paths: { domains: {} } })).valid).toBe(false)
})

test('every reference in the document leads somewhere', () => {
  const links = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)]
  expect(links.length).toBeGreaterThan(100)
  const components = document['components'] as Record<string, Record<string, unknown>>
  const broken = links.filter(([, kind = '', name = '']) => components[kind]?.[name] === undefined)
  expect(broken.map(([link]) => link)).toEqual([])
})

test('every operation has an id of its own, a sentence, its scopes and its answers', () => {
  const all = Object.values(document.paths).flatMap((methods) => Object.values(methods))
  expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length)
  expect(all.length).toBe(API_ROUTES.length + OPERATOR_ROUTES.length)
  for (const { operationId, description, responses, security } of all) {
    expect(operationId).toMatch(/^[a-z][a-z_]+$/)
    expect(description, operationId).toMatch(/\.$/)
    expect(Object.keys(responses), operationId).toEqual(expect.arrayContaining(['401', '403', '422', '429', '503']))
    expect(security.length).toBe(1)
  }
})

/** Paths as the router has them, from the tree it prints. */
function routedPaths(): string[] {
  const open: string[] = []
  return stub.app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, before = '', piece = ''] = /^([│ ]*)[├└]── (\S+) \(/.exec(line) ?? []
      if (piece === '') return []
      const depth = before.length / 4
      open.length = depth
      open[depth] = piece
      return [open.join('').replace(/^\/\//, '/')]
    })
}

test('what the router serves under /api/v1 is in the document, method by method, and nothing else is', async () => {
  const served: string[] = []
  const paths = routedPaths().filter((path) => /\/api\/v1\//.test(path))
  expect(paths.length).toBeGreaterThan(50)
  for (const path of paths) {
    const url = path.replace(/:slug\([^)]*\)\$?\)?/, 'acme').replaceAll(/:(\w+)/g, 'x')
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      // Who is nobody is told 401 by what is served, and 405 by what is not.
      const { statusCode } = await stub.app.inject({ method, url })
      if (statusCode === 405) continue
      served.push(
        `${statusCode} ${method} ${path.replace(/:slug\([^)]*\)\$?\)?/, '{tenant}').replaceAll(/:(\w+)/g, '{$1}')}`,
      )
    }
  }
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { servers }]) => [
      `401 ${method.toUpperCase()} /api/v1${path}`,
      ...(servers === undefined ? [`401 ${method.toUpperCase()} /t/{tenant}/api/v1${path}`] : []),
    ]),
  )
  expect(served.toSorted()).toEqual([...documented, '200 GET /api/v1/reference'].toSorted())
})

test('D40: document and reference may be kept for five minutes, and need no token', async () => {
  for (const url of ['/openapi.json', '/api/v1/reference']) {
    const answer = await stub.app.inject({ method: 'GET', url })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['cache-control']).toBe('public, max-age=300')
  }
  const { headers } = await stub.app.inject({ method: 'GET', url: '/api/v1/reference' })
  expect(headers['content-security-policy']).not.toContain('script-src')
})

test('the reference has a place for every operation, schema and problem, and its links lead there', async () => {
  const { body } = await stub.app.inject({ method: 'GET', url: '/api/v1/reference' })
  const ids = new Set([...body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
  for (const { operation } of [...API_ROUTES, ...OPERATOR_ROUTES]) expect(ids).toContain(operation.id)
  const links = [...body.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
  expect(links.length).toBeGreaterThan(50)
  expect(links.filter((id) => !ids.has(id))).toEqual([])
  expect(body).not.toContain('[object Object]')
  expect(body).not.toContain('undefined')
})
