import { afterEach, expect, test } from 'vitest'
import { Refusal, type RefusalCode, type RefusalOptions } from '#base/refusal.ts'
import { DatabaseUnavailable } from '#db/database.ts'
import { principal, stubApp, type StubApp, type StubOptions } from '../stub-app.ts'

let stub: StubApp | null = null
afterEach(async () => {
  await stub?.app.close()
  stub = null
})

async function ask(options: StubOptions, url = '/api/v1/tenant') {
  stub = await stubApp(options)
  return await stub.app.inject({ method: 'GET', url, headers: { authorization: 'Bearer alice' } })
}

const refusing = (code: RefusalCode, options: RefusalOptions = {}): StubOptions => ({
  principal: async () => {
    throw new Refusal(code, { detail: 'only the operator reads this', ...options })
  },
})

test('what cannot be judged is 503 with Retry-After, and no reason to throw a token away', async () => {
  const answer = await ask(refusing('database_unavailable', { retryAfter: 7 }))
  expect(answer.statusCode).toBe(503)
  expect(answer.headers['retry-after']).toBe('7')
  expect(answer.headers['www-authenticate']).toBeUndefined()
  expect(answer.json()).toMatchObject({ status: 503, code: 'temporarily_unavailable' })
  expect(answer.body).not.toContain('only the operator')
})

test('a registry that goes away in the middle is 503 too', async () => {
  const registry: any = {
    tenants: {
      show: async () => {
        throw new DatabaseUnavailable('gone')
      },
    },
  }
  const limits = {
    requests_per_minute_tenant: null,
    requests_per_minute_caller: null,
    concurrent_calls: null,
    result_bytes: null,
    call_seconds: null,
    shared: false,
  }
  const answer = await ask({ desk: { registry, archive: registry, limits, clock: { now: () => Date.now() } } })
  expect(answer.json()).toMatchObject({ status: 503, code: 'temporarily_unavailable' })
})

test('over a limit is 429 with the headers that say when', async () => {
  const limited = { retryAfter: 30, limit: { limit: 100, window: 60 } }
  const answer = await ask(refusing('rate_limited', limited))
  expect(answer.json()).toMatchObject({ status: 429, code: 'rate_limited' })
  expect(answer.headers['retry-after']).toBe('30')
  expect(answer.headers['ratelimit']).toBe('"default";r=0;t=30')
})

test('a scope that only the token lacks is a challenge, one that the role never gives is none', async () => {
  const whole = new Set(['projects:read', 'tenant:admin'])
  const cut = { ...principal, scopes: new Set(['projects:read']), role_scopes: whole }
  const token = await ask({ principal: async () => cut }, '/api/v1/members')
  expect(token.json()).toMatchObject({ status: 403, code: 'insufficient_scope' })
  expect(token.headers['www-authenticate']).toContain('error="insufficient_scope"')
  expect(token.headers['www-authenticate']).toContain('scope="tenant:admin"')
  await stub?.app.close()
  const role = await ask({}, '/api/v1/members')
  expect(role.json()).toMatchObject({ status: 403, code: 'forbidden' })
  expect(role.headers['www-authenticate']).toBeUndefined()
})

test('a mistake of ours tells its request and nothing else', async () => {
  const answer = await ask({})
  expect(answer.json()).toMatchObject({ status: 500, code: 'server_error' })
  expect(answer.json().detail).toContain(answer.headers['x-request-id'])
  expect(answer.body).not.toContain('undefined')
})
