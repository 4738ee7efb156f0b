import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { upperKinds } from '../support/database.ts'
import { startDns, type DnsServer } from '../support/dns.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { visitor, type Visitor } from './support.ts'

const MINUTE = 60_000
const DOMAINS = '/console/t/acme_test/domains'

let server: RunningGatehouse
let dns: DnsServer
let ahead = 0
/** The owner of Acme. */
let alice: Visitor
let csrf: string

beforeAll(async () => {
  dns = await startDns()
  server = await startGatehouse({
    kind: upperKinds[0] ?? 'postgres',
    env: { DNS_SERVERS: dns.address, RATE_LIMIT: 'off' },
    parts: { clock: { now: () => Date.now() + ahead } },
  })
  alice = visitor(server)
  await alice.signIn('alice')
  // Bob comes from elsewhere: Globex is his home, and he is nobody in Acme until a test says so.
  await visitor(server).signIn('bob')
}, 60_000)
afterAll(async () => {
  await server?.close()
  await dns?.close()
})
beforeEach(async () => {
  ahead = 0
  alice = visitor(server)
  await alice.signIn('alice', { fresh: '1' })
  csrf = await alice.csrf()
})

let count = 0
/** A domain of its own for each test, which exists. */
function newDomain(): string {
  const domain = `company-${(count += 1)}.com`
  dns.txt(domain, 'v=spf1 -all')
  return domain
}
const nameOf = (domain: string): string => `_gatehouse-challenge.${domain}`
const claim = async (domain: string) => await alice.post(DOMAINS, { csrf, domain })
const check = async (domain: string) => await alice.post(`${DOMAINS}/${domain}/check`, { csrf })
/** What is to be published, as the page shows it. */
const valueOn = (page: string): string => /<code id="value">(token=[a-z2-7]{26})<\/code>/.exec(page)?.[1] ?? ''
async function claimed(domain = newDomain()): Promise<string> {
  expect((await claim(domain)).status).toBe(303)
  return domain
}
async function proved(): Promise<string> {
  const domain = await claimed()
  dns.txt(nameOf(domain), valueOn((await alice.get(`${DOMAINS}/${domain}`)).text))
  expect((await check(domain)).text).toContain(`${domain} is verified.`)
  return domain
}
/** The text of a page as somebody reads it. */
const words = (page: string): string =>
  page
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll(/\s+/g, ' ')

test('a domain is claimed, published, checked and verified, and people are let in by it, without a script', async () => {
  const domain = newDomain()
  const before = await alice.get(DOMAINS)
  expect(before.status).toBe(200)
  const to = await claim(domain.toUpperCase())
  expect([to.status, to.location]).toEqual([303, `${DOMAINS}/${domain}?done=claimed`])

  const page = await alice.get(to.location ?? '')
  expect(words(page.text)).toContain('waiting for the record')
  expect(page.text).toContain('<code id="name-relative">_gatehouse-challenge</code>')
  expect(page.text).toContain(`<code id="name-absolute">${nameOf(domain)}.</code>`)
  for (const id of ['name-relative', 'name-absolute', 'value']) expect(page.text).toContain(`data-copy="${id}"`)

  const early = await check(domain)
  expect(early.status).toBe(200)
  expect(words(early.text)).toContain(`There is nothing at ${nameOf(domain)} yet`)
  expect(words(early.text)).toContain(`Asked: ${dns.address}`)

  dns.txt(nameOf(domain), valueOn(page.text))
  ahead += 10_000
  const found = await check(domain)
  expect(words(found.text)).toContain(`The record is right. ${domain} is verified.`)
  expect(found.text).toContain(`<code>${valueOn(page.text)}</code>`)

  const list = words((await alice.get(DOMAINS)).text)
  expect(list).toContain(`${domain} verified DNS record just now by themselves as member`)
  // Leaving the answer by its address comes to the page.
  expect((await alice.get(`${DOMAINS}/${domain}/check`)).status).toBe(200)
})

