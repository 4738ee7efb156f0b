import { expect } from 'vitest'
import { gatehouse } from '../../support/command.ts'
import { presented, says, type Expected, type Row } from '../answers.ts'
import { ENTRA_TENANT, AUDIENCE, GOOGLE_CLIENT, type World } from '../world.ts'

/** security.md 3e: whose tenant somebody is in. Each row is a person of its own: a member is one whatever their address says later. */
let people = 0
const person = (): string => `person-${(people += 1)}`

const addressed = (id: string, what: string, claims: Record<string, unknown>, answer: Expected): Row =>
  presented(id, what, answer, (world) => world.token({ claims: { sub: person(), ...claims } }))

const google = (id: string, what: string, claims: Record<string, unknown>, answer: Expected): Row =>
  presented(
    id,
    what,
    answer,
    async (world) =>
      await world.fake.google.sign({ sub: person(), aud: GOOGLE_CLIENT, email_verified: true, ...claims }),
  )

const googleAccess = (id: string, what: string, user: Record<string, unknown>, answer: Expected): Row =>
  presented(
    id,
    what,
    answer,
    (world) =>
      world.fake.google.grant({ sub: person(), aud: GOOGLE_CLIENT, email: 'x@acme.test', hd: 'acme.test' }, { user }),
    { outbound: 2 },
  )

const entra = (id: string, what: string, claims: Record<string, unknown>, answer: Expected): Row =>
  presented(
    id,
    what,
    answer,
    async (world) =>
      await world.entra.sign({ sub: person(), aud: AUDIENCE, tid: ENTRA_TENANT, email: 'a@acme.test', ...claims }),
  )

/** What whoami says: alice, in acme, as a member, whatever else was sent. */
const isAlice: Row['also'] = ({ text }) => {
  expect(text).toContain('"user_id":"main:alice-1"')
  expect(text).toContain('"slug":"acme"')
  expect(text).toContain('"role":"member"')
}

const spoofing = (header: string, value: string): Row => ({
  id: 'E13',
  what: `${header} of the client`,
  answer: 'served',
  send: async (world) => await world.call(world.token(), { [header]: value }),
  also: isAlice,
})

