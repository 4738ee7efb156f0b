import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDns } from '#tenancy/dns.ts'
import { challengeOf, doubledNames, newChallengeToken } from '#tenancy/domain-challenge.ts'
import { checkDomain } from '#tenancy/domain-check.ts'
import { domainProblem } from '#tenancy/domain-problem.ts'
import { startDns, type DnsServer } from '../support/dns.ts'

const TOKEN = 'abcdefghijklmnopqrstuvwxyz'
const NAME = '_gatehouse-challenge.acme.com'

let server: DnsServer
beforeAll(async () => {
  server = await startDns()
})
afterAll(async () => await server.close())

describe('questions to a real DNS server', () => {
  const dns = () => createDns({ servers: [server.address], limit: 300 })

  test('records come with their character-strings joined, and whom it asked is said', async () => {
    server.txt('joined.test', ['token=', 'abc'], 'other')
    expect(await dns().txt('joined.test')).toEqual({ kind: 'records', values: ['token=abc', 'other'] })
    expect(dns().from).toBe(server.address)
  })

  test('a name without such a record, and no name at all, are two things', async () => {
    server.txt('bare.test')
    expect(await dns().txt('bare.test')).toEqual({ kind: 'empty' })
    expect(await dns().cname('bare.test')).toEqual({ kind: 'empty' })
    expect(await dns().txt('nowhere.test')).toEqual({ kind: 'no_name' })
  })

  test.each([
    ['SERVFAIL', 'ESERVFAIL'],
    ['REFUSED', 'EREFUSED'],
  ] as const)('%s is no answer', async (failure, cause) => {
    server.fail('failing.test', failure)
    expect(await dns().txt('failing.test')).toEqual({ kind: 'unjudged', cause })
  })

  test('silence ends at the limit, and is no answer', async () => {
    server.fail('silent.test', 'silence')
    const began = performance.now()
    expect(await dns().txt('silent.test')).toMatchObject({ kind: 'unjudged' })
    expect(performance.now() - began).toBeLessThan(3_000)
  })

  test('of more than 256 records the first 256 are looked at', async () => {
    server.txt('many.test', ...Array.from({ length: 300 }, (_, index) => `record ${index}`))
    const answer = await dns().txt('many.test')
    expect(answer.kind === 'records' && answer.values).toHaveLength(256)
  })

  test('nothing is remembered: the next question sees what is there then', async () => {
    server.txt('changing.test', 'one')
    const one = dns()
    expect(await one.txt('changing.test')).toMatchObject({ values: ['one'] })
    server.txt('changing.test', 'two')
    expect(await one.txt('changing.test')).toMatchObject({ values: ['two'] })
  })
})

describe('the record of a claim', () => {
  test('a token has 128 bits in 26 characters of base32, each another one', () => {
    const tokens = Array.from({ length: 100 }, newChallengeToken)
    expect(tokens.every((token) => /^[a-z2-7]{26}$/.test(token))).toBe(true)
    expect(new Set(tokens).size).toBe(100)
    // 128 bits fill 25 characters and 3 bits of the last.
    expect(tokens.every((token) => 'aeimquy4'.includes(token.slice(-1)))).toBe(true)
  })

  test.each([
    ['acme.com', '_gatehouse-challenge', '_gatehouse-challenge.acme.com.'],
    ['eu.acme.com', '_gatehouse-challenge.eu', '_gatehouse-challenge.eu.acme.com.'],
    ['acme.co.uk', '_gatehouse-challenge', '_gatehouse-challenge.acme.co.uk.'],
  ])('%s: in the form for a panel that adds the zone, and in full', (domain, relative, absolute) => {
    expect(challengeOf(domain, TOKEN)).toEqual({
      name: absolute.slice(0, -1),
      name_relative: relative,
      name_absolute: absolute,
      expected: `token=${TOKEN}`,
    })
  })

  test('the doubled names are those of the domain and of its zone', () => {
    expect(doubledNames('acme.com')).toEqual([`${NAME}.acme.com`])
    expect(doubledNames('eu.acme.com')).toEqual([
      '_gatehouse-challenge.eu.acme.com.eu.acme.com',
      '_gatehouse-challenge.eu.acme.com.acme.com',
    ])
  })
})