test('what was found is shown: the records, where they stand, and the probable mistake', async () => {
  const domain = await claimed()
  const value = valueOn((await alice.get(`${DOMAINS}/${domain}`)).text)
  dns.txt(nameOf(`${domain}.${domain}`), value)
  const doubled = await check(domain)
  expect(words(doubled.text)).toContain('the panel adds the zone by itself. Enter only _gatehouse-challenge')
  expect(doubled.text).toContain(`<code>${nameOf(`${domain}.${domain}`)}</code>`)
  dns.txt(nameOf(domain), `"${value}"`, '<script>alert(1)</script>')
  ahead += 10_000
  const quoted = await check(domain)
  expect(words(quoted.text)).toContain('The value has quotation marks')
  expect(quoted.text).not.toContain('<script>alert')
  expect(words(quoted.text)).toContain('<script>alert(1)</script>')
})

test('asked again too soon the page says when it may be, and keeps the record', async () => {
  const domain = await claimed()
  await check(domain)
  const again = await check(domain)
  expect(again.status).toBe(429)
  expect(words(again.text)).toMatch(/was just checked: again in \d+ s/)
  expect(valueOn(again.text)).not.toBe('')
})

test('while something is awaited the page looks again by itself, and not when all is well', async () => {
  const domain = await proved()
  expect((await alice.get(`${DOMAINS}/${domain}`)).text).not.toContain('data-poll')
  const open = await claimed()
  expect((await alice.get(`${DOMAINS}/${open}`)).text).toMatch(/id="standing"\s+data-poll="10"/)
})

