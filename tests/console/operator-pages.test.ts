import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { visitor, type Visitor } from './support.ts'

const OPERATOR = '/console/operator'

describe.each(upperKinds)('the pages of operators on %s', (kind) => {
  let server: RunningGatehouse
  let bob: Visitor
  beforeAll(async () => {
    server = await startGatehouse({ kind, env: { OPERATORS: 'development:bob@globex.test' } })
    const alice = visitor(server)
    await alice.signIn('alice')
    // She makes her tenant by coming.
    await alice.get('/console')
    bob = visitor(server)
    await bob.signIn('bob', { fresh: '1' })
  }, 90_000)
  afterAll(async () => await server?.close())

  const rows = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> =>
    await server.database.sql<Row>(text, values)
  const send = async (who: Visitor, path: string, form: Record<string, string> = {}) =>
    await who.post(`${OPERATOR}${path}`, { csrf: await who.csrf(), ...form })
  /** Everything that can be asked for and sent. */
  const PAGES = ['', '/tenants', '/tenants/acme_test', '/new-tenant', '/claims', '/providers', '/migrations']
  const FORMS: Record<string, Record<string, string>> = {
    '/new-tenant': { slug: 'forged' },
    '/tenants/acme_test/suspend': { suspend_reason: 'x', sure: 'yes' },
    '/tenants/acme_test/resume': {},
    '/tenants/acme_test/delete': { word: 'acme_test' },
    '/tenants/acme_test/keep': {},
    '/tenants/acme_test/plan': { plan: '' },
    '/tenants/acme_test/see-as': { reason: 'x' },
    '/claims/approve': { slug: 'acme_test', domain: 'acme.test' },
    '/see-as/stop': {},
  }
  const state = async () =>
    await rows<{ slug: string; status: string; delete_after: Date | null }>(
      'SELECT slug, status, delete_after FROM gatehouse.tenants ORDER BY slug',
    )

  test('D3: nobody else sees anything of it: the same 403 for every page and form, and no way there', async () => {
    const alice = visitor(server)
    await alice.signIn('alice', { fresh: '1' })
    expect((await alice.get('/console/t/acme_test')).text).not.toContain(OPERATOR)
    expect((await alice.get('/console/account')).text).not.toContain(OPERATOR)
    const before = await state()
    for (const path of PAGES) {
      const page = await alice.get(`${OPERATOR}${path}`)
      expect([path, page.status]).toEqual([path, 403])
      expect(page.text).not.toMatch(/operator|globex/i)
    }
    for (const [path, form] of Object.entries(FORMS))
      expect([path, (await send(alice, path, form)).status]).toEqual([path, 403])
    expect(await state()).toEqual(before)
    expect((await visitor(server).get(`${OPERATOR}/tenants`)).location).toMatch(/^\/console\/login\?/)
  })

  test('an operator finds the section beside every page, also beside a tenant’s', async () => {
    for (const path of ['/console/t/globex_test', '/console/account', `${OPERATOR}/tenants`])
      expect((await bob.get(path)).text).toContain(`href="${OPERATOR}/migrations"`)
    expect((await bob.get(OPERATOR)).location).toBe(`${OPERATOR}/tenants`)
    for (const path of PAGES.slice(1)) expect([path, (await bob.get(`${OPERATOR}${path}`)).status]).toEqual([path, 200])
    expect((await bob.get(`${OPERATOR}/tenants/nobody`)).status).toBe(404)
  })

  test('D31: forged forms are refused: from elsewhere, without the token, with that of another session', async () => {
    const before = await state()
    const mallory = visitor(server)
    await mallory.signIn('bob', { fresh: '1' })
    const foreign = await mallory.csrf()
    for (const [path, form] of Object.entries(FORMS)) {
      const csrf = await bob.csrf()
      const url = `${OPERATOR}${path}`
      const codes = [
        (await bob.post(url, { ...form, csrf }, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }))
          .status,
        (await bob.post(url, { ...form, csrf }, {})).status,
        (await bob.post(url, form)).status,
        (await bob.post(url, { ...form, csrf: foreign })).status,
      ]
      expect([path, codes]).toEqual([path, [403, 403, 403, 403]])
    }
    expect(await state()).toEqual(before)
  })

  test('D31: every change needs a fresh sign-in, and what was typed is kept', async () => {
    const stale = visitor(server)
    await stale.signIn('bob')
    const before = await state()
    for (const [path, form] of Object.entries(FORMS)) {
      if (path === '/see-as/stop') continue
      const answer = await send(stale, path, form)
      expect([path, answer.status, answer.location]).toEqual([
        path,
        303,
        expect.stringMatching(/^\/console\/login\?fresh=1/),
      ])
    }
    const back = await send(stale, '/new-tenant', { slug: 'kept', name: 'Kept & co' })
    expect(decodeURIComponent(back.location ?? '')).toContain(`${OPERATOR}/new-tenant?slug=kept&name=Kept%20%26%20co`)
    expect(await state()).toEqual(before)
  })

  test('a tenant is made with an invitation of its first owner, whose link is shown once', async () => {
    const page = await send(bob, '/new-tenant', { slug: 'initech', name: 'Initech', owner: 'peter@initech.com' })
    expect(page.status).toBe(200)
    const link = /id="invitation">([^<]+)</.exec(page.text)?.[1] ?? ''
    expect(link).toContain(`${server.url}/console/invitation#v1.`)
    expect(page.headers.get('cache-control')).toBe('no-store')
    const [invitation] = await rows('SELECT email, role, inviter_member_id FROM gatehouse.invitations')
    expect(invitation).toEqual({ email: 'peter@initech.com', role: 'owner', inviter_member_id: null })
    const [audit] = await rows(
      "SELECT iss, sub, request_id IS NOT NULL AS traced FROM gatehouse.audit WHERE action = 'tenant.created' AND target = 'initech'",
    )
    expect(audit).toEqual({ iss: 'operator', sub: `${server.url}/dev|bob`, traced: true })
  })

  test('a mistyped tenant is shown again with what is wrong, and leaves nothing behind', async () => {
    const bad = await send(bob, '/new-tenant', { slug: 'hooli', owner: 'not an address' })
    expect(bad.status).toBe(422)
    expect(bad.text).toContain('value="hooli"')
    expect(bad.text).toContain('is no plain address')
    expect((await send(bob, '/new-tenant', { slug: '1st' })).text).toContain('aria-invalid="true"')
    expect((await send(bob, '/new-tenant', { slug: 'acme_test' })).status).toBe(409)
    expect((await state()).map(({ slug }) => slug)).not.toContain('hooli')
  })

  test('tenants are found by slug, name and domain, in pages', async () => {
    for (let at = 0; at < 26; at++)
      await send(bob, '/new-tenant', { slug: `many_${String(at).padStart(2, '0')}`, name: `Many % ${at}` })
    await rows(
      `INSERT INTO gatehouse.domains (id, tenant_id, domain, state, asserted_by) SELECT gen_random_uuid(), id, 'found-by.com', 'verified', '{oidc}'
       FROM gatehouse.tenants WHERE slug = 'many_07'`,
    )
    const slugsOf = ({ text }: { text: string }) => [...text.matchAll(/tenants\/(\w+)"/g)].map((match) => match[1])
    const find = async (query: string) => await bob.get(`${OPERATOR}/tenants?${query}`)
    expect(slugsOf(await find('q=FOUND-by'))).toEqual(['many_07'])
    expect(slugsOf(await find('q=many_25'))).toEqual(['many_25'])
    // What means something in a pattern means itself.
    expect(slugsOf(await find('q=%25+19'))).toEqual(['many_19'])
    expect(slugsOf(await find('q=nothing%20like%20it'))).toEqual([])
    const first = await find('q=many')
    expect(slugsOf(first)).toHaveLength(25)
    const older = /href="([^"]+)" rel="next"/.exec(first.text)?.[1]?.replaceAll('&#38;', '&') ?? ''
    const second = await bob.get(older)
    expect(slugsOf(second)).toEqual(['many_00'])
    expect(second.text).not.toContain('rel="next"')
    // A cursor of somebody's own making is the first page.
    expect(slugsOf(await find('q=many&after=%27%3B%20DROP'))).toHaveLength(25)
    expect(slugsOf(await find('status=deleted'))).toEqual([])
  }, 60_000)

  test('suspend needs a reason and a tick, ends access, and is undone; both are in the audit', async () => {
    const alice = visitor(server)
    await alice.signIn('alice')
    expect((await send(bob, '/tenants/acme_test/suspend', { suspend_reason: 'x' })).status).toBe(422)
    expect((await send(bob, '/tenants/acme_test/suspend', { suspend_reason: ' ', sure: 'yes' })).status).toBe(422)
    const done = await send(bob, '/tenants/acme_test/suspend', { suspend_reason: 'unpaid', sure: 'yes' })
    expect(done.location).toBe(`${OPERATOR}/tenants/acme_test?done=suspended`)
    expect((await alice.get('/console/t/acme_test')).status).toBe(403)
    expect((await bob.get(`${OPERATOR}/tenants/acme_test`)).text).toContain('Resume acme_test')
    await send(bob, '/tenants/acme_test/resume')
    await expect.poll(async () => (await alice.get('/console/t/acme_test')).status).toBe(200)
    const [row] = await rows("SELECT detail FROM gatehouse.audit WHERE action = 'tenant.suspended'")
    expect(row).toEqual({ detail: { reason: 'unpaid' } })
  })

  test('deletion needs the slug typed, waits, and is taken back', async () => {
    const wrong = await send(bob, '/tenants/initech/delete', { word: 'acme_test' })
    expect([wrong.status, wrong.text.includes('type initech')]).toEqual([422, true])
    // A link types nothing for them.
    expect((await bob.get(`${OPERATOR}/tenants/initech?word=initech`)).text).not.toContain('value="initech"')
    await send(bob, '/tenants/initech/delete', { word: 'initech' })
    const until = async () => (await state()).find(({ slug }) => slug === 'initech')?.delete_after
    expect(await until()).toBeInstanceOf(Date)
    expect((await bob.get(`${OPERATOR}/tenants/initech`)).text).toContain('Keep initech')
    await send(bob, '/tenants/initech/keep')
    expect(await until()).toBeNull()
  })

  test('providers show how they are doing and what they vouch for, and no secret', async () => {
    const { text } = await bob.get(`${OPERATOR}/providers`)
    expect(text).toContain('Made-up people, on this machine only.')
    expect(text).toContain(`JWTs of ${server.url}/dev`)
    expect(text).toMatch(/held, fetched/)
    for (const secret of server.config.sessionSecrets) expect(text).not.toContain(secret)
  })

  test('migrations show versions, who is behind, and what to run', async () => {
    expect((await bob.get(`${OPERATOR}/migrations`)).text).toContain('all up to date')
    await rows("UPDATE gatehouse.tenants SET schema_version = 0 WHERE slug = 'many_03'")
    const { text } = await bob.get(`${OPERATOR}/migrations`)
    expect(text).toContain('gatehouse migrate')
    expect(text).toMatch(/many_03.*no: 503/s)
  })

  test('D22: an operator who is blocked is out at the next request', async () => {
    const other = visitor(server)
    await other.signIn('bob')
    await rows(
      `INSERT INTO gatehouse.revocations (id, kind, digest) SELECT gen_random_uuid(), 'person', encode(sha256(convert_to($1, 'UTF8') || '\\x00'::bytea || convert_to($2, 'UTF8')), 'hex')`,
      [`${server.url}/dev`, 'bob'],
    )
    expect((await other.get(`${OPERATOR}/tenants`)).status).toBe(403)
    await rows('DELETE FROM gatehouse.revocations')
  })
})
