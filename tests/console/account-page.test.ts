import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'
import { readable, signedInAs, visitor, type Visitor } from './support.ts'

const ACCOUNT = '/console/account'

describe.each(upperKinds)('my account on %s', (kind) => {
  let server: RunningGatehouse
  beforeAll(async () => {
    server = await startGatehouse({ kind, env: { UNMAPPED_DOMAINS: 'reject' } })
    for (const slug of ['one_test', 'two_test']) await gatehouse(server, ['tenant', 'create', slug])
  }, 90_000)
  afterAll(async () => await server?.close())

  let count = 0
  /** A member of both tenants, at home in the first; another is owner there. */
  async function member(role = 'member'): Promise<{ who: Visitor; sub: string; email: string }> {
    const sub = `person-${kind}-${(count += 1)}`
    const email = `${sub}@guests.test`
    for (const slug of ['one_test', 'two_test'])
      await gatehouse(server, ['member', 'add', slug, `development:${sub}`, '--role', role, '--email', email])
    return { who: signedInAs(server, { sub, email }), sub, email }
  }
  const home = async (who: Visitor): Promise<string | null> => (await who.get('/console')).location
  const send = async (who: Visitor, path: string, form: Record<string, string>, headers?: Record<string, string>) =>
    await who.post(`${ACCOUNT}/${path}`, { csrf: await who.csrf(), ...form }, headers)

  test('D9: home is changed by the person themself', async () => {
    const { who } = await member()
    expect(await home(who)).toBe('/console/t/one_test')
    expect((await send(who, 'home', { organisation: 'two_test' })).location).toBe(`${ACCOUNT}?done=home`)
    await until(async () => (await home(who)) === '/console/t/two_test')
    expect(readable((await who.get(`${ACCOUNT}?done=home`)).text)).toMatch(/Your home is changed.*two_test, home/)
  })

  test('leaving asks on a page of its own, and ends the access', async () => {
    const { who } = await member()
    const page = await who.get(`${ACCOUNT}/leave?organisation=one_test`)
    expect(readable(page.text)).toMatch(/Leave .*\? You lose access to everything/)
    const unsure = await send(who, 'leave', { organisation: 'one_test' })
    expect([unsure.status, unsure.text]).toEqual([422, expect.stringContaining('id="sure-wrong"')])
    expect((await send(who, 'leave', { organisation: 'one_test', sure: 'yes' })).location).toBe(`${ACCOUNT}?done=left`)
    await until(async () => (await who.get('/console/t/one_test')).status === 403)
    expect(readable((await who.get(ACCOUNT)).text)).not.toContain('one_test')
    // The other one is still there, to be chosen.
    expect((await send(who, 'home', { organisation: 'two_test' })).status).toBe(303)
    await until(async () => (await home(who)) === '/console/t/two_test')
  })

  test('D31: leaving asks for a fresh sign-in, as removing somebody does', async () => {
    const { who, sub, email } = await member()
    const stale = signedInAs(server, { sub, email }, { fresh: false })
    const asked = await send(stale, 'leave', { organisation: 'two_test', sure: 'yes' })
    const back = encodeURIComponent(`${ACCOUNT}/leave?organisation=two_test`)
    expect([asked.status, asked.location]).toEqual([303, `/console/login?fresh=1&return_to=${back}`])
    expect(readable((await who.get(ACCOUNT)).text)).toContain('two_test')
  })

  test('the last owner is told why they cannot leave', async () => {
    const { who } = await member('owner')
    const answer = await send(who, 'leave', { organisation: 'one_test', sure: 'yes' })
    expect([answer.status, readable(answer.text)]).toEqual([
      409,
      expect.stringContaining('is the last owner of one_test'),
    ])
    expect((await who.get('/console/t/one_test')).status).toBe(200)
  })

  test('an organisation of others is the same as none', async () => {
    await gatehouse(server, ['tenant', 'create', 'three_test'])
    const { who } = await member()
    for (const organisation of ['three_test', 'nowhere_test']) {
      expect((await send(who, 'home', { organisation })).status).toBe(403)
      expect((await send(who, 'leave', { organisation, sure: 'yes' })).status).toBe(403)
      expect((await who.get(`${ACCOUNT}/leave?organisation=${organisation}`)).status).toBe(403)
    }
    for (const organisation of ['', "' OR 1=1", 'A'])
      expect((await send(who, 'home', { organisation })).status).toBe(404)
  })

  test('D22: signing out my clients ends every token of mine, and no one else’s', async () => {
    const token = await server.token('carol@acme.test')
    const other = await server.token('alice@acme.test')
    expect((await rpc(server.mcp, token, 'tools/list')).status).toBe(200)
    const carol = visitor(server)
    await carol.signIn('carol')
    expect((await carol.get('/console')).status).toBe(303)
    const out = await send(carol, 'sign-out-clients', {})
    expect([out.status, out.location]).toEqual([303, '/console/login?left=clients'])
    expect((await carol.get('/console/login?left=clients')).text).toContain('You are signed out everywhere')
    await until(async () => (await rpc(server.mcp, token, 'tools/list')).status === 401)
    expect((await rpc(server.mcp, other, 'tools/list')).status).toBe(200)
    await carol.signIn('carol')
    expect((await carol.get('/console/t/acme_test')).status).toBe(200)
  })

  test('D31: no form is taken from another site or without its token', async () => {
    const { who } = await member()
    const forms = [
      ['home', { organisation: 'two_test' }],
      ['leave', { organisation: 'one_test', sure: 'yes' }],
      ['sign-out-clients', {}],
    ] as const
    for (const [path, form] of forms) {
      expect((await send(who, path, form, { origin: 'https://evil.example' })).status).toBe(403)
      expect((await send(who, path, { ...form, csrf: 'x' })).status).toBe(403)
    }
    expect(await home(who)).toBe('/console/t/one_test')
    expect((await who.get('/console/t/one_test')).status).toBe(200)
  })
})
