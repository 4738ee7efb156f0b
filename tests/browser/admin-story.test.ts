import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { startChromium } from '../support/chromium.ts'
import { startCompanyIssuer, type CompanyIssuer } from '../support/company-issuer.ts'
import { startDns, type DnsServer } from '../support/dns.ts'
import { freePort, startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'
import { openLoop, type Loop } from '../sign-in/person.ts'
import { asking, redeem, register } from '../sign-in/walk.ts'

/**
 * The story that the console is for, told twice, with and without JavaScript: an admin who never read our docs claims the company's domain,
 * proves it, sees a colleague arrive, invites somebody else, makes a key for CI and finds who deleted a project. Every page is real: the
 * server as in production (nobody gets a tenant by themselves), a certified OpenID provider, and a DNS server.
 */

let server: RunningGatehouse
let company: CompanyIssuer
let dns: DnsServer
let browser: Browser
let loop: Loop
/** Added to the time, so that nobody waits ten seconds for the next look. */
let ahead = 0

const person = (name: string, email: string) => ({ name, email })
const PEOPLE = {
  alice: person('Alice Archer', 'alice@acme-tools.com'),
  dan: person('Dan Dole', 'dan@acme-tools.com'),
  bob: person('Bob Brown', 'bob@acme-tools.com'),
  vera: person('Vera Visser', 'vera@freelancer.example'),
  gina: person('Gina Globex', 'gina@globex.com'),
  hugo: person('Hugo Hill', 'hugo@globex.com'),
  ines: person('Ines Ito', 'ines@globex.com'),
  walt: person('Walt West', 'walt@consulting.example'),
}
type Who = keyof typeof PEOPLE

const STORIES = [
  {
    title: 'with JavaScript',
    javaScriptEnabled: true,
    slug: 'acme',
    name: 'Acme',
    domain: 'acme-tools.com',
    owner: 'alice',
    admin: 'dan',
    member: 'bob',
    viewer: 'vera',
    stranger: 'gina',
  },
  {
    title: 'without JavaScript',
    javaScriptEnabled: false,
    slug: 'globex',
    name: 'Globex',
    domain: 'globex.com',
    owner: 'gina',
    admin: 'hugo',
    member: 'ines',
    viewer: 'walt',
    stranger: 'alice',
  },
] as const

beforeAll(async () => {
  const port = await freePort()
  dns = await startDns()
  company = await startCompanyIssuer({ publicUrl: `http://127.0.0.1:${port}`, people: PEOPLE })
  ;[server, browser, loop] = await Promise.all([
    startGatehouse({
      kind: 'postgres',
      env: {
        ...company.env,
        PORT: String(port),
        DNS_SERVERS: dns.address,
        UNMAPPED_DOMAINS: 'reject',
        PERSONAL_TENANTS: 'off',
      },
      parts: { clock: { now: () => Date.now() + ahead } },
    }),
    startChromium(),
    openLoop(),
  ])
  for (const { slug, name, owner, domain } of STORIES) {
    dns.txt(domain, 'v=spf1 -all')
    await run(['tenant', 'create', slug, '--name', name])
    await run(['member', 'add', slug, `oidc:${owner}`, '--role', 'owner'])
  }
}, 60_000)
afterAll(async () => {
  loop?.close()
  await browser?.close()
  await server?.close()
  await company?.close()
  await dns?.close()
})

async function run(line: readonly string[]): Promise<void> {
  const { exit, stderr } = await gatehouse(server, line)
  if (exit !== 0) throw new Error(stderr)
}

describe.each(STORIES)('$title', ({ javaScriptEnabled, slug, name, domain, stranger, ...roles }) => {
  const at = (path = ''): string => `${server.url}/console/t/${slug}${path}`
  const open = new Map<Who, { readonly context: BrowserContext; readonly page: Page }>()
  /** Whatever a browser complained about: refused styles, scripts, cookies. */
  const problems: string[] = []
  afterAll(async () => {
    for (const { context } of open.values()) await context.close()
  })

  /** A browser of their own; the first time they sign in with their company, and stand where the console leads them. */
  async function browserOf(who: Who, to = '/console'): Promise<Page> {
    const there = open.get(who)
    if (there !== undefined) return there.page
    const context = await browser.newContext({ javaScriptEnabled })
    const page = await context.newPage()
    page.on('console', (message) => void problems.push(`${who} ${message.text()}`))
    page.on('pageerror', (error) => void problems.push(`${who} ${error.message}`))
    page.setDefaultTimeout(10_000)
    open.set(who, { context, page })
    await page.goto(new URL(to, server.url).href)
    if (!javaScriptEnabled && to.includes('#')) await paste(page, to)
    await signIn(page, who)
    return page
  }
  async function signIn(page: Page, who: Who): Promise<void> {
    await page.getByRole('button', { name: /^Continue with/ }).click()
    await page.getByRole('button', { name: PEOPLE[who].name }).click()
  }
  /** What gives access to others, or cannot be undone, asks once more who they are. */
  async function confirm(page: Page, who: Who): Promise<void> {
    expect(await heading(page)).toBe('Confirm that it is you')
    await signIn(page, who)
  }
  const heading = async (page: Page): Promise<string> =>
    (await page.getByRole('heading', { level: 1 }).textContent())?.trim() ?? ''
  const ways = async (page: Page): Promise<string[]> =>
    (await page.getByRole('navigation', { name: 'Console' }).getByRole('link').allTextContents()).map((text) =>
      text.trim(),
    )
  const walk = async (page: Page, to: string): Promise<void> =>
    await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: to }).click()

  test('the owner signs in, claims the domain, publishes the record, and it is verified', async () => {
    const page = await browserOf(roles.owner)
    expect(await heading(page)).toBe(name)
    await walk(page, 'Domains')
    expect(await page.getByRole('heading', { name: 'No domain yet' }).count()).toBe(1)
    await page.getByRole('textbox', { name: 'Domain', exact: true }).fill(domain)
    await page.getByRole('button', { name: 'Claim this domain' }).click()
    // Claims give access to others: asked once more who she is, she finds the form as she left it.
    await confirm(page, roles.owner)
    expect(await page.getByRole('textbox', { name: 'Domain', exact: true }).inputValue()).toBe(domain)
    await page.getByRole('button', { name: 'Claim this domain' }).click()
    expect(await heading(page)).toBe(domain)

    // Too early: told so, with what was seen.
    await page.getByRole('button', { name: 'Check now' }).click()
    expect(await page.getByRole('status').first().innerText()).toMatch(/Not proved yet\./)

    const label = await shown(page, /^_gatehouse-challenge$/)
    dns.txt(`${label}.${domain}`, await shown(page, /^token=/))
    ahead += 11_000
    await page.getByRole('button', { name: 'Check now' }).click()
    expect(await page.getByRole('status').first().innerText()).toContain(`${domain} is verified`)
    await walk(page, 'Domains')
    expect(await page.getByRole('row', { name: domain }).innerText()).toMatch(/verified/)
  })

  test('colleagues sign in and are there; one of them becomes an admin', async () => {
    for (const who of [roles.admin, roles.member]) {
      const page = await browserOf(who)
      expect([await heading(page), await page.getByText('You are a member here.').count()]).toEqual([name, 1])
    }
    const page = await browserOf(roles.owner)
    await walk(page, 'People')
    for (const who of [roles.admin, roles.member])
      expect(await page.getByRole('row', { name: PEOPLE[who].name }).innerText()).toMatch(/member/)
    await page.getByRole('link', { name: PEOPLE[roles.admin].name }).click()
    await page.getByRole('combobox', { name: 'What they may do' }).selectOption('admin')
    await page.getByRole('button', { name: 'Change the role' }).click()
    expect(await page.getByRole('status').first().innerText()).toContain('The role is changed')
  })

  test('somebody from elsewhere is invited, accepts, and sees what a viewer sees', async () => {
    const page = await browserOf(roles.owner)
    await walk(page, 'People')
    await page.getByRole('link', { name: 'Invite somebody' }).click()
    await page.getByLabel('Their address').fill(PEOPLE[roles.viewer].email)
    await page.getByLabel('What they may do').selectOption('viewer')
    await page.getByRole('button', { name: 'Make the link' }).click()
    const link = await shown(page, /^http.*invitation#/)

    const theirs = await browserOf(roles.viewer, link)
    expect(theirs.url()).not.toContain('#')
    expect(await heading(theirs)).toBe(`Join ${name}?`)
    expect(await theirs.getByText(PEOPLE[roles.owner].name).count()).toBe(1)
    await theirs.getByRole('button', { name: `Join ${name}` }).click()
    expect([await heading(theirs), await theirs.getByText('You are a viewer here.').count()]).toEqual([name, 1])

    // The link works once, and for nobody else.
    const another = await browserOf(roles.member)
    await another.goto(link)
    if (!javaScriptEnabled) await paste(another, link)
    expect(await heading(another)).toBe('This invitation cannot be accepted')
  })

  let key = ''
  test('the owner makes a key for CI, and it works at the MCP endpoint', async () => {
    const page = await browserOf(roles.owner)
    await walk(page, 'API keys')
    await page.getByRole('link', { name: 'Create a key' }).first().click()
    await page.getByLabel('Name').fill('CI of the website')
    await page.getByRole('radio', { name: /^Read only/ }).check()
    await page.getByRole('button', { name: 'Create the key' }).click()
    expect(await heading(page)).toBe('Store this key now')
    key = await shown(page, /^gh_key_/)
    const { status, text } = await call(key, 'list_projects', {})
    expect([status, text]).toEqual([200, expect.stringContaining('projects')])
    // It reads, as was ticked.
    expect((await call(key, 'create_project', { name: 'By a script' })).text).toMatch(/unknown tool|not found/i)
    await page.getByRole('link', { name: 'I stored it' }).click()
    expect(await page.getByText(key).count()).toBe(0)
  })

  test('a colleague deletes a project from a chat, and the admin finds who it was', async () => {
    const token = await signInClient(roles.member)
    const { text } = await call(token, 'create_project', { name: 'The big one' })
    const id = /id ([0-9a-f-]{36})/.exec(text)?.[1] ?? ''
    expect((await call(token, 'delete_project', { id })).text).toContain('Deleted project')

    // An admin since a moment ago: the page as it stood then does not show it yet.
    const page = await browserOf(roles.admin)
    await page.reload()
    await walk(page, 'Audit log')
    await page.getByRole('link', { name: 'Deletions' }).click()
    const entry = page.getByRole('listitem').filter({ hasText: 'delete_project' })
    await entry.getByText('delete_project').first().click()
    expect(await entry.innerText()).toMatch(
      new RegExp(`${PEOPLE[roles.member].name}.*${PEOPLE[roles.member].email}`, 's'),
    )
    expect(await entry.innerText()).toContain(id)
    expect(await page.getByRole('listitem').filter({ hasText: 'delete_project' }).count()).toBe(1)
  })

  test('everybody sees what is theirs', async () => {
    const everything = ['Overview', 'Domains', 'People', 'API keys', 'Audit log', 'Usage', 'Settings']
    const some = everything.filter((way) => way !== 'Domains' && way !== 'Audit log')
    const expected = { owner: everything, admin: everything, member: some, viewer: some }
    for (const role of ['owner', 'admin', 'member', 'viewer'] as const) {
      const page = await browserOf(roles[role])
      await page.goto(at())
      expect([role, await ways(page)]).toEqual([role, expected[role]])
      // What is not offered is not there for who types its address either.
      for (const [path, scope] of [
        ['/domains', 'admin'],
        ['/audit', 'admin'],
        ['/people/invitations', 'admin'],
      ] as const) {
        const answer = await page.goto(at(path))
        expect([role, path, answer?.status()]).toEqual([role, path, role === 'owner' || role === scope ? 200 : 403])
      }
      // A member sees nobody's keys but their own.
      await page.goto(at('/keys'))
      const sees = role === 'owner' || role === 'admin' ? 1 : 0
      expect([role, await page.getByText('CI of the website').count()]).toEqual([role, sees])
    }
  })

  test("another organisation's owner sees nothing of it", async () => {
    const page = await browserOf(stranger)
    const paths = ['', '/domains', `/domains/${domain}`, '/people', '/people/invite', '/keys', '/audit', '/usage']
    for (const path of [...paths, '/settings']) {
      const answer = await page.goto(at(path))
      expect([path, answer?.status(), await heading(page)]).toEqual([path, 403, 'This organisation is not open to you'])
    }
    const own = STORIES.find((story) => story.owner === stranger)?.slug ?? ''
    for (const path of ['', '/domains', '/people', '/keys', '/audit']) {
      await page.goto(`${server.url}/console/t/${own}${path}`)
      expect([path, await page.getByText(new RegExp(domain.replaceAll('.', '\\.'))).count()]).toEqual([path, 0])
    }
  })

  test('no browser complained', () => {
    // A page that is refused is answered with 403 or 422, which Chromium notes.
    expect(problems.filter((line) => !/status of (403|404|409|422)/.test(line))).toEqual([])
  })

  /** What stands on the page to be copied. */
  async function shown(page: Page, what: RegExp): Promise<string> {
    return (await page.getByText(what).first().textContent())?.trim() ?? ''
  }

  async function paste(page: Page, link: string): Promise<void> {
    await page.getByLabel(/link or code/i).fill(link)
    await page.getByRole('button', { name: 'Open the invitation' }).click()
  }

  const call = async (token: string, tool: string, args: Record<string, unknown>) =>
    await rpc(`${server.url}/t/${slug}/mcp`, token, 'tools/call', { name: tool, arguments: args })

  /** They connect an MCP client, in the browser in which they are. */
  async function signInClient(who: Who): Promise<string> {
    const page = await browserOf(who)
    const client_id = await register(server.url, loop.url)
    const asked = asking(server.url, client_id, loop.url, { resource: `${server.url}/t/${slug}/mcp` })
    await page.goto(asked.url.href)
    // The company knows them in this browser.
    await page.getByRole('button', { name: /^Continue with/ }).click()
    const code = (await loop.arrival()).searchParams.get('code') ?? ''
    const { body } = await redeem(server.url, code, asked, { resource: `${server.url}/t/${slug}/mcp` })
    return String(body['access_token'])
  }
})
