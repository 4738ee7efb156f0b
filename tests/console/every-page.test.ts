import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { startDns, type DnsServer } from '../support/dns.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { upperKinds } from '../support/database.ts'
import { mounted } from './mounted.ts'
import { readable, SESSION, signedInAs, visitor, type Somebody, type Visitor } from './support.ts'
import { FORMS, PAGES, type Least } from './who-may.ts'

let server: RunningGatehouse
let dns: DnsServer
const SLUG = 'acme_test'

const somebody = (sub: string, email = `${sub}@acme.test`): Somebody => ({ sub, email, name: sub })
/** From those who may nothing to those who may all; the last two are somewhere else. */
const PEOPLE = {
  viewer: somebody('vera'),
  member: somebody('max'),
  admin: somebody('dan'),
  owner: somebody('alice'),
  stranger: somebody('bob', 'bob@globex.test'),
  operator: somebody('olga', 'olga@operators.test'),
} as const
type Who = keyof typeof PEOPLE
const EVERYBODY = Object.keys(PEOPLE) as Who[]
const RANKS = ['viewer', 'member', 'admin', 'owner'] as const

const may = (who: Who, least: Least): boolean => {
  if (least === 'public' || least === 'person') return true
  if (least === 'operator' || who === 'operator') return least === who
  return who !== 'stranger' && RANKS.indexOf(who) >= RANKS.indexOf(least)
}

const ids: Record<string, string> = { slug: SLUG, provider: 'development', name: SLUG, domain: 'acme.test' }

/** Routes as addresses of things that are there, or of things that are nowhere. */
const addressOf = (route: string): string => {
  const path = route.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? '0197aaaa-0000-7000-8000-000000000000')
  return path === '/console/account/leave' ? `${path}?organisation=${SLUG}` : path
}

interface Entered {
  readonly visitor: Visitor
  readonly csrf: string
}
/** Browsers in which they signed in just now, in two sessions each, and long ago. */
const sessions = new Map<string, Entered>()
async function enter(who: Who, session: 'now' | 'again' | 'long ago' = 'now'): Promise<Entered> {
  const key = `${who} ${session}`
  const visitor = sessions.get(key)?.visitor ?? signedInAs(server, PEOPLE[who], { fresh: session !== 'long ago' })
  const entered = sessions.get(key) ?? { visitor, csrf: await visitor.csrf() }
  sessions.set(key, entered)
  return entered
}

beforeAll(async () => {
  dns = await startDns()
  server = await startGatehouse({
    kind: upperKinds[0] ?? 'postgres',
    env: {
      DNS_SERVERS: dns.address,
      OPERATORS: `development:${PEOPLE.operator.email}`,
      PERSONAL_TENANTS: 'off',
      RATE_LIMIT: 'off',
    },
  })
  // Their tenants are made when they are first seen.
  for (const name of ['alice', 'bob']) {
    const who = visitor(server)
    await who.signIn(name)
    await who.get('/console')
  }
  const roles = [...(['viewer', 'member', 'admin'] as const).map((role) => [PEOPLE[role].sub, role]), ['tom', 'viewer']]
  for (const [sub = '', role = ''] of roles) {
    const ran = await gatehouse(server, ['member', 'add', SLUG, `development:${sub}`, '--role', role, '--json'])
    if (ran.exit !== 0) throw new Error(ran.stderr)
    // In the end Tom, who does nothing himself.
    ids['member'] = (ran.json() as { id: string }).id
  }
}, 60_000)
afterAll(async () => {
  await server?.close()
  await dns?.close()
})

test('who may open and send what is written down for every page and form there is', async () => {
  const { pages, forms } = await mounted()
  expect(pages.filter((path) => !path.startsWith('/console/assets/'))).toEqual(Object.keys(PAGES).toSorted())
  expect(forms).toEqual(Object.keys(FORMS).toSorted())
  // Nothing was missed by looking in the wrong place.
  expect([pages.length > 25, forms.length > 30]).toEqual([true, true])
})

describe('every page', () => {
  test.each(Object.entries(PAGES).filter(([, least]) => least !== 'public'))(
    '%s is for %s and up, and 403 for everybody else',
    async (route, least) => {
      const nobody = await visitor(server).get(addressOf(route))
      expect([nobody.status, nobody.location]).toEqual([303, expect.stringMatching(/^\/console\/login\?/)])
      for (const who of EVERYBODY) {
        const { status, text } = await (await enter(who)).visitor.get(addressOf(route))
        // 404: the things that are nowhere.
        if (may(who, least)) expect([200, 303, 404], `${who} ${readable(text)}`).toContain(status)
        else expect([who, status], readable(text)).toEqual([who, 403])
      }
    },
  )
})

describe('every form', () => {
  const origin = (): Record<string, string> => ({ origin: server.url, 'sec-fetch-site': 'same-origin' })
  /** As a page of somebody else sends it; and as nothing that is a browser of today. */
  const ELSEWHERE = [
    { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'null' },
    {},
  ] as const
  const REFUSED = /This form was not sent from the console/

  /** All that a form could have changed. */
  async function state(): Promise<unknown> {
    const tables = ['tenants', 'domains', 'members', 'api_keys', 'invitations', 'confirmations', 'session_cutoffs']
    const parts = tables.map(
      (name) => `SELECT '${name}' AS name, count(*)::int AS rows, md5(string_agg(t::text, ',' ORDER BY t::text))
        AS digest FROM gatehouse.${name} t`,
    )
    return await server.database.sql(parts.join(' UNION ALL '))
  }

  test.each(Object.entries(FORMS))('%s (%s) refuses what no page of this session sent', async (route, least) => {
    const [who, other]: [Who, Who] = least === 'operator' ? ['operator', 'owner'] : ['owner', 'operator']
    const { visitor: sender, csrf } = await enter(who)
    const [again, somebodyElse] = [await enter(who, 'again'), await enter(other)]
    expect(csrf).toMatch(/^[\w-]{43}$/)
    const before = await state()
    const ask = async (form: Record<string, string>, headers: Record<string, string>) => {
      const { status, text } = await sender.post(addressOf(route), form, headers)
      return [status, REFUSED.test(readable(text))]
    }
    for (const headers of ELSEWHERE)
      expect([headers, await ask({ csrf, organisation: SLUG, provider: 'development' }, headers)]).toEqual([
        headers,
        [403, true],
      ])
    if (least !== 'public')
      for (const token of ['', 'A'.repeat(43), again.csrf, somebodyElse.csrf])
        expect([token, await ask({ csrf: token, organisation: SLUG }, origin())]).toEqual([token, [403, true]])
    expect(sender.jar.has(SESSION)).toBe(true)
    expect(await state()).toEqual(before)
  })

  test.each(Object.entries(FORMS).filter(([, least]) => least !== 'public' && least !== 'person'))(
    '%s is for %s and up, and 403 for everybody else',
    async (route, least) => {
      const nobody = await visitor(server).post(addressOf(route), {})
      expect([nobody.status, nobody.location]).toEqual([303, expect.stringMatching(/^\/console\/login\?/)])
      for (const who of EVERYBODY) {
        // Not fresh: what changes power goes no further than to the question who they are.
        const { visitor, csrf } = await enter(who, 'long ago')
        const { status, text } = await visitor.post(addressOf(route), { csrf, organisation: SLUG })
        if (may(who, least)) expect([200, 303, 404, 409, 422], `${who} ${readable(text)}`).toContain(status)
        else expect([who, status], readable(text)).toEqual([who, 403])
      }
    },
  )
})
