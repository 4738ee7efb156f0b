import fastify from 'fastify'
import { afterAll, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { DatabaseUnavailable, StatementTimeout, TenantBusy } from '#db/database.ts'
import { createApiFailureHandler } from '#http/api-failure.ts'
import { createChallenge } from '#http/challenge.ts'
import { createFailureHandler } from '#http/failure.ts'
import { createVisits } from '#http/visit.ts'

const parts = {
  publicUrl: 'https://gatehouse.test',
  log: createLog('silent'),
  visits: createVisits(() => '192.0.2.9'),
  challenge: createChallenge({ publicUrl: 'https://gatehouse.test', scopes: [] }),
  ipLimit: async () => {},
  hold: async () => false,
}
const ERRORS = [new DatabaseUnavailable('away'), new TenantBusy('busy'), new StatementTimeout('long')]

const app = fastify({ logger: false })
app.register(async (plain) => {
  plain.setErrorHandler(createFailureHandler(parts))
  for (const error of ERRORS) plain.get(`/plain/${error.name}`, () => Promise.reject(error))
})
app.register(async (api) => {
  api.setErrorHandler(createApiFailureHandler(parts))
  for (const error of ERRORS) api.get(`/api/${error.name}`, () => Promise.reject(error))
})
afterAll(async () => await app.close())

test.for(ERRORS)(
  '$name is told as what passes, with when to ask again, and not as a mistake of ours',
  async ({ name }) => {
    const plain = await app.inject(`/plain/${name}`)
    expect([plain.statusCode, plain.json().error]).toEqual([503, 'temporarily_unavailable'])
    const api = await app.inject(`/api/${name}`)
    expect([api.statusCode, api.headers['content-type'], api.json().code]).toEqual([
      503,
      expect.stringContaining('application/problem+json'),
      'temporarily_unavailable',
    ])
    expect(Number(api.headers['retry-after'])).toBeGreaterThan(0)
  },
)
