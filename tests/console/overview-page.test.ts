import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { upperKinds } from '../support/database.ts'
import { startDns, type DnsServer } from '../support/dns.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { visitor, type Visitor } from './support.ts'

const ACME = '/console/t/acme_test'

let server: RunningGatehouse
let dns: DnsServer
/** The owner of Acme. */
let alice: Visitor
/** A viewer of Acme. */
let carol: Visitor

beforeAll(async () => {
  dns = await startDns()
  server = await startGatehouse({
    kind: upperKinds[0] ?? 'postgres',
    env: { DNS_SERVERS: dns.address, RATE_LIMIT: 'off' },
  })
  ;[alice, carol] = [visitor(server), visitor(server)]
  await alice.signIn('alice', { fresh: '1' })
}, 60_000)
afterAll(async () => {
  await server?.close()
  await dns?.close()
})
beforeEach(async () => {
  const tenant = `SELECT id FROM gatehouse.tenants WHERE slug = 'acme_test'`
  for (const table of ['api_keys', 'usage'])
    await server.database.sql(`DELETE FROM gatehouse.${table} WHERE tenant_id = (${tenant})`)
  await server.database.sql(
    `DELETE FROM gatehouse.domains WHERE tenant_id = (${tenant}) AND verified_by IS DISTINCT FROM 'provision'`,
  )
  await server.database.sql(`DELETE FROM gatehouse.members WHERE tenant_id = (${tenant}) AND sub = 'dave'`)
})

const sql = async (text: string, values: unknown[] = []) => await server.database.sql(text, values)
const words = (page: string): string =>
  page
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll(/\s+/g, ' ')
/** One card of the page as somebody reads it; '' when it is not there. */
const card = (page: string, id: string): string =>
  words(new RegExp(`<section class="card[^"]*" id="${id}">(.*?)</section>`, 's').exec(page)?.[1] ?? '')
const overview = async (visit = alice): Promise<string> => (await visit.get(ACME)).text
/** A domain of Acme as it is given. */
const domain = async (name: string, state: string, more = ''): Promise<unknown> =>
  await sql(`INSERT INTO gatehouse.domains (id, tenant_id, domain, state, token, asserted_by, claimed_at, verified_by${more === '' ? '' : ', failing_since'})
    SELECT gen_random_uuid(), id, '${name}', '${state}', 'token', '{development}', now(), ${state === 'pending' ? 'NULL' : `'dns'`}${more}
    FROM gatehouse.tenants WHERE slug = 'acme_test'`)
async function key(name: string, days: number): Promise<void> {
  const made = await gatehouse(server, ['key', 'create', 'acme_test', '--name', name])
  expect(made.exit).toBe(0)
  await sql(`UPDATE gatehouse.api_keys SET expires_at = now() + $1 * interval '1 day' WHERE name = $2`, [days, name])
}
/** Somebody else in Acme, who never signs in here. */
const dave = async (status: string): Promise<unknown> =>
  await sql(
    `INSERT INTO gatehouse.members (id, tenant_id, provider, iss, sub, role, status, source)
      SELECT gen_random_uuid(), tenant_id, provider, iss, 'dave', 'member', $1, 'domain' FROM gatehouse.members m
      WHERE sub = 'alice' AND tenant_id = (SELECT id FROM gatehouse.tenants WHERE slug = 'acme_test')`,
    [status],
  )
const called = async (tool: string, calls: number, failures = 0, sub = 'alice'): Promise<unknown> =>
  await sql(
    `INSERT INTO gatehouse.usage (hour, tenant_id, tool, iss, sub, provider, calls, failures, refusals, total_ms, max_ms)
      SELECT date_trunc('hour', now(), 'UTC'), m.tenant_id, $1, m.iss, $2, 'development', $3, $4, 0, 10, 10
      FROM gatehouse.members m JOIN gatehouse.tenants t ON t.id = m.tenant_id WHERE t.slug = 'acme_test' AND m.sub = 'alice'`,
    [tool, sub, calls, failures],
  )

test('a new organisation sees the first steps, and each is ticked off when it is done', async () => {
  const steps = async (): Promise<readonly string[]> => {
    const list = /id="first-steps">(.*?)<\/section>/s.exec(await overview())?.[1] ?? ''
    return [...list.matchAll(/<li class="(done)?">\s*<div>\s*<p>\s*<strong>([^<]+)</g)].map(
      ([, done, title]) => `${done === 'done' ? '+' : '-'} ${title}`,
    )
  }
  expect(await steps()).toEqual([
    '- Prove your domain',
    '- Invite a colleague',
    '- Connect a client',
    '- Make a key, if a program needs one',
  ])
  await domain('proved.com', 'verified')
  await key('ci', 90)
  expect(await steps()).toEqual([
    '+ Prove your domain',
    '- Invite a colleague',
    '- Connect a client',
    '+ Make a key, if a program needs one',
  ])
  await dave('active')
  expect((await steps())[1]).toBe('+ Invite a colleague')
  // All that everybody needs is done.
  await called('whoami', 1)
  expect(await steps()).toEqual([])
})

