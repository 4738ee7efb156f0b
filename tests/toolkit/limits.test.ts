import { describe, expect, test } from 'vitest'
import { ALL_ON, NO_LIMITS, type Tenant } from '#tenancy/tenant.ts'
import { createLimit } from '#toolkit/limit.ts'
import { createLimits } from '#toolkit/limits.ts'
import { identityOf, principalOf } from './desk.ts'

const tenantOf = (slug: string): Tenant => ({
  id: slug,
  slug,
  name: slug,
  schema: `tenant_${slug}`,
  status: 'active',
  placement: 'default',
  schemaVersion: 1,
  mcpAdmin: false,
  deleteAfter: null,
  plan: null,
  limits: NO_LIMITS,
  toolsOff: ALL_ON,
})
const someone = (slug: string, sub: string) => principalOf(tenantOf(slug), 'member', [], { identity: identityOf(sub) })
const config = { on: true, perIp: 300, perTenant: 5, perPrincipal: 3 }

async function refusedOf(work: () => unknown): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    return error
  }
}

describe('requests per minute', () => {
  test('one too many of a person is refused with the seconds to wait, and uses up nothing of the tenant', async () => {
    const limits = createLimits(config)
    for (let i = 0; i < 3; i += 1) await limits.consume(someone('acme', 'alice'))
    for (let i = 0; i < 9; i += 1) {
      await expect(refusedOf(() => limits.consume(someone('acme', 'alice')))).resolves.toMatchObject({
        code: 'rate_limited',
        status: 429,
      })
    }
    expect(await limits.consume(someone('acme', 'bob'))).toMatchObject({ remaining: 1, limit: 5 })
  })

  test('a tenant has a limit of its own, and another tenant is not touched by it', async () => {
    const limits = createLimits(config)
    for (const sub of ['a', 'b', 'c', 'd', 'e']) await limits.consume(someone('acme', sub))
    const refused = await refusedOf(() => limits.consume(someone('acme', 'f')))
    expect(refused).toMatchObject({ code: 'rate_limited', detail: 'per tenant' })
    expect(refused).toHaveProperty(
      'retryAfter',
      expect.toSatisfy((s: number) => s >= 1 && s <= 60),
    )
    expect(await limits.consume(someone('globex', 'f'))).not.toBeNull()
  })

  test('the state told is that of the limit nearest to being reached', async () => {
    const limits = createLimits(config)
    expect(await limits.consume(someone('acme', 'alice'))).toMatchObject({ limit: 3, remaining: 2, window: 60 })
    await limits.consume(someone('acme', 'bob'))
    await limits.consume(someone('acme', 'carol'))
    expect(await limits.consume(someone('acme', 'dora'))).toMatchObject({ limit: 5, remaining: 1 })
  })

  test('two keys of one person count apart', async () => {
    const limits = createLimits({ ...config, perPrincipal: 1 })
    const withKey = (id: string) =>
      principalOf(tenantOf('acme'), 'member', [], { identity: identityOf('alice', { key: { id, tenant: 'acme' } }) })
    await limits.consume(withKey('one'))
    await limits.consume(withKey('two'))
    await expect(refusedOf(() => limits.consume(withKey('one')))).resolves.toMatchObject({ code: 'rate_limited' })
  })

  test('a key with a limit of its own is refused for the hour when it is reached, and uses up nothing of the tenant', async () => {
    const limits = createLimits({ ...config, perTenant: 100, perPrincipal: 100 })
    const withKey = (id: string, requests_per_hour: number) =>
      principalOf(tenantOf('acme'), 'member', [], {
        identity: identityOf('alice', { key: { id, tenant: 'acme' } }),
        requests_per_hour,
      })
    expect(await limits.consume(withKey('one', 2))).toMatchObject({ limit: 2, remaining: 1, window: 3600 })
    expect(await limits.consume(withKey('one', 2))).toMatchObject({ limit: 2, remaining: 0 })
    const refused = await refusedOf(() => limits.consume(withKey('one', 2)))
    expect(refused).toMatchObject({ code: 'rate_limited', status: 429, limit: { limit: 2, window: 3600 } })
    expect(refused).toHaveProperty(
      'retryAfter',
      expect.toSatisfy((s: number) => s > 3500 && s <= 3600),
    )
    expect(await limits.consume(withKey('two', 50))).toMatchObject({ limit: 100, remaining: 97 })
    // Raised, it goes on from what was counted.
    expect(await limits.consume(withKey('one', 10))).toMatchObject({ limit: 10, remaining: 7 })
    const off = createLimits({ ...config, on: false })
    for (let i = 0; i < 5; i += 1) expect(await off.consume(withKey('one', 2))).toBeNull()
  })

  test('switched off, nothing is counted', async () => {
    const limits = createLimits({ ...config, on: false, perPrincipal: 1 })
    for (let i = 0; i < 5; i += 1) expect(await limits.consume(someone('acme', 'alice'))).toBeNull()
  })

  test('check refuses when the limit is reached and counts nothing itself', async () => {
    const limit = createLimit({ on: true, name: 'test', perMinute: 2, detail: 'per address' })
    for (let i = 0; i < 5; i += 1) await limit.check('1.2.3.4')
    await limit.consume('1.2.3.4')
    await limit.check('1.2.3.4')
    await limit.consume('1.2.3.4')
    await expect(limit.check('1.2.3.4')).rejects.toMatchObject({ code: 'rate_limited' })
    await limit.check('4.3.2.1')
  })
})
