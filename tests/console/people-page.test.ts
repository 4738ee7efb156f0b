import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { until } from '../support/until.ts'
import { readable, signedInAs, visitor, type Visitor } from './support.ts'

const PEOPLE = '/console/t/acme_test/people'
const FORGED = [
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  {},
] as const

describe.each(upperKinds)('the People page on %s', (kind) => {
  let server: RunningGatehouse
  let owner: Visitor
  let admin: Visitor
  let count = 0

  beforeAll(async () => {
    server = await startGatehouse({ kind })
    // Their tenants are made when they are first seen.
    for (const name of ['alice', 'bob']) {
      const who = visitor(server)
      await who.signIn(name)
      await who.get('/console')
    }
    await add('dan', 'admin')
    owner = signedInAs(server, { sub: 'alice', email: 'alice@acme.test', name: 'Alice Archer' })
    admin = signedInAs(server, { sub: 'dan', email: 'dan@acme.test', name: 'Dan' })
  }, 90_000)
  afterAll(async () => await server?.close())

  async function add(sub: string, role: string, tenant = 'acme_test'): Promise<string> {
    const line = ['member', 'add', tenant, `development:${sub}`, '--role', role, '--email', `${sub}@guests.test`]
    const ran = await gatehouse(server, [...line, '--name', `The ${sub}`, '--json'])
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    return (ran.json() as { id: string }).id
  }
  const somebody = async (role = 'member'): Promise<string> => await add(`person-${(count += 1)}`, role)
  async function asks(): Promise<string> {
    const id = await somebody()
    await server.database.sql(
      `UPDATE gatehouse.members SET status = 'requested', source = 'domain', evidence = 'guests.test' WHERE id = $1`,
      [id],
    )
    return id
  }
  async function row(id: string): Promise<{ role: string; status: string } | undefined> {
    const [found] = await server.database.sql<{ role: string; status: string }>(
      'SELECT role, status, tokens_not_before IS NOT NULL AS signed_out, declined_until IS NOT NULL AS declined FROM gatehouse.members WHERE id = $1',
      [id],
    )
    return found
  }
  const send = async (
    who: Visitor,
    path: string,
    form: Record<string, string> = {},
    headers?: Record<string, string>,
  ) => await who.post(`${PEOPLE}${path}`, { csrf: await who.csrf(), ...form }, headers)

  test('an owner sees everybody, how they came and as what, and finds them by name, role and state', async () => {
    const id = await add('zoe', 'viewer')
    const all = readable((await owner.get(PEOPLE)).text)
    expect(all).toMatch(/Alice Archer \(you\).*alice@acme\.test.*owner.*development sign-in/)
    expect(all).toMatch(/The zoe.*zoe@guests\.test.*viewer.*let in by hand/)
    const searched = (await owner.get(`${PEOPLE}?q=ZOE&role=viewer`)).text
    expect(searched).toContain(`${PEOPLE}/${id}`)
    expect(readable(searched)).not.toContain('Alice Archer (you)')
    const nobody = readable((await owner.get(`${PEOPLE}?q=${encodeURIComponent('<b>zoe')}`)).text)
    expect(nobody).toContain('Nobody is found')
    expect((await owner.get(`${PEOPLE}?q=${encodeURIComponent('<b>zoe')}`)).text).not.toContain('<b>zoe')
    expect((await owner.get(`${PEOPLE}?after=x`)).status).toBe(422)
  })

  test('a long list comes in pages that keep what was looked for', async () => {
    for (let n = 0; n < 26; n++) await add(`crowd-${n}`, 'viewer')
    const first = (await owner.get(`${PEOPLE}?q=crowd`)).text
    const next = /href="([^"]+)" rel="next"/.exec(first)?.[1]?.replaceAll('&#38;', '&') ?? ''
    expect(next).toContain('q=crowd')
    const seen = [...`${first}${(await owner.get(next)).text}`.matchAll(/>The (crowd-\d+)</g)].map(([, name]) => name)
    expect([seen.length, new Set(seen).size]).toEqual([26, 26])
  })

  test.each(['member', 'viewer'])('a %s sees themself alone, and how to leave', async (role) => {
    const sub = `lonely-${role}`
    const id = await add(sub, role)
    const who = signedInAs(server, { sub, email: null })
    const page = readable((await who.get(PEOPLE)).text)
    expect(page).toMatch(new RegExp(`Your membership.*Role ${role}.*Let in by hand.*Leave`))
    expect(page).not.toContain('Alice')
    const other = await somebody()
    for (const path of ['/requests', '/invitations', '/invite', `/${id}`, `/${other}`])
      expect([path, (await who.get(`${PEOPLE}${path}`)).status]).toEqual([path, 403])
    for (const [path, form] of acts(other)) expect([path, (await send(who, path, form)).status]).toEqual([path, 403])
    expect(await row(other)).toMatchObject({ role: 'member', status: 'active', signed_out: false })
  })

  const acts = (id: string): readonly (readonly [string, Record<string, string>])[] => [
    [`/${id}/role`, { role: 'admin' }],
    [`/${id}/sign-out`, {}],
    [`/${id}/remove`, { sure: 'yes' }],
    [`/${id}/approve`, { role: 'member' }],
    [`/${id}/decline`, {}],
    ['/invite', { email: 'forged@guests.test', role: 'admin', life: '7' }],
    ['/invitations/resend', { invitation: id }],
    ['/invitations/revoke', { invitation: id }],
  ]

  test('D31: no form is taken from another site, without its token, or with that of another session', async () => {
    const id = await somebody()
    const other = await admin.csrf()
    for (const [path, form] of acts(id)) {
      for (const headers of FORGED) expect((await send(owner, path, form, headers)).status).toBe(403)
      for (const csrf of ['', 'x', other]) expect((await send(owner, path, { ...form, csrf })).status).toBe(403)
    }
    expect(await row(id)).toEqual({ role: 'member', status: 'active', signed_out: false, declined: false })
    const made = await server.database.sql(`SELECT 1 FROM gatehouse.invitations WHERE email = 'forged@guests.test'`)
    expect(made).toEqual([])
  })

  test('the people of another tenant are unknown, by every way', async () => {
    const id = await add('stranger', 'member', 'globex_test')
    expect((await owner.get(`${PEOPLE}/${id}`)).status).toBe(404)
    for (const [path, form] of acts(id).filter(([path]) => path !== '/invite'))
      expect([path, (await send(owner, path, form)).status]).toEqual([path, 404])
    expect(await row(id)).toMatchObject({ role: 'member', status: 'active', signed_out: false })
    for (const odd of ['stranger@guests.test', 'development:stranger', '1'])
      expect((await owner.get(`${PEOPLE}/${encodeURIComponent(odd)}`)).status).toBe(404)
    const bob = signedInAs(server, { sub: 'bob', email: 'bob@globex.test' })
    expect((await bob.get(PEOPLE)).status).toBe(403)
  })

  test('D31: role, removal, approval and invitations ask for a fresh sign-in, and keep what was chosen', async () => {
    const id = await somebody()
    const stale = signedInAs(server, { sub: 'alice', email: 'alice@acme.test' }, { fresh: false })
    expect(readable((await stale.get(`${PEOPLE}/${id}`)).text)).toContain('asked to sign in once more')
    const asked = await send(stale, `/${id}/role`, { role: 'admin' })
    const back = new URL(asked.location ?? '', server.url).searchParams.get('return_to') ?? ''
    expect([asked.status, back]).toEqual([303, expect.stringMatching(/^.*\?role=admin&again=[\w-]{43}$/)])
    expect(asked.location).toBe(`/console/login?fresh=1&return_to=${encodeURIComponent(back)}`)
    for (const [path, form] of acts(id).filter(([path]) => !/sign-out|decline|revoke/.test(path)))
      expect([path, (await send(stale, path, form)).location?.slice(0, 22)]).toEqual([path, '/console/login?fresh=1'])
    expect((await stale.get(`${PEOPLE}/invite`)).location).toMatch(/^\/console\/login\?fresh=1/)
    expect(await row(id)).toMatchObject({ role: 'member', status: 'active' })
    const came = await visitorBack(back)
    expect(came).toMatch(/Nothing was done yet/)
    expect(came).toMatch(/<option value="admin"\s+selected/)
  })
  async function visitorBack(to: string): Promise<string> {
    const who = visitor(server)
    const page = await who.signIn('alice', { return_to: to, fresh: '1' })
    expect(page.location).toBe(to)
    return (await who.get(to)).text
  }

  test('an admin changes roles up to admin; owners are for owners', async () => {
    const id = await somebody()
    expect((await send(admin, `/${id}/role`, { role: 'admin' })).location).toBe(`${PEOPLE}/${id}?done=role`)
    expect(await row(id)).toMatchObject({ role: 'admin' })
    expect((await admin.get(`${PEOPLE}/${id}?done=role`)).text).toContain('The role is changed')
    expect((await send(admin, `/${id}/role`, { role: 'owner' })).status).toBe(403)
    expect((await admin.get(`${PEOPLE}/${id}`)).text).not.toContain('value="owner"')
    expect((await send(admin, `/${id}/role`, { role: 'emperor' })).status).toBe(422)
    const boss = await somebody('owner')
    expect(readable((await admin.get(`${PEOPLE}/${boss}`)).text)).toContain('Only owners change the role of an owner')
    for (const [path, form] of acts(boss).slice(0, 3)) expect((await send(admin, path, form)).status).toBe(403)
    expect(await row(boss)).toMatchObject({ role: 'owner', status: 'active', signed_out: false })
    expect((await send(owner, `/${boss}/role`, { role: 'viewer' })).status).toBe(303)
    expect(await row(boss)).toMatchObject({ role: 'viewer' })
  })

  test('the last owner is told why their role stays', async () => {
    const sub = 'last'
    await gatehouse(server, ['tenant', 'create', `solo_${kind}_test`])
    const id = await add(sub, 'owner', `solo_${kind}_test`)
    const people = `/console/t/solo_${kind}_test/people`
    const last = signedInAs(server, { sub, email: null })
    expect(readable((await last.get(`${people}/${id}`)).text)).toContain('You are the last owner')
    const answer = await last.post(`${people}/${id}/role`, { csrf: await last.csrf(), role: 'viewer' })
    expect([answer.status, readable(answer.text)]).toEqual([409, expect.stringContaining('is the last owner')])
    const removed = await last.post(`${people}/${id}/remove`, { csrf: await last.csrf(), sure: 'yes' })
    expect(removed.status).toBe(409)
  })

  test('removing asks for the box, ends the access, and says how they come back', async () => {
    const id = await add('leaver', 'member')
    const leaver = signedInAs(server, { sub: 'leaver', email: null })
    expect((await leaver.get(PEOPLE)).status).toBe(200)
    const unsure = await send(owner, `/${id}/remove`)
    expect([unsure.status, unsure.text]).toEqual([422, expect.stringContaining('id="sure-wrong"')])
    expect(await row(id)).toMatchObject({ status: 'active' })
    expect((await send(owner, `/${id}/remove`, { sure: 'yes' })).location).toBe(`${PEOPLE}?done=removed`)
    await until(async () => (await leaver.get(PEOPLE)).status === 403)
    expect(readable((await owner.get(`${PEOPLE}?status=removed`)).text)).toContain('The leaver')
    expect((await owner.get(`${PEOPLE}/${id}`)).text).toContain(`${PEOPLE}/invite?email=leaver%40guests.test`)
  })

  test('D22: signing somebody out ends their sessions, and they can sign in again at once', async () => {
    const id = await add('loser', 'member')
    const before = signedInAs(server, { sub: 'loser', email: null })
    expect((await before.get(PEOPLE)).status).toBe(200)
    expect((await send(admin, `/${id}/sign-out`)).location).toBe(`${PEOPLE}/${id}?done=signed-out`)
    await until(async () => (await before.get(PEOPLE)).status === 403)
    expect((await signedInAs(server, { sub: 'loser', email: null }).get(PEOPLE)).status).toBe(200)
  })

  test('who asks to join is let in with a role, or declined', async () => {
    const [yes, no] = [await asks(), await asks()]
    const page = readable((await admin.get(`${PEOPLE}/requests`)).text)
    expect(page).toMatch(/Requests 2 .*as one of guests\.test/)
    expect((await send(admin, `/${yes}/approve`, { role: 'viewer' })).location).toBe(`${PEOPLE}/requests?done=approved`)
    expect((await send(admin, `/${no}/decline`)).location).toBe(`${PEOPLE}/requests?done=declined`)
    expect([await row(yes), await row(no)]).toMatchObject([
      { status: 'active', role: 'viewer' },
      { status: 'requested', declined: true },
    ])
    expect(readable((await admin.get(`${PEOPLE}/requests`)).text)).toMatch(/Requests 0 .*Nobody is waiting/)
    expect((await send(admin, `/${yes}/decline`)).status).toBe(409)
  })

  test('an invitation is made, its link shown once, made again and revoked', async () => {
    expect(readable((await admin.get(`${PEOPLE}/invitations`)).text)).toContain('Nobody was invited yet')
    expect((await admin.get(`${PEOPLE}/invite?email=ann%40guests.test`)).text).toContain('value="ann@guests.test"')
    const wanted = { email: 'ann@guests.test', role: 'member', life: '7' }
    const made = await send(admin, '/invite', wanted)
    expect(made.status).toBe(200)
    const link = /<pre id="link">([^<]+)</.exec(made.text)?.[1] ?? ''
    expect(link).toMatch(/\/console\/invitation#v1\.[\w-]+$/)
    expect(readable(made.text)).toMatch(/Dan invites you to .* as member\. Open this link and sign in with ann@guests/)
    const again = await send(admin, '/invite', wanted)
    expect([again.status, again.text]).toEqual([409, expect.stringContaining('id="email-wrong"')])
    expect((await send(admin, '/invite', { ...wanted, email: 'no address' })).status).toBe(422)
    expect((await send(admin, '/invite', { ...wanted, email: 'x@guests.test', role: 'owner' })).status).toBe(403)
    const list = (await admin.get(`${PEOPLE}/invitations`)).text
    expect(list).not.toContain(link.split('#')[1])
    const id = /name="invitation" value="([^"]+)"/.exec(list)?.[1] ?? ''
    const renewed = await send(admin, '/invitations/resend', { invitation: id })
    expect(renewed.text).toMatch(/<pre id="link">/)
    expect(renewed.text).not.toContain(link)
    expect((await send(admin, '/invitations/revoke', { invitation: id })).location).toContain('done=revoked')
    expect(readable((await admin.get(`${PEOPLE}/invitations?state=revoked`)).text)).toMatch(/ann@guests.*revoked/)
    expect((await send(admin, '/invitations/revoke', { invitation: id })).status).toBe(409)
    expect(server.lines.join('')).not.toContain(link.split('#')[1])
  })
})
