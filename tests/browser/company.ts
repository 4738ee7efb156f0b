import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core'
import { systemClock } from '#base/clock.ts'
import { createSessions } from '#login/session.ts'
import { visitor, type Visitor } from '../console/support.ts'
import { gatehouse } from '../support/command.ts'
import type { DatabaseKind } from '../support/database.ts'
import { startDns } from '../support/dns.ts'
import { LOGIN_SECRET, startFakeProvider } from '../support/fake-provider.ts'
import { freePort, startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'

/**
 * A server with a company on it, as after a month: people who came in every way, domains in every state, keys, calls, and an audit of it all.
 * What people and keys do is really done; only when it was is set back afterwards.
 */

const GOOGLE = '1234-gatehouse.apps.googleusercontent.com'
const MINUTE = 60_000

const staff = (sub: string, name: string, role: string, days: number, source = 'domain', email = '') => ({
  sub,
  name,
  role,
  days,
  source,
  email: email === '' ? `${name.split(' ')[0]?.toLowerCase() ?? ''}@acme.com` : email,
})
const STAFF = [
  staff('1001', 'Alice Archer', 'owner', 31, 'operator'),
  staff('1002', 'Dan Dole', 'admin', 30, 'operator'),
  staff('1003', 'Bob Brown', 'member', 24),
  staff('1004', 'Carol Chen', 'member', 21),
  staff('1005', 'Farid Farouk', 'member', 17),
  staff('1006', 'Grace Gomez', 'member', 12),
  staff('1007', 'Henrik Holm', 'member', 9),
  staff('1008', 'Vera Visser', 'viewer', 6, 'invitation', 'vera@visser-consulting.nl'),
  staff('1009', 'Jun Ito', 'member', 2),
] as const
const ASKING = [
  staff('1010', 'Kim Novak', 'member', 0.1, 'domain', 'kim@acme-labs.com'),
  staff('1011', 'Lars Lund', 'member', 1.2, 'domain', 'lars@acme-labs.com'),
] as const
const OPERATOR = staff('1900', 'Olga Orlova', 'operator', 0, '', 'olga@example.com')
const NEWCOMER = staff('1901', 'Nora Nilsen', 'owner', 0, 'operator', 'nora@initech.com')
const WHO = {
  owner: STAFF[0],
  admin: STAFF[1],
  member: STAFF[2],
  viewer: STAFF[7],
  operator: OPERATOR,
  newcomer: NEWCOMER,
}
export type Whom = keyof typeof WHO

export interface Company {
  readonly server: RunningGatehouse
  /** With everything. */
  readonly slug: string
  /** Where nothing happened yet. */
  readonly empty: string
  /** For the parameters of routes. */
  readonly ids: Readonly<Record<'slug' | 'name' | 'member' | 'domain' | 'id', string>>
  /** The confirmation that waits for the owner. */
  readonly confirmation: string
  /** Addresses of domains by how they stand. */
  readonly domains: Readonly<Record<'verified' | 'pending' | 'missing' | 'lapsed' | 'contested', string>>
  /** A browser in which they signed in just now. */
  open(browser: Browser, whom: Whom, options?: BrowserContextOptions): Promise<BrowserContext>
  close(): Promise<void>
}

/** @param publicUrl of production, such as `https://mcp.example.com`: the browser is led to this machine; default: http on loopback. */
export async function startCompany(kind: DatabaseKind, publicUrl: string | null = null): Promise<Company> {
  let ahead = 0
  const clock = { now: (): number => Date.now() + ahead }
  const [fake, dns, port] = [await startFakeProvider(), await startDns(), await freePort()]
  const local = `http://127.0.0.1:${port}`
  const server = await startGatehouse({
    kind,
    env: {
      PORT: String(port),
      HOST: '127.0.0.1',
      ...(publicUrl !== null && { PUBLIC_URL: publicUrl, ALLOWED_HOSTS: `127.0.0.1:${port}`, ALLOW_EMBEDDED: 'true' }),
      GOOGLE_CLIENT_ID: GOOGLE,
      GOOGLE_CLIENT_SECRET: LOGIN_SECRET,
      GITHUB_CLIENT_ID: 'Iv1.gatehouse',
      GITHUB_CLIENT_SECRET: LOGIN_SECRET,
      OPERATORS: `google:${OPERATOR.email}`,
      DNS_SERVERS: dns.address,
      EGRESS_ALLOW_PRIVATE: 'true',
      UNMAPPED_DOMAINS: 'reject',
      PERSONAL_TENANTS: 'off',
      RATE_LIMIT_PER_IP: '100000',
    },
    parts: { clock, endpoints: fake.endpoints },
  })
  const { sql } = server.database
  const run = async (line: readonly string[]): Promise<void> => {
    const { exit, stderr } = await gatehouse(server, line)
    if (exit !== 0) throw new Error(`${line.join(' ')}: ${stderr}`)
  }
  const add = async (slug: string, { sub, name, role, email }: ReturnType<typeof staff>): Promise<void> =>
    await run(['member', 'add', slug, `google:${sub}`, '--role', role, '--name', name, '--email', email])

  const sessions = createSessions({ secrets: server.config.sessionSecrets, publicUrl: server.url, clock: systemClock })
  const cookie = `${publicUrl === null ? '' : '__Host-'}gh_session`
  function sealed(whom: Whom): string {
    const { sub, name, email } = WHO[whom]
    const hd = email.split('@')[1] ?? ''
    const identity = {
      provider: 'google',
      iss: 'https://accounts.google.com',
      sub,
      email,
      email_verified: true,
      email_authority: 'live' as const,
      name,
      scopes: null,
      organization: { kind: 'hd' as const, value: hd },
      tenant: null,
      client_id: null,
      exp: null,
      iat: null,
      picture: null,
      key: null,
      claims: {},
    }
    return sessions.seal(sessions.begin(identity, Date.now()))
  }
  /** A browser as far as the filling needs one. */
  function office(whom: Whom): {
    readonly at: Visitor
    send(path: string, form: Record<string, string>): Promise<string>
  } {
    const at = visitor(server, local)
    at.jar.set(cookie, sealed(whom))
    return {
      at,
      async send(path, form) {
        const { status, text, location } = await at.post(`/console/t/acme${path}`, { csrf: await at.csrf(), ...form })
        if (status > 303) throw new Error(`${path}: ${status} ${text}`)
        return location ?? text
      },
    }
  }

  await run(['tenant', 'create', 'acme', '--name', 'Acme'])
  await run(['tenant', 'create', 'initech', '--name', 'Initech'])
  await run(['tenant', 'create', 'acme_holding', '--name', 'Acme Holding'])
  for (const person of [...STAFF, ...ASKING]) await add('acme', person)
  await add('initech', NEWCOMER)

  const domains = {
    verified: 'acme.com',
    pending: 'acme.dev',
    missing: 'acme.io',
    lapsed: 'acme-labs.com',
    contested: 'acme.org',
  } as const
  const owner = office('owner')
  const recordAt = (domain: string): string => `_gatehouse-challenge.${domain}`
  for (const domain of Object.values(domains)) {
    dns.txt(domain, 'v=spf1 -all')
    if (domain === domains.contested) await run(['domain', 'add', 'acme_holding', domain])
    await owner.send('/domains', { domain })
    if (domain === domains.pending) continue
    const [row] = await sql<{ token: string }>(
      `SELECT token FROM gatehouse.domains d JOIN gatehouse.tenants t ON t.id = d.tenant_id WHERE domain = $1 AND slug = 'acme'`,
      [domain],
    )
    dns.txt(recordAt(domain), `token=${row?.token ?? ''}`)
    await owner.send(`/domains/${domain}/check`, {})
  }
  for (const domain of [domains.missing, domains.lapsed]) dns.remove(recordAt(domain))
  ahead = MINUTE
  for (const domain of [domains.missing, domains.lapsed]) await owner.send(`/domains/${domain}/check`, {})
  await sql(`UPDATE gatehouse.domains SET failing_since = failing_since - interval '8 days' WHERE domain = $1`, [
    domains.lapsed,
  ])
  ahead = 2 * MINUTE
  await owner.send(`/domains/${domains.lapsed}/check`, {})
  ahead = 0
  await sql(
    `UPDATE gatehouse.domains SET created_at = now() - interval '29 days', claimed_at = now() - interval '29 days',
      verified_at = verified_at - interval '29 days', checked_at = now() - CASE state WHEN 'lapsed' THEN interval '5 days'
        ELSE interval '3 hours' END, lapsed_at = lapsed_at - interval '5 days', next_check = now() + interval '9 hours'`,
  )

  await sql(
    `UPDATE gatehouse.tenants SET created_at = now() - CASE slug WHEN 'acme' THEN interval '32 days' ELSE interval '3 days' END`,
  )

  // People, as they would have come.
  for (const { sub, days, source, email } of [...STAFF, ...ASKING])
    await sql(
      `UPDATE gatehouse.members SET created_at = now() - $2 * interval '1 day', source = $3, evidence = $4 WHERE sub = $1`,
      [sub, days, source, source === 'domain' ? email.split('@')[1] : null],
    )
  await sql(`UPDATE gatehouse.members SET status = 'requested' WHERE sub = ANY($1)`, [ASKING.map(({ sub }) => sub)])
  for (const [email, role] of [
    ['mia@visser-consulting.nl', 'viewer'],
    ['oscar@northwind.example', 'member'],
  ] as const)
    await owner.send('/people/invite', { email, role, life: '7' })

  // Keys: one that works, one that ends soon, one that somebody turned off.
  const keys: string[] = []
  for (const [name, access, expires_at] of [
    ['CI of the website', 'read', '90'],
    ['nightly export', 'read', '365'],
    ['reporting (old)', 'read', '30'],
  ] as const) {
    const text = await owner.send('/keys/new', { name, access, expires_at, requests_per_hour: '', cidrs: '' })
    keys.push(/gh_key_[0-9A-Za-z]{12}_[0-9A-Za-z_]+/.exec(text)?.[0] ?? '')
  }
  const [, ci = ''] = /^gh_key_([^_]+)/.exec(keys[0] ?? '') ?? []
  const [, old = ''] = /^gh_key_([^_]+)/.exec(keys[2] ?? '') ?? []
  await owner.send(`/keys/${old}/revoke`, { confirm: 'reporting (old)' })
  await sql(`UPDATE gatehouse.api_keys SET created_at = now() - interval '20 days'`)
  await sql(`UPDATE gatehouse.api_keys SET expires_at = now() + interval '9 days' WHERE name = 'nightly export'`)

  // Calls, each really made.
  const mcp = `${local}/t/acme/mcp`
  const call = async (token: string, name: string, args: Record<string, unknown> = {}): Promise<string> =>
    (await rpc(mcp, token, 'tools/call', { name, arguments: args })).text
  const tokenOf = async ({ sub, name, email }: ReturnType<typeof staff>): Promise<string> =>
    await fake.google.sign({
      aud: GOOGLE,
      azp: GOOGLE,
      sub,
      email,
      email_verified: true,
      hd: email.split('@')[1],
      name,
    })
  const [alice, bob, carol, vera] = [
    await tokenOf(STAFF[0]),
    await tokenOf(STAFF[2]),
    await tokenOf(STAFF[3]),
    await tokenOf(STAFF[7]),
  ]
  const idIn = (text: string): string => /id ([0-9a-f-]{36})/.exec(text)?.[1] ?? ''
  const website = idIn(await call(carol, 'create_project', { name: 'Website' }))
  const launch = idIn(await call(bob, 'create_project', { name: 'Launch in May' }))
  await call(carol, 'create_todo', { project_id: website, title: 'Write the imprint' })
  await call(keys[0] ?? '', 'list_projects')
  await call(keys[0] ?? '', 'list_todos', {})
  await call(vera, 'list_projects')
  await call(alice, 'search_documents', { query: 'contract' })
  await call(keys[0] ?? '', 'list_todos', {})
  await call(carol, 'get_project', { id: launch })
  await call(bob, 'delete_project', { id: launch })
  await call(carol, 'get_project', { id: launch })
  await call(vera, 'list_todos', {})

  // What power changes waits in the console.
  await run(['tenant', 'settings', 'acme', '--mcp-admin', 'on'])
  const [bobs] = await sql<{ id: string }>(`SELECT id FROM gatehouse.members WHERE sub = $1`, [STAFF[2].sub])
  const asked = await call(alice, 'set_member_role', { member: bobs?.id ?? '', role: 'admin' })
  const confirmation = /confirm\/([0-9a-f-]{36})/.exec(asked)?.[1] ?? ''
  if (confirmation === '') throw new Error(`nothing waits: ${asked}`)

  await until(async () => (await tools()).length >= 12)
  await spread(`gatehouse.audit`, 37)
  await spread(`${await schema()}.audit`, 2)
  await calls()

  return {
    server,
    slug: 'acme',
    empty: 'initech',
    ids: { slug: 'acme', name: 'acme', member: bobs?.id ?? '', domain: domains.pending, id: ci },
    confirmation,
    domains,
    async open(browser, whom, options = {}) {
      const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
      await context.addCookies([
        {
          name: cookie,
          value: sealed(whom),
          url: server.url,
          httpOnly: true,
          secure: publicUrl !== null,
          sameSite: 'Lax',
        },
      ])
      if (publicUrl !== null)
        await context.route(`${publicUrl}/**`, async (route) => {
          const to = new URL(route.request().url())
          await route.fulfill({
            response: await route.fetch({ url: `${local}${to.pathname}${to.search}`, maxRedirects: 0 }),
          })
        })
      return context
    },
    async close() {
      await server.close()
      await dns.close()
      await fake.close()
    },
  }

  async function schema(): Promise<string> {
    const [row] = await sql<{ schema: string }>(`SELECT schema FROM gatehouse.tenants WHERE slug = 'acme'`)
    return row?.schema ?? ''
  }
  async function tools(): Promise<object[]> {
    return await sql(`SELECT id FROM ${await schema()}.audit`)
  }
  /** Rows of an audit, set back further and further: the last is `minutes` old. Ids say the time too. */
  async function spread(table: string, minutes: number): Promise<void> {
    await sql(
      `UPDATE ${table} a SET at = b.at,
        id = (lpad(to_hex((extract(epoch FROM b.at) * 1000)::bigint), 12, '0') || substr(replace(a.id::text, '-', ''), 13))::uuid
      FROM (SELECT id, now() - (n * n * $1 + n * 3) * interval '1 minute' AS at
        FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM ${table}) rows) b
      WHERE a.id = b.id`,
      [minutes],
    )
  }
  /** A month of calls: weekends are quiet, and it grows. */
  async function calls(): Promise<void> {
    await sql(
      `INSERT INTO gatehouse.usage (hour, tenant_id, tool, iss, sub, provider, calls, failures, refusals, total_ms, max_ms)
      SELECT date_trunc('hour', now()) - day * interval '1 day' - interval '2 hours', t.id, tool, iss, sub, provider, n,
        (n * failing)::int, CASE WHEN day % 11 = 3 AND tool = 'list_todos' AND busy > 0.9 THEN (busy * 2)::int ELSE 0 END, n * ms, ms * 9
      FROM gatehouse.tenants t, generate_series(1, 29) day,
        (VALUES ('list_todos', 1.0, 0.01, 14), ('search_documents', 0.6, 0.04, 38), ('create_todo', 0.4, 0.02, 17),
          ('complete_todo', 0.3, 0, 12), ('get_document', 0.25, 0.03, 9), ('create_document', 0.1, 0.01, 44))
          tools (tool, share, failing, ms),
        (VALUES ('https://accounts.google.com', '1003', 'google', 1.0), ('https://accounts.google.com', '1004', 'google', 0.7),
          ('https://accounts.google.com', '1006', 'google', 0.5), ('https://accounts.google.com', '1001', 'google', 0.2),
          ('urn:gatehouse:api-key', $1, 'api-key', 1.6)) callers (iss, sub, provider, busy),
        LATERAL (SELECT CASE WHEN extract(isodow FROM now() - day * interval '1 day') > 5 THEN 0.12 ELSE 1 END * busy * share
          * (60 - day + 14 * sin(day * 1.7)) AS wanted) w,
        LATERAL (SELECT greatest(1, round(wanted))::int AS n) c
      WHERE t.slug = 'acme'
      ON CONFLICT DO NOTHING`,
      [ci],
    )
  }
}
