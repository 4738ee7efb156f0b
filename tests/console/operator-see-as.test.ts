import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { visitor, type Visitor } from './support.ts'

const COOKIE = 'gh_see_as'
const STOP = '/console/operator/see-as/stop'

describe.each(upperKinds)('an operator sees a tenant as its admin on %s', (kind) => {
  let server: RunningGatehouse
  let ahead = 0
  let bob: Visitor
  beforeAll(async () => {
    server = await startGatehouse({
      kind,
      env: { OPERATORS: 'development:bob@globex.test' },
      parts: { clock: { now: () => Date.now() + ahead } },
    })
    const alice = visitor(server)
    await alice.signIn('alice')
    // She makes her tenant by coming.
    await alice.get('/console')
  }, 90_000)
  afterAll(async () => await server?.close())
  beforeEach(async () => {
    ahead = 0
    await allow(true)
    bob = visitor(server)
    await bob.signIn('bob', { fresh: '1' })
  })

  const allow = async (on: boolean): Promise<unknown> =>
    await server.database.sql("UPDATE gatehouse.tenants SET operator_access = $1 WHERE slug = 'acme_test'", [on])
  const begin = async (who: Visitor, reason = 'ticket 7') =>
    await who.post('/console/operator/tenants/acme_test/see-as', { csrf: await who.csrf(), reason })
  const actions = async () =>
    (
      await server.database.sql<{ action: string; page: string | null; how: string | null }>(
        `SELECT action, detail->>'page' AS page, detail->>'how' AS how FROM gatehouse.audit
         WHERE action LIKE 'see_as.%' AND tenant_id = (SELECT id FROM gatehouse.tenants WHERE slug = 'acme_test') ORDER BY id`,
      )
    ).map(({ action, page, how }) => [action, page ?? how])

  test('D37: begins with a reason where the tenant allows it, else says what its owner has to do', async () => {
    await allow(false)
    expect((await bob.get('/console/operator/tenants/acme_test')).text).toMatch(
      /An owner has to turn on operator access/,
    )
    const refused = await begin(bob)
    expect([refused.status, bob.jar.has(COOKIE)]).toEqual([403, false])
    expect(refused.text).toContain('an owner has to turn on operator access')
    await allow(true)
    expect((await begin(bob, ' ')).status).toBe(422)
    const begun = await begin(bob)
    expect([begun.status, begun.location]).toEqual([303, '/console/t/acme_test'])
    expect(begun.cookies.find((cookie) => cookie.startsWith(COOKIE))).toMatch(/Path=\/console; HttpOnly; SameSite=Lax/)
  })

  test('D37: every page of the tenant says who, why, until when, and has the way out; the audit has each', async () => {
    await begin(bob)
    const before = (await actions()).length
    for (const path of ['', '/people', '/people/invitations']) {
      const { status, text } = await bob.get(`/console/t/acme_test${path}`)
      expect([path, status]).toEqual([path, 200])
      expect(text).toMatch(/Operator view, read only\..*bob@globex\.test.*ticket 7/s)
      expect(text).toContain(`action="${STOP}"`)
    }
    // As an admin sees it: other people's addresses, the way to the audit.
    expect((await bob.get('/console/t/acme_test/people')).text).toContain('alice@acme.test')
    expect((await actions()).slice(before).map(([action, page]) => `${action} ${page}`)).toEqual([
      'see_as.viewed /console/t/acme_test',
      'see_as.viewed /console/t/acme_test/people',
      'see_as.viewed /console/t/acme_test/people/invitations',
    ])
    const other = await bob.get('/console/t/globex_test')
    expect([other.status, other.text.includes('Operator view')]).toEqual([200, false])
  })

  test('D37: no form works, whichever page it is on, and nothing is changed', async () => {
    await begin(bob)
    const { pages, forms } = await crawl(bob, '/console/t/acme_test')
    expect(pages.length).toBeGreaterThan(4)
    expect(forms.length).toBeGreaterThan(2)
    const csrf = await bob.csrf()
    const before = await picture()
    for (const form of forms) {
      const answer = await bob.post(form, { csrf, email: 'x@acme.test', role: 'member', domain: 'x.com', sure: 'yes' })
      expect([form, answer.status]).toEqual([form, 403])
      expect(answer.text).toContain('nothing can be changed')
    }
    expect(await picture()).toEqual(before)
  })

  /** Every page that links lead to from here, and every form on them that is sent to this tenant. */
  async function crawl(who: Visitor, root: string) {
    const [waiting, pages, forms] = [[root], new Set<string>(), new Set<string>()]
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (pages.has(path)) continue
      pages.add(path)
      const { status, text } = await who.get(path)
      // Pages of sections that are not built yet, and those that begin with proving who one is.
      if (status === 404 || status === 303) continue
      expect([path, status, text.includes('Operator view')]).toEqual([path, 200, true])
      for (const [, attributes = ''] of text.matchAll(/<form([^>]*)>/g)) {
        const action = /action="([^"]+)"/.exec(attributes)?.[1] ?? ''
        if (/method="post"/.test(attributes) && action.startsWith(root)) forms.add(action)
      }
      for (const [, href = ''] of text.matchAll(/href="([^"#?]+)/g)) if (href.startsWith(`${root}/`)) waiting.push(href)
    }
    return { pages: [...pages], forms: [...forms] }
  }

  /** All that an admin could change. */
  async function picture(): Promise<unknown> {
    const tables = ['tenants', 'domains', 'members', 'invitations', 'api_keys']
    return await Promise.all(
      tables.map(async (table) => await server.database.sql(`SELECT * FROM gatehouse.${table} ORDER BY id`)),
    )
  }

  test('D37: stop ends it at once, and is noted', async () => {
    await begin(bob)
    expect((await bob.get('/console/t/acme_test')).status).toBe(200)
    const stopped = await bob.post(STOP, { csrf: await bob.csrf() })
    expect(stopped.location).toBe('/console/operator/tenants/acme_test?done=stopped')
    expect(bob.jar.has(COOKIE)).toBe(false)
    expect((await bob.get('/console/t/acme_test')).status).toBe(403)
    expect((await actions()).at(-1)).toEqual(['see_as.ended', 'stopped'])
  })

  test('D37: an owner who turns operator access off ends every look, for good and noted, though it be turned on again', async () => {
    const alice = visitor(server)
    await alice.signIn('alice', { fresh: '1' })
    const turn = async (on: boolean) =>
      await alice.post('/console/t/acme_test/settings/switches', {
        csrf: await alice.csrf(),
        switches: '1',
        ...(on ? { operator_access: 'on' } : {}),
      })
    for (const between of [true, false]) {
      await begin(bob)
      const kept = bob.jar.get(COOKIE) ?? ''
      expect((await bob.get('/console/t/acme_test')).status).toBe(200)
      const before = (await actions()).length
      expect((await turn(false)).status).toBe(303)
      if (between) {
        const page = await bob.get('/console/t/acme_test')
        expect([page.status, page.text.includes('operator access'), bob.jar.has(COOKIE)]).toEqual([403, true, false])
      }
      expect((await turn(true)).status).toBe(303)
      bob.jar.set(COOKIE, kept)
      for (const _ of [1, 2]) {
        const page = await bob.get('/console/t/acme_test')
        expect([page.status, bob.jar.has(COOKIE)]).toEqual([403, false])
        bob.jar.set(COOKIE, kept)
      }
      expect((await actions()).slice(before)).toEqual([['see_as.ended', 'withdrawn']])
      bob.jar.delete(COOKIE)
    }
  })

  test('D37: a look that was stopped is over for a copy of its cookie, too; another look and signing out end it, noted', async () => {
    await begin(bob)
    const kept = bob.jar.get(COOKIE) ?? ''
    await bob.post(STOP, { csrf: await bob.csrf() })
    bob.jar.set(COOKIE, kept)
    const again = await bob.get('/console/t/acme_test')
    expect([again.status, again.text.includes('alice@acme.test')]).toEqual([403, false])
    await begin(bob, 'ticket 8')
    await begin(bob, 'ticket 9')
    expect((await bob.get('/console/t/acme_test')).text).toContain('ticket 9')
    const last = (await actions()).filter(([action]) => action !== 'see_as.viewed').slice(-2)
    expect(last).toContainEqual(['see_as.began', null])
    expect(last).toContainEqual(['see_as.ended', 'left'])
    await bob.post('/console/logout', { csrf: await bob.csrf() })
    expect([bob.jar.has(COOKIE), (await actions()).at(-1)]).toEqual([false, ['see_as.ended', 'left']])
  })

  test('D37: it is over after 30 minutes, which is noted, and the next page is told so', async () => {
    await begin(bob)
    ahead = 30 * 60_000 + 1_000
    const over = await bob.get('/console/t/acme_test')
    expect([over.status, over.text.includes('are over')]).toEqual([403, true])
    expect(bob.jar.has(COOKIE)).toBe(false)
    expect((await actions()).at(-1)).toEqual(['see_as.ended', 'over'])
    expect((await bob.get('/console/t/acme_test')).text).not.toContain('Operator view')
  })

  test('D25: the cookie is worth nothing in another session, for another tenant, or changed', async () => {
    await begin(bob)
    const cookie = bob.jar.get(COOKIE) ?? ''
    const [alice, again] = [visitor(server), visitor(server)]
    await alice.signIn('alice')
    await again.signIn('bob')
    for (const who of [alice, again]) who.jar.set(COOKIE, cookie)
    expect((await alice.get('/console/t/acme_test')).text).not.toContain('Operator view')
    expect((await again.get('/console/t/acme_test')).status).toBe(403)
    bob.jar.set(COOKIE, cookie.replace('acme_test', 'globex_test'))
    expect((await bob.get('/console/t/globex_test')).text).not.toContain('Operator view')
    bob.jar.set(COOKIE, `${cookie.slice(0, -2)}AA`)
    expect((await bob.get('/console/t/acme_test')).status).toBe(403)
  })

  test('a look opens nothing but the console: not /api, not /mcp', async () => {
    await begin(bob)
    const cookie = [...bob.jar].map(([name, value]) => `${name}=${value}`).join('; ')
    for (const path of ['/api/v1/whoami', '/t/acme_test/mcp'])
      expect(
        (await fetch(`${server.url}${path}`, { method: path.startsWith('/api') ? 'GET' : 'POST', headers: { cookie } }))
          .status,
      ).toBe(401)
  })
})