test.each([
  ['co.uk', 'is a public suffix'],
  ['gmail.com', 'gives addresses to the public, so it proves nothing'],
  ['localhost', 'is no domain'],
  ['bücher.de', 'Did you mean xn--bcher-kva.de?'],
  ['https://www.acme.com/about', 'Did you mean www.acme.com?'],
  ['ann@acme.com', 'Did you mean acme.com?'],
  ['xn--80ak6aa92e.com', 'whose letters can be taken for Latin ones'],
  ['', 'is no domain'],
  ['"><script>alert(1)</script>', 'is no domain'],
])('%s is refused at the field, with what was typed', async (typed, reason) => {
  const page = await claim(typed)
  expect(page.status).toBe(422)
  const field = /<input\s[^>]*id="domain"[^>]*>/.exec(page.text)?.[0] ?? ''
  expect(field).toContain('aria-invalid="true"')
  expect(field).toContain('aria-describedby="domain-hint domain-wrong"')
  expect(words(field.replace(/^.*value="([^"]*)".*$/s, '$1'))).toBe(typed)
  expect(words(/id="domain-wrong">(.*?)<\/div>/s.exec(page.text)?.[1] ?? '')).toContain(reason)
  expect(page.text).toContain('href="#domain"')
  expect(page.text).not.toContain('<script>alert')
})

test('what is proved already is refused at the field', async () => {
  const domain = await proved()
  const page = await claim(domain)
  expect(page.status).toBe(409)
  expect(words(/id="domain-wrong">(.*?)<\/div>/s.exec(page.text)?.[1] ?? '')).toBe(`${domain} is proved already`)
})

test('how people join is changed, and each refusal stands at its field with the choices kept', async () => {
  const domain = await claimed()
  const joining = `${DOMAINS}/${domain}/joining`
  const form = { csrf, joining: '1', join_mode: 'request', default_role: 'viewer', asserted_by: 'development' }
  const done = await alice.post(joining, { ...form, include_subdomains: 'on' })
  expect([done.status, done.location]).toEqual([303, `${DOMAINS}/${domain}?done=changed`])
  const page = (await alice.get(done.location ?? '')).text
  expect(page).toMatch(/value="request" checked/)
  expect(page).toMatch(/value="viewer" selected/)
  expect(page).toMatch(/name="include_subdomains" value="on" checked/)
  expect(page).toMatch(/name="allow_once" value="on"\s*\/>/)
  for (const [field, wrong] of [
    ['asserted_by', { asserted_by: '' }],
    ['join_mode', { join_mode: 'anyhow' }],
    ['default_role', { default_role: 'owner' }],
  ] as const) {
    const answer = await alice.post(joining, { ...form, ...wrong, allow_once: 'on' })
    expect([field, answer.status]).toEqual([field, 422])
    expect(answer.text).toContain(`id="${field}-wrong"`)
    expect(answer.text).toMatch(/name="allow_once" value="on" checked/)
  }
  expect(words((await alice.get(DOMAINS)).text)).toContain(`${domain} and its subdomains waiting for the record`)
})

test('a domain is removed by typing it, and nothing else will do', async () => {
  const domain = await claimed()
  const wrong = await alice.post(`${DOMAINS}/${domain}/remove`, { csrf, confirm: 'company' })
  expect(wrong.status).toBe(422)
  expect(wrong.text).toContain('id="confirm-wrong"')
  expect(wrong.text).toContain('value="company"')
  const gone = await alice.post(`${DOMAINS}/${domain}/remove`, { csrf, confirm: domain.toUpperCase() })
  expect(gone.location).toBe(`${DOMAINS}?done=removed`)
  expect(words((await alice.get(gone.location ?? '')).text)).toContain('The domain was removed')
  expect((await alice.get(`${DOMAINS}/${domain}`)).status).toBe(404)
})

test('a record that is gone is told of on the list and on its page, then the domain lapses, and an operator decides', async () => {
  const domain = await proved()
  dns.remove(nameOf(domain))
  ahead += MINUTE
  await check(domain)
  const failing = words((await alice.get(DOMAINS)).text)
  expect(failing).toContain(`${domain} : record missing.`)
  expect(failing).toContain('It lapses in 7 days')
  await server.database.sql(
    `UPDATE gatehouse.domains SET failing_since = failing_since - interval '8 days', checked_at = NULL WHERE domain = $1`,
    [domain],
  )
  await check(domain)
  expect(words((await alice.get(DOMAINS)).text)).toContain(`${domain} : lapsed.`)
  const page = words((await alice.get(`${DOMAINS}/${domain}`)).text)
  expect(page).toContain('only the people who run this server can remove it')
  const forced = await alice.post(`${DOMAINS}/${domain}/remove`, { csrf, confirm: domain })
  expect(forced.status).toBe(409)
})

test('of a domain that is verified for somebody else the page says so and names nobody', async () => {
  const domain = newDomain()
  const bob = visitor(server)
  await bob.signIn('bob', { fresh: '1' })
  const theirs = '/console/t/globex_test/domains'
  const token = await bob.csrf()
  await bob.post(theirs, { csrf: token, domain })
  dns.txt(nameOf(domain), valueOn((await bob.get(`${theirs}/${domain}`)).text))
  await bob.post(`${theirs}/${domain}/check`, { csrf: token })
  expect(words((await bob.get(theirs)).text)).toContain(`${domain} verified`)
  // Nothing of it is seen from Acme.
  expect((await alice.get(`${DOMAINS}/${domain}`)).status).toBe(404)

  await claimed(domain)
  const value = valueOn((await alice.get(`${DOMAINS}/${domain}`)).text)
  dns.txt(nameOf(domain), value)
  const page = await check(domain)
  expect(words(page.text)).toContain('waiting for an operator')
  expect(page.text.toLowerCase()).not.toContain('globex')
})

describe('who may', () => {
  test('a member and a viewer get 403, on the page and on every form, and nothing happens', async () => {
    const domain = await claimed()
    await gatehouse(server, ['member', 'add', 'acme_test', 'development:bob', '--role', 'member'])
    for (const person of ['bob', 'carol']) {
      const visit = visitor(server)
      await visit.signIn(person, { fresh: '1' })
      const token = await visit.csrf()
      const answers = [
        await visit.get(DOMAINS),
        await visit.get(`${DOMAINS}/${domain}`),
        await visit.post(DOMAINS, { csrf: token, domain: newDomain() }),
        await visit.post(`${DOMAINS}/${domain}/check`, { csrf: token }),
        await visit.post(`${DOMAINS}/${domain}/joining`, { csrf: token, join_mode: 'auto' }),
        await visit.post(`${DOMAINS}/${domain}/remove`, { csrf: token, confirm: domain }),
      ]
      expect([person, ...answers.map(({ status }) => status)]).toEqual([person, 403, 403, 403, 403, 403, 403])
      for (const { text } of answers) expect(text).not.toContain(domain)
      expect((await visit.get('/console/t/acme_test')).text).not.toContain(DOMAINS)
    }
    await gatehouse(server, ['member', 'remove', 'acme_test', 'development:bob', '--yes'])
    expect((await alice.get(`${DOMAINS}/${domain}`)).status).toBe(200)
  })

  test("another tenant's admin comes nowhere near", async () => {
    const domain = await claimed()
    const bob = visitor(server)
    await bob.signIn('bob', { fresh: '1' })
    const token = await bob.csrf()
    expect((await bob.get(`${DOMAINS}/${domain}`)).status).toBe(403)
    expect((await bob.get(`/console/t/globex_test/domains/${domain}`)).status).toBe(404)
    const removed = await bob.post(`/console/t/globex_test/domains/${domain}/remove`, { csrf: token, confirm: domain })
    expect(removed.status).toBe(404)
    expect((await alice.get(`${DOMAINS}/${domain}`)).status).toBe(200)
  })

  test('D31: a form from elsewhere or without the token of the session does nothing', async () => {
    const domain = await claimed()
    const [other, evil] = [newDomain(), { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }]
    for (const [path, form] of [
      [DOMAINS, { domain: other }],
      [`${DOMAINS}/${domain}/check`, {}],
      [`${DOMAINS}/${domain}/joining`, { joining: '1', join_mode: 'invite', default_role: 'viewer', asserted_by: 'x' }],
      [`${DOMAINS}/${domain}/remove`, { confirm: domain }],
    ] as const) {
      expect([path, (await alice.post(path, { ...form, csrf }, evil)).status]).toEqual([path, 403])
      expect([path, (await alice.post(path, form)).status]).toEqual([path, 403])
      expect([path, (await alice.post(path, { ...form, csrf: 'x'.repeat(43) })).status]).toEqual([path, 403])
    }
    expect((await alice.get(`${DOMAINS}/${other}`)).status).toBe(404)
    expect((await alice.get(`${DOMAINS}/${domain}`)).text).toMatch(/value="auto" checked/)
  })

  test('D31: what changes something needs a sign-in of the last 5 minutes, and what was typed is still there after it', async () => {
    const domain = newDomain()
    ahead += 5 * MINUTE
    const sent = await claim(domain)
    expect(sent.status).toBe(303)
    const to = new URL(sent.location ?? '', server.url)
    expect([to.pathname, to.searchParams.get('fresh')]).toEqual(['/console/login', '1'])
    const back = await alice.signIn('alice', { fresh: '1', return_to: to.searchParams.get('return_to') ?? '' })
    const page = await alice.get(back.location ?? '')
    expect(words(page.text)).toContain('Nothing was done yet')
    expect(page.text).toMatch(new RegExp(`id="domain"[^>]*value="${domain}"`, 's'))
    csrf = await alice.csrf()
    expect((await claim(domain)).location).toBe(`${DOMAINS}/${domain}?done=claimed`)
    ahead += 5 * MINUTE
    for (const form of ['joining', 'remove'])
      expect((await alice.post(`${DOMAINS}/${domain}/${form}`, { csrf })).location).toContain('/console/login?fresh=1')
    // Looking changes nothing that the background would not.
    expect((await check(domain)).status).toBe(200)
  })
})
