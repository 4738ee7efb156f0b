import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError, type OidcConfig } from '#base/config.ts'
import type { Identity } from '#identity/identity.ts'
import type { Claims, FakeIssuer } from '../support/fake-provider.ts'
import { readEntra } from '#providers/entra.ts'
import { configs, MCP_URL, openGate, outcomeOf, type Gate } from './support.ts'

const ACME = '11111111-2222-4333-8444-555555555555'
const GLOBEX = '66666666-7777-4888-8999-000000000000'
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad'

let gate: Gate
const issuers: Record<string, FakeIssuer> = {}
beforeAll(async () => {
  gate = await openGate()
  for (const tid of [ACME, GLOBEX, CONSUMERS]) issuers[tid] = gate.fake.issuer({ path: `entra/${tid}/v2.0` })
})
beforeEach(() => gate.fake.reset())
afterAll(async () => await gate.close())

const enter = async (token: string, change: Partial<OidcConfig> = {}): Promise<Identity> => {
  const multi = { ...configs.oidc(`${gate.fake.url}/entra/common/v2.0`), tenantIds: [ACME, CONSUMERS], ...change }
  return await gate.open({ oidc: [multi] })(token)
}
const sign = async (tid: string, claims: Claims = {}): Promise<string> =>
  await issuers[tid]!.sign({ tid, oid: 'o-1', sub: 's-1', aud: MCP_URL, email: 'alice@acme.test', ...claims })

test('the tenant id is the organisation, and the exact issuer of that tenant is the iss', async () => {
  expect(await enter(await sign(ACME))).toMatchObject({
    iss: `${gate.fake.url}/entra/${ACME}/v2.0`,
    sub: 's-1',
    organization: { kind: 'tid', value: ACME },
  })
})

test('a tenant that is not listed has an unknown issuer, and nobody is asked', async () => {
  expect(await outcomeOf(enter(await sign(GLOBEX)))).toBe('issuer_unknown 401')
  expect(gate.fake.hits()).toBe(0)
})

test('the literal {tenantid} of the multi-tenant discovery document is no issuer', async () => {
  const token = await sign(ACME, { iss: `${gate.fake.url}/entra/{tenantid}/v2.0` })
  expect(await outcomeOf(enter(token))).toBe('issuer_unknown 401')
})

test.each([
  ['a tid of another tenant', { tid: GLOBEX }],
  ['no tid', { tid: undefined }],
  ['a tid that is a list', { tid: [ACME] }],
])('%s is refused although the signature is right', async (_what, claims) => {
  expect(await outcomeOf(enter(await sign(ACME, claims)))).toBe('organization_refused 401')
})

test("the keys of one tenant's issuer do not sign for another's", async () => {
  const token = await sign(CONSUMERS, { iss: issuers[ACME]!.iss, tid: ACME })
  expect(await outcomeOf(enter(token))).toBe('key_unknown 401')
})

describe('E11: an address counts only with xms_edov', () => {
  test.each([
    ['no xms_edov', ACME, {}, 'none'],
    ['email_verified, which Entra never writes', ACME, { email_verified: true }, 'none'],
    ['xms_edov false', ACME, { xms_edov: false }, 'none'],
    ['xms_edov "0"', ACME, { xms_edov: '0' }, 'none'],
    ['xms_edov "true"', ACME, { xms_edov: 'true' }, 'none'],
    ['xms_edov true', ACME, { xms_edov: true }, 'live'],
    ['xms_edov "1"', ACME, { xms_edov: '1' }, 'live'],
    ['xms_edov 1', ACME, { xms_edov: 1 }, 'live'],
    ['xms_edov 0', ACME, { xms_edov: 0 }, 'none'],
    ['D6: a personal account, whatever it says', CONSUMERS, { xms_edov: true, email_verified: true }, 'none'],
  ])('%s', async (_what, tid, claims, authority) => {
    const identity = await enter(await sign(tid, claims), { domains: '*' })
    expect(identity.email_authority).toBe(authority)
  })

  test('a personal account has no organisation', async () => {
    expect((await enter(await sign(CONSUMERS))).organization).toBeNull()
  })
})

