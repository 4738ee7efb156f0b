import fastify, { type FastifyRequest } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { createLog } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import { NO_TRACING } from '#base/tracing.ts'
import { createChallenge } from '#http/challenge.ts'
import { createFailureHandler } from '#http/failure.ts'
import { createGate } from '#http/gate.ts'
import { createVisits } from '#http/visit.ts'
import type { Identity } from '#identity/identity.ts'
import { revocationDigest } from '#identity/token-digest.ts'
import { createOperators } from '#tenancy/operators.ts'
import { createLimits } from '#toolkit/limits.ts'
import { freshDatabase, upperKinds, type FreshDatabase } from '../support/database.ts'
import { operator, person, scopes, startReplica, type Replica } from '../tenancy/support.ts'
import { startGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'

let fresh: FreshDatabase
let replica: Replica
let app: ReturnType<typeof fastify>

const identities: Record<string, Identity> = {
  operator: person('ann@ops.com'),
  member: person('bob@acme.com'),
  narrow: { ...person('ann@ops.com'), scopes: ['projects:write', 'tenant:admin'] },
  whole: { ...person('ann@ops.com'), scopes: ['tenant:owner'] },
  liar: { ...person('ann@ops.com', { sub: 'liar' }), email_verified: false },
}

/** One route behind the gate, with the real judges; only the token is judged by its name. */
beforeAll(async () => {
  fresh = await freshDatabase({ kind: upperKinds[0] ?? 'postgres' })
  replica = await startReplica(fresh)
  app = fastify({ logger: false })
  const visits = createVisits(() => '192.0.2.9')
  const gate = createGate(
    {
      authenticate: async (token) => identities[token] ?? refuse(),
      principal: async () => refuse(),
      generation: () => null,
      limits: createLimits({ on: true, perIp: 300, perTenant: 100, perPrincipal: 8 }),
      clock: systemClock,
      tracing: NO_TRACING,
      operators: createOperators({
        config: { operators: ['oidc:ann@ops.com'], requiredScopes: [] },
        database: fresh.database,
        clock: systemClock,
        scopes,
        ready: () => true,
      }),
    },
    visits,
    { enter: () => undefined },
  )
  app.setErrorHandler(
    createFailureHandler({
      log: createLog('silent'),
      visits,
      challenge: createChallenge({ publicUrl: 'https://gatehouse.test', scopes: [] }),
      ipLimit: async () => {},
      hold: async () => false,
    }),
  )
  app.get('/api/v1/operator/tenants', { onRequest: gate.admitOperator }, async (request: FastifyRequest) => {
    const { actor, identity } = gate.operator(request)
    return { actor, email: identity.email }
  })
}, 60_000)
afterAll(async () => {
  await app?.close()
  await fresh?.drop()
})

const refuse = (): never => {
  throw new Refusal('signature_invalid')
}
const ask = async (token: string | null) =>
  await app.inject({
    url: '/api/v1/operator/tenants',
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  })

test('an operator without a tenant is let in, with who they are and a limit of their own', async () => {
  const answer = await ask('operator')
  expect([answer.statusCode, answer.json()]).toEqual([
    200,
    {
      actor: { kind: 'operator', name: 'https://issuer.test|ann@ops.com', request_id: 'req-1', ip: '192.0.2.9' },
      email: 'ann@ops.com',
    },
  ])
  expect(answer.headers['ratelimit']).toBe('"principal";r=7;t=60')
})

test('D3: everybody else gets the same 403, which tells nothing', async () => {
  for (const token of ['member', 'liar']) {
    const answer = await ask(token)
    expect([answer.statusCode, answer.json().error]).toEqual([403, 'access_denied'])
    expect(answer.body).not.toMatch(/operator/i)
  }
  expect([(await ask(null)).statusCode, (await ask('unknown')).statusCode]).toEqual([401, 401])
})

test('a token that its scopes narrow lends nobody an operator’s power', async () => {
  const answer = await ask('narrow')
  expect([answer.statusCode, answer.json().error]).toEqual([403, 'insufficient_scope'])
  expect(answer.headers['www-authenticate']).toContain('scope="tenant:owner"')
  expect((await ask('whole')).statusCode).toBe(200)
})

test('D22: a token that was revoked is refused at the next request', async () => {
  await replica.registry.revocations.revokeToken(operator, { digest: revocationDigest('operator'), until: null })
  expect((await ask('operator')).statusCode).toBe(401)
  await fresh.sql('DELETE FROM gatehouse.revocations')
  expect((await ask('operator')).statusCode).toBe(200)
})

test('an operator who asks too often waits', async () => {
  const codes = []
  for (let times = 0; times < 9; times++) codes.push((await ask('operator')).statusCode)
  expect(codes.at(-1)).toBe(429)
})

test('D3: on /mcp an operator is what their membership says, and nobody elsewhere', async () => {
  const server = await startGatehouse({
    kind: upperKinds[0] ?? 'postgres',
    env: { OPERATORS: 'development:carol@acme.test' },
  })
  try {
    const carol = await server.token('carol@acme.test')
    const listed = await rpc(server.mcp, carol, 'tools/list')
    expect(listed.text).toContain('list_projects')
    expect(listed.text).not.toMatch(/create_project|read_audit_log|list_members/)
    expect((await rpc(server.mcp, carol, 'tools/call', { name: 'read_audit_log', arguments: {} })).text).toContain(
      'error',
    )
    expect((await rpc(`${server.url}/t/globex_test/mcp`, carol, 'tools/list')).status).toBe(403)
    expect((await rpc(`${server.url}/t/acme_test/mcp`, carol, 'tools/list')).status).toBe(200)
  } finally {
    await server.close()
  }
}, 60_000)