describe('looking for the record', () => {
  const NAMES = [NAME, `${NAME}.acme.com`, 'acme.com', 'elsewhere.test']
  beforeEach(() => {
    for (const name of NAMES) {
      server.remove(name)
      server.fail(name, null)
      for (const type of ['TXT', 'CNAME']) server.fail(name, null, type)
    }
    server.txt('acme.com', 'v=spf1 -all')
    server.asked.length = 0
  })
  const check = async () => await checkDomain(createDns({ servers: [server.address], limit: 300 }), 'acme.com', TOKEN)
  const saying = (code: string) => domainProblem(code, 'acme.com')?.message ?? ''

  test.each([
    ['as shown', [`token=${TOKEN}`]],
    ['among others', ['v=spf1 -all', 'token=ofanotherclaim', `token=${TOKEN}`]],
    ['in several character-strings', [['token=', TOKEN]]],
    ['with what a panel did to its case', [`TOKEN=${TOKEN.toUpperCase()}`]],
    ['with more pairs and spaces', [` token=${TOKEN}  expiry=never `]],
  ])('proved: the record %s', async (_, records) => {
    server.txt(NAME, ...records)
    expect(await check()).toMatchObject({ verdict: 'proved', problem: null })
    expect(server.asked.toSorted()).toEqual([`CNAME ${NAME}`, `TXT ${NAME}`])
  })

  test('what was seen is told with the name and the server, printable and cut', async () => {
    server.txt(NAME, `token=wrong\u0007\u202E`, 'x'.repeat(250) + 'y'.repeat(5), ['z'.repeat(200), 'z'.repeat(200)])
    expect((await check()).seen).toEqual([
      {
        name: NAME,
        values: ['token=wrong\uFFFD\uFFFD', 'x'.repeat(250) + 'y'.repeat(5), `${'z'.repeat(300)}...`],
        from: server.address,
      },
    ])
  })

  test.each([
    ['wrong_token', ['token=zzzzzzzzzzzzzzzzzzzzzzzzzz'], 'of another claim'],
    ['no_token', ['v=spf1 -all'], 'none is a token'],
    ['quotes', [`"token=${TOKEN}"`], 'without them'],
    ['quotes', [`\\"token=${TOKEN}\\"`], 'without them'],
    ['quotes', [`\u201Ctoken=${TOKEN}\u201D`], 'without them'],
    ['format', [TOKEN], 'the whole value is token= and the token'],
    ['format', [`token = ${TOKEN}`], 'without spaces'],
    ['format', [`token=${TOKEN}x`], 'the whole value'],
  ] as const)('%s: %j', async (problem, records, words) => {
    server.txt(NAME, ...records)
    const found = await check()
    expect(found).toMatchObject({ verdict: 'absent', problem })
    expect(found.seen[0]?.values).toHaveLength(records.length)
    expect(saying(problem)).toContain(words)
  })

  test('no_name: there is nothing yet', async () => {
    expect(await check()).toEqual({ verdict: 'absent', problem: 'no_name', seen: [] })
    expect(saying('no_name')).toContain(`There is nothing at ${NAME} yet`)
  })

  test('no_record: the name is there, without TXT', async () => {
    server.txt(NAME)
    expect(await check()).toEqual({ verdict: 'absent', problem: 'no_record', seen: [] })
    expect(saying('no_record')).toContain(`no TXT record at ${NAME}`)
  })

  test('no_domain: the domain itself is not there', async () => {
    server.remove('acme.com')
    expect(await check()).toEqual({ verdict: 'absent', problem: 'no_domain', seen: [] })
    expect(saying('no_domain')).toContain('acme.com is not in the DNS')
  })

  test('doubled: the panel added the zone once more', async () => {
    server.txt(`${NAME}.acme.com`, `token=${TOKEN}`)
    expect(await check()).toEqual({
      verdict: 'absent',
      problem: 'doubled',
      seen: [{ name: `${NAME}.acme.com`, values: [`token=${TOKEN}`], from: server.address }],
    })
    expect(saying('doubled')).toBe(
      `The record stands at ${NAME}.acme.com: the panel adds the zone by itself. Enter only _gatehouse-challenge as the name.`,
    )
  })

  test('apex: at the domain itself; its other records are nobody’s business', async () => {
    server.txt('acme.com', 'v=spf1 -all', `token=${TOKEN}`)
    expect(await check()).toMatchObject({
      problem: 'apex',
      seen: [{ name: 'acme.com', values: [`token=${TOKEN}`] }],
    })
    expect(saying('apex')).toContain(`It belongs to the name ${NAME}`)
  })

  test('alias: proves nothing, even with the right record behind it', async () => {
    server.txt('elsewhere.test', `token=${TOKEN}`)
    server.cname(NAME, 'elsewhere.test')
    const found = await check()
    expect(found).toMatchObject({ verdict: 'absent', problem: 'alias' })
    expect(found.seen[0]?.values).toEqual(['CNAME elsewhere.test'])
    expect(saying('alias')).toContain('remove the alias')
  })

  test.each(['SERVFAIL', 'REFUSED', 'silence'] as const)('%s: nothing follows', async (failure) => {
    server.txt(NAME, `token=${TOKEN}`)
    server.fail(NAME, failure)
    expect(await check()).toEqual({ verdict: 'unjudged', problem: 'unreachable', seen: [] })
    expect(saying('unreachable')).toContain('Nothing was changed')
  })

  test('the right record, of which nobody knows whether it came through an alias, proves nothing yet', async () => {
    server.txt(NAME, `token=${TOKEN}`)
    server.fail(NAME, 'SERVFAIL', 'CNAME')
    expect(await check()).toMatchObject({ verdict: 'unjudged', problem: 'unreachable' })
  })

  test('a code that a newer program stored says nothing here', () => {
    expect(domainProblem('of a newer program', 'acme.com')).toBeNull()
    expect(domainProblem('constructor', 'acme.com')).toBeNull()
    expect(domainProblem(null, 'acme.com')).toBeNull()
  })
})
