import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '#base/config-load.ts'
import { createLog } from '#base/log.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { createDns } from '#tenancy/dns.ts'
import { watchRegistry } from '#tenancy/registry-cache.ts'
import type { RegistryErrorCode } from '#tenancy/registry-error.ts'
import { createTenantUpstreams, type UpstreamInput } from '#tenancy/upstreams.ts'
import { createUpstreamLookup, type UpstreamLookup } from '#tenancy/upstream-lookup.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, upperKinds, type FreshDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'
import { principalOf } from '../toolkit/desk.ts'
import { actorOf, MovedClock, operator, scopes, SECRET } from './support.ts'

const OLD = 'the session secret before that one, 0123456789'
const base = {
  UPSTREAM_CRM_URL: 'https://crm.example.com',
  UPSTREAM_CRM_AUTH: 'login',
  UPSTREAM_CRM_CREDENTIALS: 'tenant',
}
const fields = { username: 'acme', password: 'the-password-of-acme' }
const input: UpstreamInput = { name: 'crm', fields }

describe.each(upperKinds)("a tenant's own credentials, on %s", (kind) => {
  let fresh: FreshDatabase
  let acme: Tenant
  let globex: Tenant
  const clock = new MovedClock()
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    acme = await fresh.tenant('acme')
    globex = await fresh.tenant('globex')
  })
  afterAll(async () => await fresh.drop())

  const desk = (env: Record<string, string> = {}, secrets: readonly string[] = [SECRET]) =>
    createTenantUpstreams({
      database: fresh.database,
      clock,
      auditKey: auditKey(SECRET, CONTROL_SCHEMA),
      scopes,
      slugPrefix: '',
      deleteDays: 7,
      dns: createDns({ servers: ['127.0.0.1:9'] }),
      links: { issuer: 'https://gatehouse.test', secrets },
      upstreams: loadConfig({ ...base, ...env }).upstreams,
    })
  const lines: string[] = []
  const lookup = async (secrets: readonly string[] = [SECRET]): Promise<UpstreamLookup> =>
    createUpstreamLookup({
      database: fresh.database,
      clock,
      log: createLog('warn', { write: (line) => void lines.push(line) }),
      watch: await watchRegistry(fresh.database),
      secrets,
    })
  const admin = (tenant: Tenant, role: 'member' | 'admin' = 'admin') => actorOf(principalOf(tenant, role, []))
  const MAY = { UPSTREAM_CRM_TENANT_MAY: 'credentials' }
  const code = async (work: Promise<unknown>): Promise<RegistryErrorCode | 'done'> =>
    await work.then(
      () => 'done' as const,
      (error: unknown) => (error as { code: RegistryErrorCode }).code,
    )

  test('are sealed at rest, read by the server alone, and replaced and removed but never shown', async () => {
    const find = await lookup()
    expect(await find(acme.id, 'crm')).toBeNull()
    const set = await desk().set(acme, operator, input)
    expect(set).toMatchObject({
      name: 'crm',
      auth: 'login',
      credentials: 'own',
      usable: true,
      set_by: 'operator tests',
    })
    await until(async () => (await find(acme.id, 'crm')) !== null)
    expect(await find(acme.id, 'crm')).toMatchObject({ url: null, fields })
    expect(await find(globex.id, 'crm')).toBeNull()

    const shown = JSON.stringify([set, await desk().list(acme, operator)])
    const stored = JSON.stringify([
      await fresh.sql('SELECT * FROM gatehouse.upstreams'),
      await fresh.sql('SELECT * FROM gatehouse.audit'),
    ])
    for (const text of [shown, stored]) expect(text).not.toContain('the-password-of-acme')
    expect(stored).toContain('upstream.set')

    const first = (await find(acme.id, 'crm'))?.version
    await desk().set(acme, operator, { ...input, fields: { ...fields, password: 'another' } })
    await until(async () => (await find(acme.id, 'crm'))?.version !== first)
    expect((await find(acme.id, 'crm'))?.fields['password']).toBe('another')
    await desk().remove(acme, operator, 'crm')
    await until(async () => (await find(acme.id, 'crm')) === null)
    expect(await code(desk().remove(acme, operator, 'crm'))).toBe('unknown')
  })

  test('an admin sets them only where the operator lets them, and only for the own tenant', async () => {
    expect(await code(desk().set(acme, admin(acme), input))).toBe('forbidden')
    expect(await code(desk().remove(acme, admin(acme), 'crm'))).toBe('forbidden')
    expect(await code(desk(MAY).set(acme, admin(acme, 'member'), input))).toBe('forbidden')
    expect(await code(desk(MAY).list(acme, admin(acme, 'member')))).toBe('forbidden')
    expect(await code(desk(MAY).set(acme, admin(globex), input))).toBe('unknown')
    expect(await code(desk(MAY).list(acme, admin(globex)))).toBe('unknown')
    expect(await code(desk(MAY).set(acme, admin(acme), input))).toBe('done')
    expect(await desk(MAY).list(acme, admin(acme))).toMatchObject([{ credentials: 'own', set_by: 'oidc:alice' }])
    expect(await desk(MAY).list(globex, admin(globex))).toMatchObject([{ credentials: 'none', set_by: null }])
  })

  test('D30: a URL of its own needs UPSTREAM_TENANT_MAY=url, for an operator too, and must be a public name by https', async () => {
    const url = 'https://crm.acme.example/v2/'
    const MAY_URL = { UPSTREAM_CRM_TENANT_MAY: 'url' }
    expect(await code(desk(MAY).set(acme, admin(acme), { ...input, url }))).toBe('forbidden')
    expect(await code(desk().set(acme, operator, { ...input, url }))).toBe('forbidden')
    for (const bad of [
      'http://crm.acme.example',
      'https://169.254.169.254/',
      'https://localhost',
      'https://a.example:22',
      'x',
    ])
      expect([bad, await code(desk(MAY_URL).set(acme, operator, { ...input, url: bad }))]).toEqual([bad, 'invalid'])
    expect(await desk(MAY_URL).set(acme, admin(acme), { ...input, url })).toMatchObject({
      url: 'https://crm.acme.example/v2',
      usable: true,
    })
    expect(await desk(MAY).list(acme, operator)).toMatchObject([{ usable: false }])
  })

  test('what is missing, unknown or cannot be a header is invalid', async () => {
    const header = { UPSTREAM_CRM_AUTH: 'header', UPSTREAM_CRM_HEADER_NAMES: 'X-Key' }
    const upstreams = desk({ ...header })
    for (const bad of [
      {},
      { 'X-Key': '' },
      { 'X-Key': 'a\r\nX-Admin: 1' },
      { 'X-Key': 'ü' },
      { 'X-Key': 'a', 'X-Admin': '1' },
    ])
      expect([bad, await code(upstreams.set(acme, operator, { name: 'crm', fields: bad as never }))]).toEqual([
        bad,
        'invalid',
      ])
    expect(await code(upstreams.set(acme, operator, { name: 'erp', fields }))).toBe('unknown')
    expect(await code(desk().set(acme, operator, { name: 'crm', fields: { username: 'a' } }))).toBe('invalid')
  })

  test('D25: a secret of the list opens what it sealed, the first seals it anew; one that left opens nothing', async () => {
    await desk({}, [OLD]).set(acme, operator, input)
    const sealed = async (): Promise<unknown> =>
      (await fresh.sql('SELECT sealed FROM gatehouse.upstreams'))[0]?.['sealed']
    const before = await sealed()
    expect(await (await lookup([SECRET, OLD]))(acme.id, 'crm')).toMatchObject({ fields })
    expect(await sealed()).not.toBe(before)
    expect(await (await lookup([SECRET]))(acme.id, 'crm')).toMatchObject({ fields })
    expect(await (await lookup([OLD]))(acme.id, 'crm')).toMatchObject({ fields: {} })
    expect(lines.at(-1)).toContain('set them again')
    expect(await desk({}, [OLD]).list(acme, operator)).toMatchObject([{ credentials: 'own', usable: false }])
  })

  test("D17: a row that was moved to another tenant, name or URL opens to nothing, and no desk sees another's", async () => {
    await desk().set(acme, operator, input)
    await fresh.sql(`UPDATE gatehouse.upstreams SET url = 'https://evil.example'`)
    expect((await (await lookup())(acme.id, 'crm'))?.fields).toEqual({})
    await fresh.sql(`UPDATE gatehouse.upstreams SET url = NULL, tenant_id = $1`, [globex.id])
    expect((await (await lookup())(globex.id, 'crm'))?.fields).toEqual({})
    expect(await (await lookup())(acme.id, 'crm')).toBeNull()
  })
})