describe('the issuer as configured', () => {
  const read = (issuer: string, tenantIds: string[] = []) =>
    readEntra({ id: 'oidc', issuer, tenantIds, introspection: null })

  test('Microsoft is known by its host, so that its addresses are never believed by mistake', () => {
    expect([...read(`https://login.microsoftonline.com/${ACME}/v2.0`)!.tenantOf]).toEqual([
      [`https://login.microsoftonline.com/${ACME}/v2.0`, ACME],
    ])
    expect([...read(`https://sts.windows.net/${ACME}/`)!.tenantOf.values()]).toEqual([ACME])
    expect(read('https://idp.acme.test')).toBeNull()
  })

  test.each([
    'https://login.microsoftonline.us',
    'https://login.partner.microsoftonline.cn',
    'https://sts.windows.net',
    'https://login.microsoftonline.com',
  ])('%s is Entra in any cloud', (host) => {
    expect([...read(`${host}/${ACME}/v2.0`)!.tenantOf.values()]).toEqual([ACME])
    expect(() => read(`${host}/common/v2.0`)).toThrow(ConfigError)
  })

  test('tenant ids are compared without case, and the issuer is kept as it is written', () => {
    const upper = 'https://login.microsoftonline.com/ABCDEF00-2222-4333-8444-555555555555/v2.0'
    expect([...read(upper, ['abcdef00-2222-4333-8444-555555555555'])!.tenantOf]).toEqual([
      [upper, 'abcdef00-2222-4333-8444-555555555555'],
    ])
    expect([...read(`https://sts.windows.net/COMMON/`, [ACME.toUpperCase()])!.tenantOf]).toEqual([
      [`https://sts.windows.net/${ACME}/`, ACME],
    ])
  })

  test('a word that only begins like a placeholder, or an id with more behind it, is no tenant', () => {
    for (const path of ['commons', 'xcommon', `${ACME}0`, `0${ACME}`, ACME.slice(1)])
      expect(() => read(`https://login.microsoftonline.com/${path}/v2.0`, [ACME]), path).toThrow(ConfigError)
    expect([...read(`https://login.microsoftonline.com/${ACME}`)!.tenantOf.values()]).toEqual([ACME])
    expect([...read('https://login.microsoftonline.com/common', [ACME])!.tenantOf.keys()]).toEqual([
      `https://login.microsoftonline.com/${ACME}`,
    ])
  })

  test('listed tenant ids make any host Entra', () => {
    expect([...read(`https://idp.acme.test/${ACME}`, [ACME])!.tenantOf.values()]).toEqual([ACME])
  })

  test.each(['common', 'organizations', 'consumers', '{tenantid}', '%7Btenantid%7D'])(
    '%s becomes one exact issuer per listed tenant',
    (placeholder) => {
      expect([
        ...read(`https://login.microsoftonline.com/${placeholder}/v2.0`, [ACME, GLOBEX])!.tenantOf.keys(),
      ]).toEqual([ACME, GLOBEX].map((tid) => `https://login.microsoftonline.com/${tid}/v2.0`))
    },
  )

  test.each([
    ['every tenant of the world', 'https://login.microsoftonline.com/common/v2.0', []],
    ['a tenant by name', 'https://login.microsoftonline.com/acme.onmicrosoft.com/v2.0', []],
    ['one tenant, another listed', `https://login.microsoftonline.com/${ACME}/v2.0`, [GLOBEX]],
  ])('%s stops the boot', (_what, issuer, tenantIds) => {
    expect(() => read(issuer, tenantIds)).toThrow(ConfigError)
  })

  test('introspection, which Entra does not have, stops the boot', () => {
    const issuer = `https://login.microsoftonline.com/${ACME}/v2.0`
    expect(() => readEntra({ ...configs.oidc(issuer), introspection: configs.introspection })).toThrow(ConfigError)
  })
})
