/** The pages of API keys, without a script. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'
import { visitor, type Visitor } from './support.ts'

const KEYS = '/console/t/acme_test/keys'
const KEY = /gh_key_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9a-f]{8}/
let server: RunningGatehouse
let ahead = 0
const people: Record<string, Visitor> = {}
beforeAll(async () => {
  server = await startGatehouse({
    kind: upperKinds[0] ?? 'postgres',
    parts: { clock: { now: () => Date.now() + ahead } },
    env: { RATE_LIMIT: 'off' },
  })
  for (const who of ['alice', 'bob', 'carol']) {
    people[who] = visitor(server)
    await people[who].signIn(who, { fresh: '1' })
    await people[who].get('/console')
  }
  await gatehouse(server, 'member role acme_test development:carol member')
  await until(async () => (await as('carol').get(`${KEYS}/new`)).text.includes('projects:write'))
}, 60_000)
afterAll(async () => await server?.close())

const as = (who: string): Visitor => {
  const found = people[who]
  if (found === undefined) throw new Error(`nobody is ${who}`)
  return found
}
const form = { name: 'nightly export', access: 'read', expires_at: '90', requests_per_hour: '', cidrs: '' }
const send = async (who: Visitor, path: string, fields: Record<string, string>, headers?: Record<string, string>) =>
  await who.post(path, { csrf: await who.csrf(), ...fields }, headers)

async function make(who: Visitor, fields: Record<string, string> = {}): Promise<{ key: string; id: string }> {
  const { text } = await send(who, `${KEYS}/new`, { ...form, ...fields })
  const key = KEY.exec(text)?.[0] ?? ''
  return { key, id: key.split('_')[2] ?? '' }
}
const status = async (key: string): Promise<number> => (await rpc(server.mcp, key, 'tools/list')).status
const stored = async (id: string): Promise<Record<string, unknown> | undefined> =>
  (await server.database.sql(`SELECT * FROM gatehouse.api_keys WHERE id = $1`, [id]))[0]

describe('API keys in the console', () => {
  test('without any there is a way to the first one', async () => {
    const page = await as('carol').get(KEYS)
    expect(page.status).toBe(200)
    expect(page.text).toContain('No API keys')
    expect(page.text).toContain(`href="${KEYS}/new"`)
  })

  test('one is made, shown this once, works, and is nowhere else', async () => {
    const carol = as('carol')
    const made = await send(carol, `${KEYS}/new`, { ...form, requests_per_hour: '50', cidrs: '127.0.0.0/8, ::1' })
    expect(made.status).toBe(200)
    expect(made.headers.get('cache-control')).toContain('no-store')
    const [key = ''] = KEY.exec(made.text) ?? []
    const [, , id = '', secret = ''] = key.split('_')
    expect(made.text).toContain(`curl -s ${server.url}/t/acme_test/mcp`)
    expect(made.text).toContain('mcpServers')
    expect(made.text).toContain(`href="${KEYS}/${id}?done=stored"`)
    expect(await status(key)).toBe(200)
    expect(await stored(id)).toMatchObject({
      name: 'nightly export',
      requests_per_hour: 50,
      cidrs: ['127.0.0.0/8', '::1/128'],
    })
    for (const path of [KEYS, `${KEYS}/${id}`, `${KEYS}/new`, `${KEYS}?show=over`]) {
      const page = await carol.get(path)
      expect([path, page.status]).toEqual([path, 200])
      expect(page.text).not.toContain(secret)
    }
    expect((await carol.get(KEYS)).text).toContain(`gh_key_${id}_`)
    expect(server.lines.join('\n')).not.toContain(secret)
    expect(JSON.stringify(await server.database.sql('SELECT * FROM gatehouse.audit'))).not.toContain(secret)
  })

  test('what cannot be is told at the field, and what was typed stays', async () => {
    const refused = await send(as('carol'), `${KEYS}/new`, { ...form, name: '<b>x</b>', cidrs: 'everywhere' })
    expect(refused.status).toBe(422)
    expect(refused.text).toContain('href="#cidrs"')
    expect(refused.text).toMatch(/id="cidrs-wrong"[^<]*>[^<]*everywhere/)
    expect(refused.text).toContain('value="&#60;b&#62;x&#60;/b&#62;"')
    for (const [field, wrong] of [
      ['name', { name: ' ' }],
      ['scopes', { access: 'chosen' }],
      ['requests_per_hour', { requests_per_hour: '0' }],
      ['expires_at', { expires_at: '366' }],
      ['expires_at', { expires_at: 'never' }],
    ] as const) {
      const page = await send(as('carol'), `${KEYS}/new`, { ...form, ...wrong })
      expect([field, page.status, page.text.includes(`href="#${field}"`)]).toEqual([field, 422, true])
      expect(page.text).not.toMatch(KEY)
    }
  })

  test('D23: a preset gives at most what the person may; a scope above it is refused', async () => {
    const read = await make(as('carol'))
    expect((await stored(read.id))?.['scopes']).toEqual(['documents:read', 'projects:read', 'todos:read'])
    const all = await make(as('carol'), { access: 'all' })
    expect((await stored(all.id))?.['scopes']).not.toContain('tenant:admin')
    const owners = await make(as('alice'), { access: 'all' })
    expect((await stored(owners.id))?.['scopes']).toEqual(expect.arrayContaining(['audit:read', 'tenant:admin']))
    expect((await stored(owners.id))?.['scopes']).not.toContain('tenant:owner')
    expect((await as('alice').get(KEYS)).text).toContain(
      'changes documents, projects, todos; reads audit; tenant:admin',
    )
    expect((await as('carol').get(KEYS)).text).toContain('>reads documents, projects, todos<')
    const above = await send(as('carol'), `${KEYS}/new`, { ...form, access: 'chosen', scopes: 'tenant:admin' })
    expect(above.status).toBe(403)
    expect(above.text).not.toMatch(KEY)
  })

  test('D12: a member sees their own, an admin all; to others a key is not there', async () => {
    const [mine, hers] = [await make(as('carol'), { name: 'of carol' }), await make(as('alice'), { name: 'of alice' })]
    expect((await as('carol').get(KEYS)).text).not.toContain('of alice')
    const all = (await as('alice').get(KEYS)).text
    expect(all).toContain('of alice')
    expect(all).toContain('of carol')
    for (const path of [`/${hers.id}`, '/000000000000', '/nonsense']) {
      const page = await as('carol').get(`${KEYS}${path}`)
      expect([path, page.status]).toEqual([path, 404])
      expect(page.text).not.toContain('of alice')
    }
    for (const [below, fields] of [
      ['revoke', { confirm: 'of alice' }],
      ['change', form],
      ['rotate', { overlap: '0', new_end: 'keep' }],
    ] as const)
      expect((await send(as('carol'), `${KEYS}/${hers.id}/${below}`, fields)).status).toBe(404)
    // Somebody of another tenant, by their own address and by this one.
    expect((await as('bob').get(`${KEYS}/${mine.id}`)).status).toBe(403)
    expect((await as('bob').get(`/console/t/globex_test/keys/${mine.id}`)).status).toBe(404)
    expect(
      (await send(as('bob'), `/console/t/globex_test/keys/${mine.id}/revoke`, { confirm: 'of carol' })).status,
    ).toBe(404)
    expect([await status(mine.key), await status(hers.key)]).toEqual([200, 200])
  })

  test('is changed, and keeps what was not touched', async () => {
    const { id } = await make(as('carol'))
    const { expires_at } = (await stored(id)) ?? {}
    const changed = await send(as('carol'), `${KEYS}/${id}/change`, {
      ...form,
      name: 'renamed',
      access: 'chosen',
      scopes: 'projects:read',
      expires_at: 'keep',
      requests_per_hour: '7',
    })
    expect([changed.status, changed.location]).toEqual([303, `${KEYS}/${id}?done=changed`])
    expect(await stored(id)).toMatchObject({
      name: 'renamed',
      scopes: ['projects:read'],
      expires_at,
      requests_per_hour: 7,
    })
    expect((await as('carol').get(`${KEYS}/${id}?done=changed`)).text).toContain('The key is changed')
    expect((await as('carol').get(`${KEYS}/${id}?done=toString`)).text).not.toContain('Done.')
  })

  test('is rotated with the overlap that was chosen, and the old one’s last use is told', async () => {
    const carol = as('carol')
    const { id, key } = await make(carol, { name: 'turning' })
    expect(await status(key)).toBe(200)
    const rotated = await send(carol, `${KEYS}/${id}/rotate`, { overlap: '1', new_end: '30' })
    const [fresh = ''] = KEY.exec(rotated.text) ?? []
    expect([rotated.status, fresh === key]).toEqual([200, false])
    expect(rotated.text).toMatch(/it was last used/)
    expect([await status(key), await status(fresh)]).toEqual([200, 200])
    expect((await carol.get(`${KEYS}/${id}`)).text).toMatch(/Being replaced[\s\S]*Last used[\s\S]*127\.0\.0\.1/)
    expect((await send(carol, `${KEYS}/${id}/rotate`, { overlap: '1', new_end: 'keep' })).status).toBe(409)
    const next = fresh.split('_')[2] ?? ''
    expect((await send(carol, `${KEYS}/${next}/rotate`, { overlap: '-1', new_end: 'keep' })).status).toBe(422)
    const last = await send(carol, `${KEYS}/${next}/rotate`, { overlap: '0', new_end: 'keep' })
    expect(last.text).toContain('works no more')
    expect(await stored(next)).toMatchObject({ revoked_at: expect.any(Date) })
  })

  test('is revoked by its name as it is read, whatever is in it that nobody sees', async () => {
    const made = await send(as('carol'), `${KEYS}/new`, {
      name: 'nightly  ex\u200Bport',
      access: 'read',
      expires_at: '30',
    })
    const id = /gh_key_([0-9A-Za-z]{12})_/.exec(made.text)?.[1] ?? ''
    expect((await send(as('alice'), `${KEYS}/${id}/revoke`, { confirm: 'nightly exports' })).status).toBe(422)
    expect((await send(as('alice'), `${KEYS}/${id}/revoke`, { confirm: 'nightly export' })).status).toBe(303)
    expect((await stored(id))?.['revoked_at']).toBeInstanceOf(Date)
  })

  test('is revoked when its name was typed', async () => {
    const { id } = await make(as('carol'), { name: 'to go' })
    const wrong = await send(as('carol'), `${KEYS}/${id}/revoke`, { confirm: 'to stay' })
    expect(wrong.status).toBe(422)
    expect(wrong.text).toContain('href="#confirm"')
    expect((await stored(id))?.['revoked_at']).toBeNull()
    const done = await send(as('carol'), `${KEYS}/${id}/revoke`, { confirm: 'to go' })
    expect([done.status, done.location]).toEqual([303, `${KEYS}?done=revoked`])
    expect((await stored(id))?.['revoked_at']).toBeInstanceOf(Date)
    expect((await as('carol').get(`${KEYS}?show=over`)).text).toContain('to go')
    expect((await as('carol').get(`${KEYS}/${id}`)).text).not.toContain('Revoke the key')
  })

  test('an end that comes soon is told with a word', async () => {
    const { id } = await make(as('carol'), { name: 'soon', expires_at: '7' })
    expect((await as('carol').get(`${KEYS}/${id}`)).text).toMatch(/chip warn">ends/)
    await server.database.sql(`UPDATE gatehouse.api_keys SET expires_at = now() + interval '2 days' WHERE id = $1`, [
      id,
    ])
    expect((await as('carol').get(KEYS)).text).toMatch(/chip bad">ends/)
  })

  test('D23: one whose maker is gone is adopted by an owner', async () => {
    const { id, key } = await make(as('carol'), { name: 'orphan' })
    await gatehouse(server, 'member remove acme_test development:carol --yes')
    try {
      const page = await as('alice').get(`${KEYS}/${id}`)
      expect(page.text).toContain('Stopped: maker is gone')
      const adopted = await send(as('alice'), `${KEYS}/${id}/adopt`, {})
      expect([adopted.status, adopted.location]).toEqual([303, `${KEYS}/${id}?done=adopted`])
      expect(await status(key)).toBe(200)
      expect((await as('alice').get(`${KEYS}/${id}`)).text).not.toContain('Stopped: maker')
    } finally {
      await gatehouse(server, 'member add acme_test development:carol --role member')
    }
  })

  const forms = ['/new', '/ID/change', '/ID/rotate', '/ID/revoke', '/ID/adopt']
  test.each(forms)('D31: the form %s refuses a forged post and one without its token', async (below) => {
    const alice = as('alice')
    const { id, key } = await make(alice, { name: 'target' })
    const path = `${KEYS}${below.replace('ID', id)}`
    const fields = { ...form, confirm: 'target', overlap: '0', new_end: 'keep', name: 'forged' }
    const rows = async (): Promise<unknown> => await server.database.sql('SELECT * FROM gatehouse.api_keys ORDER BY id')
    const before = await rows()
    const csrf = await alice.csrf()
    for (const headers of [
      { origin: 'http://evil.example.com', 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      {},
    ])
      expect((await alice.post(path, { csrf, ...fields }, headers)).status).toBe(403)
    expect((await alice.post(path, fields)).status).toBe(403)
    expect((await alice.post(path, { ...fields, csrf: await as('bob').csrf() })).status).toBe(403)
    expect(await rows()).toEqual(before)
    expect(await status(key)).toBe(200)
  })

  test.each(forms)('D31: the form %s needs a sign-in of the last 5 minutes', async (below) => {
    const old = visitor(server)
    await old.signIn('alice', { fresh: '1' })
    const { id } = await make(old, { name: 'target' })
    ahead = 6 * 60_000
    try {
      const path = `${KEYS}${below.replace('ID', id)}`
      const answer = await send(old, path, { ...form, confirm: 'target', overlap: '0', new_end: 'keep' })
      expect(answer.status).toBe(303)
      expect(answer.location).toMatch(/^\/console\/login\?fresh=1&return_to=%2Fconsole%2Ft%2Facme_test%2Fkeys%2F/)
      expect(await stored(id)).toMatchObject({ revoked_at: null, rotated_to: null, name: 'target' })
    } finally {
      ahead = 0
    }
  })
})