const at = (what: string, path: string): Row => ({
  id: 'E13',
  what,
  answer: 'denied',
  send: async (world: World) => {
    const answer = await fetch(world.server.url + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${world.token()}`,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'whoami', arguments: { tenant: 'acme' } },
      }),
    })
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  },
})

export const identity: readonly Row[] = [
  ...[false, undefined, 'false', 'true', 0, 1, null, {}, [true]].map((email_verified) =>
    addressed('E1', `email_verified is ${JSON.stringify(email_verified) ?? 'missing'}`, { email_verified }, 'denied'),
  ),
  addressed('E1', 'email_verified is true', {}, 'served'),
  googleAccess('E2', 'userinfo of Google says "true"', { email_verified: 'true' }, 'served'),
  googleAccess(
    'E2',
    'userinfo of Google says "false", and no hd',
    { email_verified: 'false', hd: undefined },
    'denied',
  ),
  ...(
    [
      ['two @', 'alice@acme.test@acme.test'],
      ['two @, another domain first', 'alice@evil.test@acme.test'],
      ['a quoted local part', '"alice@evil.test"@acme.test'],
      ['a comment', 'alice(x)@acme.test'],
      ['a comment behind the domain', 'alice@acme.test(x)'],
      ['no @', 'acme.test'],
      ['no local part', '@acme.test'],
      ['a space in front', ' alice@acme.test'],
      ['a space behind', 'alice@acme.test '],
      ['a line break', 'alice@acme.test\n'],
      ['NUL', 'alice@acme.test\0'],
      ['a display name', 'Alice <alice@acme.test>'],
      ['a list', ['alice@acme.test']],
      ['several addresses', 'alice@acme.test,bob@evil.test'],
      ['300 characters', `${'a'.repeat(290)}@acme.test`],
      ['an address literal', 'alice@[127.0.0.1]'],
      ['a percent', 'alice%acme.test@evil.test'],
    ] as const
  ).map(([what, email]) => addressed('E3', `an address with ${what}`, { email }, 'denied')),
  addressed('E4', 'the domain in upper case', { email: 'alice@ACME.TEST' }, 'served'),
  addressed('E5', 'a dot behind the domain', { email: 'alice@acme.test.' }, 'denied'),
  addressed('E5', 'a dot before the domain', { email: 'alice@.acme.test' }, 'denied'),
  addressed('E5', 'two dots in the domain', { email: 'alice@acme..test' }, 'denied'),
  addressed('E6', 'a Cyrillic letter', { email: 'alice@acm\u0435.test' }, 'denied'),
  addressed('E6', 'a fullwidth @', { email: 'alice\uff20acme.test' }, 'denied'),
  addressed('E6', 'a fullwidth dot', { email: 'alice@acme\uff0etest' }, 'denied'),
  addressed('E6', 'an ideographic dot', { email: 'alice@acme\u3002test' }, 'denied'),
  addressed('E6', 'the Kelvin sign for k', { email: 'alice@\u212aiosk.test' }, 'denied'),
  addressed('E6', 'k itself', { email: 'alice@kiosk.test' }, 'served'),
  addressed('E6', 'a soft hyphen', { email: 'alice@ac\u00adme.test' }, 'denied'),
  addressed('E6', 'a zero-width joiner', { email: 'alice@acme\u200d.test' }, 'denied'),
  addressed('E6', 'the punycode of a homograph', { email: 'alice@xn--acm-olc.test' }, 'denied'),
  ...[
    'evilacme.test',
    'acme.test.evil.test',
    'sub.acme.test',
    'acme.tes',
    'cme.test',
    'test',
    'acme-test',
    'acme.testx',
  ].map((domain) => addressed('E7', `the domain ${domain}`, { email: `alice@${domain}` }, 'denied')),
  presented(
    'E8',
    'a plus address is another person',
    'served',
    (world) => world.token({ claims: { sub: 'plus', email: 'alice+x@acme.test' } }),
    {
      also: says('"user_id":"main:plus"'),
    },
  ),
  presented(
    'E8',
    'one address and another sub is another person',
    'served',
    (world) => world.token({ claims: { sub: 'other' } }),
    {
      also: says('"user_id":"main:other"'),
    },
  ),
  presented(
    'E9',
    'the address of a domain that GitHub may not assert',
    'denied',
    (world) =>
      world.fake.github.grant({
        id: 9,
        login: 'alice',
        emails: [{ email: 'alice@acme.test', primary: true, verified: true }],
      }),
    { outbound: 2 },
  ),
  google('E10', 'a consumer account of Google with an address of the company', { email: 'alice@acme.test' }, 'denied'),
  google('E10', 'an account of the company', { email: 'alice@acme.test', hd: 'acme.test' }, 'served'),
  google(
    'E10',
    'an account of another company with an address of ours',
    { email: 'alice@acme.test', hd: 'evil.test' },
    'denied',
  ),
  entra('E11', 'an address that the admin of a directory wrote', {}, 'denied'),
  entra('E11', 'the same with email_verified', { email_verified: true }, 'denied'),
  entra('E11', 'an address whose domain belongs to the directory', { xms_edov: true }, 'served'),
  entra('E11', 'a token of another directory', { tid: '99999999-2222-3333-4444-555555555555', xms_edov: true }, 'A1'),
  {
    id: 'E12',
    what: 'a public mailbox as the domain of a tenant',
    answer: 'denied',
    send: async (world) => {
      const { exit } = await gatehouse(world.server, 'domain add acme gmail.com --asserted-by google')
      expect(exit).toBe(1)
      return await world.call(
        await world.fake.google.sign({ sub: person(), aud: GOOGLE_CLIENT, email: 'x@gmail.com', email_verified: true }),
      )
    },
  },
  spoofing('x-tenant-id', 'globex'),
  spoofing('x-tenant', 'globex'),
  spoofing('x-forwarded-user', 'root'),
  spoofing('x-auth-request-email', 'root@globex.test'),
  spoofing('x-forwarded-email', 'root@globex.test'),
  spoofing('x-role', 'owner'),
  spoofing('x-original-url', '/t/globex/mcp'),
  spoofing('x-rewrite-url', '/t/globex/mcp'),
  at('the endpoint of another tenant', '/t/globex/mcp'),
  at('the endpoint of no tenant', '/t/nowhere/mcp'),
  presented('E14', 'NUL, line breaks, ANSI and 10 KB in the name', 'served', (world) =>
    world.token({ claims: { name: `\0\r\nfatal: forged line\u001b[31m${'x'.repeat(3_000)}` } }),
  ),
  {
    id: 'E15',
    what: 'a line break and JSON in User-Agent and path',
    answer: 404,
    send: async (world) =>
      await world.rawCall(
        ['User-Agent: x","level":"fatal","msg":"forged line'],
        'POST /nowhere%0a%7B%22level%22:%22fatal%22,forged%20line',
      ),
  },
]