test('what needs somebody is told, what is broken first, and nothing else', async () => {
  expect(card(await overview(), 'attention')).toBe('')
  await domain('waiting.com', 'pending')
  await domain('failing.com', 'verified', `, now() - interval '2 days'`)
  await domain('fine.com', 'verified')
  await key('deploy', 3)
  await key('nightly', 60)
  await dave('requested')
  const told = card(await overview(), 'attention')
  expect(told).toMatch(
    /record missing failing\.com Lapses in 5 days.*waiting\.com.*One person asks to join.*key ends deploy Ends in 3 days/,
  )
  for (const name of ['fine.com', 'nightly']) expect(told).not.toContain(name)
})

test('calls of the last 30 days are drawn, with the failed ones and the most used tools', async () => {
  const before = words(await overview())
  expect(before).toContain('None in the last 30 days')
  await called('list_projects', 1200, 30)
  await called('search', 40)
  const page = await overview()
  expect(page).toMatch(/<svg\s+role="img"/)
  const text = words(page)
  expect(text).toContain('1,240 calls in 30 days, 30 of them failed.')
  expect(text).toMatch(/list_projects 1,200 \(30 failed\).*search 40/)
  expect(text).toContain('2.4 % of the calls')
})

test('the latest changes are shown, and that somebody looked is not', async () => {
  await overview()
  await alice.post(`${ACME}/domains`, { csrf: await alice.csrf(), domain: 'latest.com' })
  const text = words(await overview())
  expect(text).toMatch(/domain\.claimed latest\.com/)
  expect(text).not.toContain('audit.read')
})

test('a viewer sees what concerns them: the address and their own calls, nothing of others', async () => {
  await domain('waiting.com', 'pending')
  await key('deploy', 3)
  await called('list_projects', 1200)
  await carol.signIn('carol')
  await called('whoami', 7, 0, 'carol')
  const page = await overview(carol)
  const text = words(page)
  expect(text).toContain(`${server.url}/t/acme_test/mcp`)
  expect(text).toContain('Your calls per day')
  expect(text).toMatch(/whoami 7/)
  for (const secret of ['waiting.com', 'deploy', 'list_projects', 'Alice', 'domain.', 'First steps'])
    expect(text).not.toContain(secret)
  for (const way of ['/domains', '/audit']) expect(page).not.toContain(`href="${ACME}${way}"`)
})

describe('D10: an organisation without an owner', () => {
  const VACANT = '/console/t/vacant'

  test('a member proves its domain and becomes owner, after a fresh sign-in and with a form of ours only', async () => {
    await gatehouse(server, ['tenant', 'create', 'vacant', '--name', 'Vacant'])
    await gatehouse(server, ['domain', 'add', 'vacant', 'vacant-corp.com', '--asserted-by', 'development'])
    await visitor(server).signIn('bob')
    await gatehouse(server, ['member', 'add', 'vacant', 'development:bob', '--role', 'member'])
    const bob = visitor(server)
    await bob.signIn('bob')
    expect(card((await bob.get(VACANT)).text, 'ownership')).toContain('Vacant has no owner yet')
    expect((await bob.get(`${VACANT}/domains`)).status).toBe(403)

    const form = { csrf: await bob.csrf(), domain: 'vacant-corp.com' }
    const stale = await bob.post(`${VACANT}/ownership`, form)
    expect(stale.location).toContain('/console/login?fresh=1')
    await bob.signIn('bob', { fresh: '1' })
    form.csrf = await bob.csrf()
    const forged = await bob.post(`${VACANT}/ownership`, form, {
      origin: 'https://evil.example',
      'sec-fetch-site': 'cross-site',
    })
    expect(forged.status).toBe(403)
    const other = await bob.post(`${VACANT}/ownership`, { ...form, domain: 'vacant-other.com' })
    expect(other.status).toBe(403)

    const sent = await bob.post(`${VACANT}/ownership`, form)
    expect([sent.status, sent.location]).toEqual([303, `${VACANT}/domains/vacant-corp.com?done=claimed`])
    const page = await bob.get(sent.location ?? '')
    expect(page.status).toBe(200)
    // How people join is no business of a member.
    expect(page.text).not.toContain('id="joining"')
    expect(page.text).not.toContain('id="remove"')
    const value = /<code id="value">(token=[a-z2-7]{26})<\/code>/.exec(page.text)?.[1] ?? ''
    dns.txt('_gatehouse-challenge.vacant-corp.com', value)
    const found = await bob.post(`${VACANT}/domains/vacant-corp.com/check`, { csrf: form.csrf })
    expect(words(found.text)).toContain('vacant-corp.com is verified.')
    const after = await bob.get(VACANT)
    expect(words(after.text)).toContain('You are an owner here.')
    expect(card(after.text, 'ownership')).toBe('')
  })

  test('where there is an owner nobody is asked', async () => {
    await carol.signIn('carol', { fresh: '1' })
    expect(card(await overview(carol), 'ownership')).toBe('')
    const csrf = await carol.csrf()
    expect((await carol.post(`${ACME}/ownership`, { csrf, domain: 'acme.test' })).status).toBe(403)
  })
})
