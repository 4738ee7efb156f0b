import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { until } from '../support/until.ts'
import { readable, signedInAs, visitor, type Visitor } from './support.ts'

const PAGE = '/console/invitation'
const COOKIE = 'gh_invitation'
const FORGED = [
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  {},
] as const

describe.each(upperKinds)('accepting an invitation on %s', (kind) => {
  let server: RunningGatehouse
  let alice: Visitor
  let count = 0

  beforeAll(async () => {
    server = await startGatehouse({ kind, env: { UNMAPPED_DOMAINS: 'reject' } })
    await visitor(server).signIn('alice')
    alice = visitor(server)
    await alice.signIn('alice', { fresh: '1' })
    await alice.get('/console')
  }, 90_000)
  afterAll(async () => await server?.close())

  const invite = async (email: string, role = 'member', tenant = 'acme_test'): Promise<string> => {
    const ran = await gatehouse(server, ['member', 'invite', tenant, email, '--role', role, '--json'])
    return (ran.json() as { link: string }).link
  }
  const tokenOf = (link: string): string => link.slice(link.indexOf('#') + 1)
  const guest = (): { sub: string; email: string; name: string } => {
    count += 1
    return { sub: `guest-${count}`, email: `guest-${count}@guests.test`, name: `Guest ${count}` }
  }
  const open = async (who: Visitor, link: string, headers?: Record<string, string>) =>
    await who.post(PAGE, { invitation: link }, headers)
  const accept = async (who: Visitor) => await who.post(`${PAGE}/accept`, { csrf: await who.csrf() })

  test('the whole story, of two people with two browsers and no script', async () => {
    const csrf = await alice.csrf()
    const form = { csrf, email: 'bob@globex.test', role: 'viewer', life: '7' }
    const made = await alice.post('/console/t/acme_test/people/invite', form)
    const link = /<pre id="link">([^<]+)</.exec(made.text)?.[1] ?? ''
    expect(link).toMatch(new RegExp(`^${server.url}${PAGE}#v1\\.`))

    const bob = visitor(server)
    // What a browser asks for: the part behind the # stays with it.
    const first = await bob.get(new URL(link).pathname)
    expect([first.status, readable(first.text)]).toEqual([200, expect.stringContaining('Paste the link you were sent')])
    const opened = await open(bob, ` ${link}\n`)
    expect([opened.status, opened.location]).toEqual([303, PAGE])
    expect(opened.cookies[0]).toMatch(/^gh_invitation=v1\.[\w-]+; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/)
    const before = readable((await bob.get(PAGE)).text)
    expect(before).toMatch(/You are invited.*Continue with/)
    expect(before).not.toMatch(/Acme|acme|Alice/)

    // The sign-in on the way loses nothing, and the token stands in no address.
    const back = await bob.signIn('bob', { return_to: PAGE })
    expect(back.location).toBe(PAGE)
    const asked = readable((await bob.get(PAGE)).text)
    expect(asked).toMatch(/Join .*\? .*Alice Archer invites you to .* as viewer.*reads, and changes nothing/)
    expect(asked).toContain('bob@globex.test')
    expect((await bob.get('/console/t/acme_test')).status).toBe(403)

    const joined = await accept(bob)
    expect([joined.status, joined.location]).toEqual([303, '/console/t/acme_test?done=joined'])
    expect(bob.jar.has(COOKIE)).toBe(false)
    await until(async () => (await bob.get('/console/t/acme_test')).status === 200)
    expect(readable((await bob.get('/console/t/acme_test?done=joined')).text)).toMatch(
      /You are a viewer here.*You belong here now/,
    )
    const list = readable((await alice.get('/console/t/acme_test/people/invitations')).text)
    expect(list).toMatch(/bob@globex\.test.*accepted/)
    expect(readable((await alice.get('/console/t/acme_test/people?q=bob')).text)).toMatch(/Bob Bridge.*by invitation/)
    const log = server.lines.join('')
    expect([log.includes(tokenOf(link)), log.includes('/console/invitation')]).toEqual([false, true])
  })

  test('D9: somebody without any organisation accepts, and is at home there', async () => {
    const person = guest()
    const who = signedInAs(server, person)
    await open(who, await invite(person.email))
    expect(readable((await who.get(PAGE)).text)).toContain('An administrator invites you to')
    expect((await accept(who)).location).toBe('/console/t/acme_test?done=joined')
    await until(async () => (await who.get('/console')).location === '/console/t/acme_test')
  })

  test('D9: opening a link, looking at it and putting it off change nothing', async () => {
    const person = guest()
    const who = signedInAs(server, person)
    await open(who, await invite(person.email))
    await who.get(PAGE)
    await who.get(`${PAGE}/accept`)
    expect((await who.post(`${PAGE}/later`, { csrf: await who.csrf() })).location).toBe('/console')
    expect(who.jar.has(COOKIE)).toBe(false)
    expect((await accept(who)).location).toBe(PAGE)
    expect((await who.get('/console/t/acme_test')).status).toBe(403)
  })

  test('D31: nothing is taken from another site, without the form token, or with that of another session', async () => {
    const person = guest()
    const link = await invite(person.email)
    const who = signedInAs(server, person)
    for (const headers of FORGED) expect((await open(who, link, headers)).status).toBe(403)
    expect(who.jar.has(COOKIE)).toBe(false)
    await open(who, link)
    for (const path of ['accept', 'later']) {
      for (const headers of FORGED)
        expect((await who.post(`${PAGE}/${path}`, { csrf: await who.csrf() }, headers)).status).toBe(403)
      for (const csrf of ['', await alice.csrf()])
        expect((await who.post(`${PAGE}/${path}`, { csrf })).status).toBe(403)
    }
    expect(who.jar.has(COOKIE)).toBe(true)
    expect((await who.get('/console/t/acme_test')).status).toBe(403)
    const nobody = visitor(server)
    await open(nobody, link)
    expect((await nobody.post(`${PAGE}/accept`, { csrf: '' })).location).toMatch(/^\/console\/login/)
  })

  test.each([
    ['another address', { email: 'thief@guests.test' }, true, 'is for another address'],
    ['no address', { email: null }, true, 'vouches for no verified address'],
    ['an address nobody verified', {}, false, 'vouches for no verified address'],
  ])(
    'D9: in the hands of %s it is worth nothing, says why, and offers another account',
    async (_, other, verified, why) => {
      const person = guest()
      const link = await invite(person.email)
      const thief = signedInAs(server, { ...person, ...other }, { verified })
      await open(thief, link)
      const page = await thief.get(PAGE)
      expect([page.status, readable(page.text)]).toEqual([403, expect.stringContaining(why)])
      expect(readable(page.text)).not.toMatch(/acme/i)
      expect(page.text).toContain('name="fresh" value="1"')
      expect((await accept(thief)).status).toBe(403)
      // Whom it is for signs in in the same browser, and goes on.
      const who = signedInAs(server, person)
      who.jar.set(COOKIE, thief.jar.get(COOKIE) ?? '')
      expect((await accept(who)).status).toBe(303)
    },
  )

  test('used, revoked and expired links, and those of nobody, say the same and are forgotten', async () => {
    const [used, revoked, expired] = [guest(), guest(), guest()]
    const links = [await invite(used.email), await invite(revoked.email), await invite(expired.email)]
    const first = signedInAs(server, used)
    await open(first, links[0] ?? '')
    await accept(first)
    await gatehouse(server, ['member', 'remove', 'acme_test', used.email, '--yes'])
    await gatehouse(server, ['member', 'uninvite', 'acme_test', revoked.email])
    await server.database.sql(`UPDATE gatehouse.invitations SET expires_at = now() WHERE email = $1`, [expired.email])
    const cases = [
      [used, links[0]],
      [revoked, links[1]],
      [expired, links[2]],
      [guest(), `v1.${'A'.repeat(120)}`],
    ] as const
    const told = new Set<string>()
    for (const [person, link = ''] of cases) {
      const who = signedInAs(server, person)
      await open(who, link)
      expect((await accept(who)).status).toBe(404)
      await open(who, link)
      const page = await who.get(PAGE)
      expect(page.status).toBe(404)
      told.add(readable(page.text).replaceAll(person.email, ''))
      expect(who.jar.has(COOKIE)).toBe(false)
    }
    expect(told.size).toBe(1)
    expect([...told][0]).toContain('This invitation was used, revoked or has expired')
  })

  test.each([
    ['nothing', ''],
    ['the first letters of one', 'v1.'],
    ['another address', 'https://evil.example/'],
    ['markup', 'v1.<script>'],
    ['too long', `v1.${'x'.repeat(400)}`],
  ])('what is no link is not kept: %s', async (_, text) => {
    const who = visitor(server)
    const page = await open(who, text)
    expect([page.status, page.cookies]).toEqual([422, []])
    expect(page.text).toContain('role="alert"')
    expect(page.text).not.toContain('<script>v')
  })

  test('who belongs already is told so, and keeps their role', async () => {
    const person = guest()
    const line = ['member', 'add', 'acme_test', `development:${person.sub}`, '--role', 'viewer']
    await gatehouse(server, [...line, '--email', person.email])
    const who = signedInAs(server, person)
    await open(who, await invite(person.email, 'admin'))
    expect((await accept(who)).status).toBe(409)
    await open(who, await invite(guest().email))
    await open(
      who,
      (
        (await gatehouse(server, ['member', 'reinvite', 'acme_test', person.email, '--json'])).json() as {
          link: string
        }
      ).link,
    )
    expect(readable((await who.get(PAGE)).text)).toContain('You belong to')
    expect(readable((await who.get('/console/account')).text)).toMatch(/acme_test, home viewer/)
  })

  test('the page allows its own script only', async () => {
    const page = await visitor(server).get(PAGE)
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/script-src 'sha256-/)
    expect([policy.includes('unsafe'), page.headers.get('referrer-policy')]).toEqual([false, 'same-origin'])
    const answer = await fetch(`${server.url}${PAGE}/accept`)
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })
})
