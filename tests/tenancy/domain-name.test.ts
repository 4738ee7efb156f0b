import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { domainName, emailDomain, isOwnable, isPublicMailbox, isPublicSuffix, parents } from '#tenancy/domain-name.ts'
import { isSlug, numberedSlug, personalSlug, slugFromDomain } from '#tenancy/slug.ts'

describe('domain names', () => {
  test('are lower-case ASCII labels, an IDN as punycode', () => {
    expect(domainName('ACME.Com')).toBe('acme.com')
    expect(domainName('a.b-c.io')).toBe('a.b-c.io')
    expect(domainName(`${'a'.repeat(63)}.com`)).not.toBeNull()
    // 253 characters are the most (RFC 1035 section 2.3.4, without the length bytes at both ends).
    expect(domainName(`${'a.'.repeat(125)}com`)).toHaveLength(253)
    expect(domainName(`${'a.'.repeat(125)}coms`)).toBeNull()
    expect(domainName('xn--bcher-kva.example')).toBe('xn--bcher-kva.example')
  })

  test.each([
    '',
    'com',
    'acme.com.',
    '.acme.com',
    'acme..com',
    '-acme.com',
    'acme-.com',
    'ac me.com',
    'b\u00FCcher.de',
    'acme\uFF0Ecom',
    '\u212Ailo.com',
    '127.0.0.1',
    'acme.com.1',
    'a_b.com',
    'acme.com\n',
    `${'a'.repeat(64)}.com`,
    `${'a.'.repeat(130)}com`,
  ])('%j is none', (text) => expect(domainName(text)).toBeNull())

  test('an address has one @ and nothing in need of quotes', () => {
    expect(emailDomain('first.last+tag@Acme.com')).toBe('acme.com')
    for (const email of [
      'acme.com',
      '@acme.com',
      'a@b@acme.com',
      'a@acme.com@evil.com',
      'a@acme.com@',
      '',
      'a@',
      '"a b"@acme.com',
      'a(c)@acme.com',
      'a @acme.com',
      'a@acme.com ',
      'a@[127.0.0.1]',
    ]) {
      expect(emailDomain(email)).toBeNull()
    }
  })

  test('parents go up to the registrable name and never to a public suffix', () => {
    expect(parents('a.b.acme.com')).toEqual(['b.acme.com', 'acme.com'])
    expect(parents('acme.co.uk')).toEqual([])
    expect(parents('co.uk')).toEqual([])
    expect(parents('acme.com')).toEqual([])
    expect(parents('x.acme.co.uk')).toEqual(['acme.co.uk'])
    expect(parents('me.github.io')).toEqual([])
    expect(parents('eu.acme.test')).toEqual(['acme.test'])
  })

  test('public mailboxes and public suffixes belong to nobody', () => {
    for (const domain of [
      'gmail.com',
      'googlemail.com',
      'outlook.com',
      'hotmail.com',
      'hey.com',
      'fastmail.com',
      'proton.me',
      'pm.me',
      'icloud.com',
      'gmx.de',
      'tuta.com',
      'privaterelay.appleid.com',
      'duck.com',
      'fastmail.fm',
      'keemail.me',
      'mozmail.com',
      'onmail.com',
      'passmail.net',
      'skiff.com',
      'tutamail.com',
      'tutanota.com',
      'users.noreply.github.com',
    ]) {
      expect([domain, isPublicMailbox(domain), isOwnable(domain)]).toEqual([domain, true, false])
    }
    for (const domain of ['co.uk', 'github.io', 'herokuapp.com'])
      expect([domain, isPublicSuffix(domain), isOwnable(domain)]).toEqual([domain, true, false])
    for (const domain of ['acme.com', 'acme.test', 'example.com', 'acme.co.uk', 'mail.acme.com'])
      expect([domain, isOwnable(domain)]).toEqual([domain, true])
  })

  test('whatever is accepted is ASCII, lower case and stable', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.domain(),
          fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '.', '_', '\u212A', '\uFF0E', '\n'), maxLength: 12 }),
        ),
        (text) => {
          const domain = domainName(text)
          fc.pre(domain !== null)
          expect(domain).toMatch(/^[a-z0-9.-]+$/)
          expect(domain).toBe(text.toLowerCase())
          expect(domainName(domain)).toBe(domain)
        },
      ),
    )
  })
})

describe('slugs', () => {
  test('D10: other characters become _, a leading digit gets t_, a collision a number, and all fit', () => {
    expect(slugFromDomain('acme.com')).toBe('acme_com')
    expect(slugFromDomain('my-firm.co.uk')).toBe('my_firm_co_uk')
    expect(slugFromDomain('4chan.org')).toBe('t_4chan_org')
    expect(slugFromDomain(`${'a'.repeat(50)}.com`)).toBe('a'.repeat(41))
    expect(slugFromDomain(`4${'a'.repeat(50)}.com`)).toBe(`t_4${'a'.repeat(38)}`)
    expect(numberedSlug('acme_com', 1)).toBe('acme_com')
    expect(numberedSlug('acme_com', 2)).toBe('acme_com_2')
    expect(numberedSlug('a'.repeat(41), 12)).toBe(`${'a'.repeat(38)}_12`)
  })

  test('every domain gives a slug', () => {
    fc.assert(
      fc.property(fc.domain(), fc.integer({ min: 1, max: 9999 }), (domain, n) => {
        expect(isSlug(numberedSlug(slugFromDomain(domain), n))).toBe(true)
      }),
    )
  })

  test('a personal slug is random', () => {
    const slugs = Array.from({ length: 100 }, personalSlug)
    expect(new Set(slugs).size).toBe(100)
    expect(slugs.every(isSlug)).toBe(true)
  })

  test.each(['', 'A', '1a', '_a', 'a-b', 'a b', 'a'.repeat(42), 'tenant;drop', 'a\n'])('%j is none', (text) =>
    expect(isSlug(text)).toBe(false),
  )
})
