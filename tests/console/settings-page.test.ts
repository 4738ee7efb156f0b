import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { readable, signedInAs, visitor, type Visitor } from './support.ts'

const SETTINGS = '/console/t/acme_test/settings'
const FORGED = [
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  {},
] as const
/** What an admin may, too; it asks for no fresh sign-in. */
const ADMINS = ['/name', '/tools']
/** Every form of the page. */
const ACTS: readonly (readonly [string, Record<string, string>])[] = [
  ['/name', { name: 'Forged' }],
  ['/tools', { tools: '1', was_on: 'whoami' }],
  ['/switches', { switches: '1', mcp_admin: 'on', operator_access: 'on' }],
  ['/export', {}],
  ['/delete', { word: 'acme_test' }],
  ['/keep', {}],
]

describe.each(upperKinds)('the Settings page on %s', (kind) => {
  let server: RunningGatehouse
  const people: Record<string, Visitor> = {}
  let owner: Visitor

  beforeAll(async () => {
    server = await startGatehouse({ kind })
    for (const name of ['alice', 'bob']) {
      const who = visitor(server)
      await who.signIn(name)
      await who.get('/console')
    }
    for (const role of ['viewer', 'member', 'admin']) {
      const line = ['member', 'add', 'acme_test', `development:${role}-1`, '--role', role, '--json']
      await gatehouse(server, line)
      people[role] = signedInAs(server, { sub: `${role}-1`, email: null })
    }
    owner = signedInAs(server, { sub: 'alice', email: 'alice@acme.test', name: 'Alice Archer' })
  }, 90_000)
  afterAll(async () => await server?.close())

  const send = async (
    who: Visitor,
    path: string,
    form: Record<string, string> = {},
    headers?: Record<string, string>,
  ) => await who.post(`${SETTINGS}${path}`, { csrf: await who.csrf(), ...form }, headers)
  const state = async () => {
    const [row] = await server.database.sql(
      `SELECT name, mcp_admin, operator_access, tools_off, delete_after IS NOT NULL AS doomed FROM gatehouse.tenants WHERE slug = 'acme_test'`,
    )
    return row
  }
  const AS_MADE = { name: 'acme.test', mcp_admin: false, operator_access: false, tools_off: [], doomed: false }

  test('an owner reads what is set, who joins, the limits, and what each switch means', async () => {
    const page = await owner.get(SETTINGS)
    expect(page.status).toBe(200)
    const text = readable(page.text)
    expect(text).toMatch(/Who joins Who has an address at acme\.test joins by signing in, as member/)
    expect(text).toContain('A document it reads can talk it into things')
    expect(text).toContain('The audit log keeps who looked, why and at which pages')
    expect(text).toMatch(/Requests a minute, all together [\d,]+ Requests a minute, one person or key [\d,]+/)
    expect(text).toContain('It works on for 7 days')
    expect(page.text).toContain('href="/console/t/acme_test/domains"')
    expect(page.text).toContain('aria-current="page"')
    expect(page.text).not.toContain('is to be deleted')
  })

  test.each(['viewer', 'member', 'admin'])(
    'a %s reads it too, has no switch of an owner, and may leave',
    async (role) => {
      const who = people[role]
      if (who === undefined) throw new Error('nobody')
      const { text } = await who.get(SETTINGS)
      expect(readable(text)).toMatch(/Facts.*Limits.*Danger zone Leave/)
      expect(text).toContain('href="/console/account/leave?organisation=acme_test"')
      for (const below of ['switches', 'export', 'delete']) expect(text).not.toContain(`${SETTINGS}/${below}`)
      for (const below of ADMINS) expect(text.includes(`"${SETTINGS}${below}"`)).toBe(role === 'admin')
      for (const [path, form] of ACTS)
        if (!(role === 'admin' && ADMINS.includes(path)))
          expect([path, (await send(who, path, form)).status]).toEqual([path, 403])
      expect(await state()).toEqual(AS_MADE)
    },
  )

  test('somebody of another organisation finds nothing here', async () => {
    const bob = signedInAs(server, { sub: 'bob', email: 'bob@globex.test' })
    expect((await bob.get(SETTINGS)).status).toBe(403)
    for (const [path, form] of ACTS) expect((await send(bob, path, form)).status).toBe(403)
    expect(await state()).toEqual(AS_MADE)
  })

  test('D31: no form is taken from another site, without its token, or with that of another session', async () => {
    const other = (await people['admin']?.csrf()) ?? ''
    for (const [path, form] of ACTS) {
      for (const headers of FORGED) expect([path, (await send(owner, path, form, headers)).status]).toEqual([path, 403])
      for (const csrf of ['', 'x', other]) expect((await send(owner, path, { ...form, csrf })).status).toBe(403)
    }
    expect(await state()).toEqual(AS_MADE)
  })

  test('D31: switches, export, deletion and keeping wait for a fresh sign-in, and what was filled in is kept', async () => {
    const stale = signedInAs(server, { sub: 'alice', email: 'alice@acme.test' }, { fresh: false })
    for (const [path, form] of ACTS.filter(([path]) => !ADMINS.includes(path))) {
      const answer = await send(stale, path, form)
      expect([path, answer.status]).toEqual([path, 303])
      expect(answer.location).toMatch(/^\/console\/login\?.*settings/)
    }
    expect(await state()).toEqual(AS_MADE)
    expect((await stale.get(SETTINGS)).text).toContain('You will be asked to sign in once more')
    const { location } = await send(stale, '/switches', { switches: '1', mcp_admin: 'on' })
    const back = new URL(location ?? '', server.url).searchParams.get('return_to') ?? ''
    const again = (await owner.get(back)).text
    expect(readable(again)).toContain('Nothing was done yet')
    expect(again).toMatch(/name="mcp_admin"[^>]*checked/)
    expect(again).not.toMatch(/name="operator_access"[^>]*checked/)
  })

  test('the name changes for everybody; an empty one is told at its field, and shown again as typed', async () => {
    const long = 'x'.repeat(201)
    const refused = await send(owner, '/name', { name: long })
    expect(refused.status).toBe(422)
    expect(refused.text).toContain(long)
    expect(readable(refused.text)).toContain('Not done.')
    const done = await send(owner, '/name', { name: 'Acme <b>Ltd</b>' })
    expect([done.status, done.location]).toEqual([303, `${SETTINGS}?done=name`])
    const page = (await owner.get(done.location ?? '')).text
    expect(page).toContain('Acme &#60;b&#62;Ltd')
    expect(page).not.toContain('<b>Ltd')
    expect(await send(owner, '/name', { name: 'acme.test' })).toMatchObject({ status: 303 })
  })

  test('an owner turns the switches on and off', async () => {
    expect(await send(owner, '/switches', { switches: '1', operator_access: 'on' })).toMatchObject({ status: 303 })
    expect(await state()).toEqual({ ...AS_MADE, operator_access: true })
    expect(await send(owner, '/switches', { switches: '1', mcp_admin: 'on' })).toMatchObject({ status: 303 })
    expect(await state()).toEqual({ ...AS_MADE, mcp_admin: true })
    expect(readable((await owner.get(`${SETTINGS}?done=switches`)).text)).toContain(
      'It holds everywhere within a second',
    )
    await send(owner, '/switches', { switches: '1' })
    expect(await state()).toEqual(AS_MADE)
  })

  test('an admin unticks a tool and saves, as a browser without JavaScript sends it; what changed meanwhile stays', async () => {
    const admin = people['admin']
    if (admin === undefined) throw new Error('nobody')
    const off = async () => (await state())?.['tools_off']
    const valuesOf = (text: string, field: string): readonly string[] =>
      [...text.matchAll(new RegExp(`<input\\s[^>]*name="${field}"[^>]*>`, 'g'))]
        .map(([tag]) => tag)
        .filter((tag) => !tag.includes('type="checkbox"') || /\schecked/.test(tag))
        .map((tag) => /value="([^"]*)"/.exec(tag)?.[1] ?? '')
    /** Every field of the form as it stands on the page, but for these boxes. */
    const filled = async (text: string, untick: readonly string[], tick: readonly string[] = []) => {
      const form = new URLSearchParams({ csrf: await admin.csrf(), tools: '1' })
      for (const name of valuesOf(text, 'was_on')) form.append('was_on', name)
      for (const name of [...valuesOf(text, 'on').filter((each) => !untick.includes(each)), ...tick])
        form.append('on', name)
      return form
    }
    const first = (await admin.get(SETTINGS)).text
    expect(readable(first)).toContain('All tools are on.')
    expect(valuesOf(first, 'on')).toEqual(expect.arrayContaining(['delete_project', 'whoami', 'create_api_key']))
    expect(valuesOf(first, 'on')).toEqual(valuesOf(first, 'was_on'))
    const saved = await admin.post(`${SETTINGS}/tools`, await filled(first, ['delete_project']))
    expect([saved.status, saved.location]).toEqual([303, `${SETTINGS}?done=tools`])
    expect(await off()).toEqual(['delete_project'])
    const then = (await admin.get(saved.location ?? '')).text
    expect(readable(then)).toContain('Everybody here has these tools from now on, within a second.')
    expect(readable(then)).toMatch(/1 of \d+ is off\./)
    expect(valuesOf(then, 'on')).not.toContain('delete_project')
    // The page of before, sent once more with another box: the first one stays off, as it was on there in both.
    await admin.post(`${SETTINGS}/tools`, await filled(first, ['whoami']))
    expect(await off()).toEqual(['delete_project', 'whoami'])
    const wrong = await admin.post(`${SETTINGS}/tools`, await filled(then, [], ['drop_tables']))
    expect(wrong.status).toBe(422)
    expect(readable(wrong.text)).toContain('Not done. there is no tool "drop_tables"')
    const back = (await admin.get(SETTINGS)).text
    await admin.post(`${SETTINGS}/tools`, await filled(back, [], ['delete_project', 'whoami']))
    expect(await state()).toEqual(AS_MADE)
  })

  test('an owner downloads everything as a file with a name, which no cache keeps', async () => {
    const csrf = await owner.csrf()
    const answer = await fetch(`${server.url}${SETTINGS}/export`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        origin: server.url,
        'sec-fetch-site': 'same-origin',
        cookie: [...owner.jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      body: new URLSearchParams({ csrf }),
    })
    expect(answer.status).toBe(200)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/gzip',
      'content-disposition': expect.stringMatching(/^attachment; filename="acme_test-\d{4}-\d\d-\d\d\.tar\.gz"$/),
      'cache-control': 'no-store',
    })
    const tar = gunzipSync(Buffer.from(await answer.arrayBuffer())).toString()
    expect(tar).toMatch(/^manifest\.json\0/)
    expect(tar).toContain('"slug": "acme_test"')
    expect(tar).toContain('end.json')
  })

  test('deletion needs the slug, says when on every page to everybody, and an owner takes it back', async () => {
    for (const word of ['', 'acme', 'ACME_TEST']) {
      const refused = await send(owner, '/delete', { word })
      expect([word, refused.status]).toEqual([word, 422])
      expect(readable(refused.text)).toContain('Not done. type acme_test')
      expect(refused.text).toMatch(/<input\s+id="word"[^>]*aria-invalid="true"/)
    }
    expect(await state()).toEqual(AS_MADE)
    expect(await send(owner, '/delete', { word: 'acme_test' })).toMatchObject({
      status: 303,
      location: `${SETTINGS}?done=asked`,
    })
    expect(await state()).toEqual({ ...AS_MADE, doomed: true })
    for (const who of [owner, people['viewer']]) {
      for (const path of ['', '/people', '/settings']) {
        const page = readable((await who?.get(`/console/t/acme_test${path}`))?.text ?? '')
        expect(page).toMatch(/This organisation is to be deleted in [67] days , with everything in it/)
      }
      const shown = readable((await who?.get(SETTINGS))?.text ?? '')
      expect(shown).toMatch(/is deleted after \d{4}-\d\d-\d\d \d\d:\d\d UTC .*Asked for by development:alice/)
      expect(shown.includes('Keep acme.test')).toBe(who === owner)
    }
    expect(await send(owner, '/keep')).toMatchObject({ status: 303, location: `${SETTINGS}?done=kept` })
    expect(await state()).toEqual(AS_MADE)
    expect((await owner.get(SETTINGS)).text).not.toContain('is to be deleted')
  })
})
