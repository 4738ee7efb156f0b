import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emailDomain as provedDomain } from '#identity/email.ts'
import { domainName, emailDomain, isPublicSuffix, parents } from '#tenancy/domain-name.ts'

/** RFC 1035 section 2.3.1 and RFC 1123 section 2.1, written down a second time. */
function isDns(name: string): boolean {
  if (name.length < 3 || name.length > 253) return false
  const labels = name.split('.')
  return (
    labels.length >= 2 &&
    labels.every(
      (label) => label.length >= 1 && label.length <= 63 && !label.startsWith('-') && !label.endsWith('-'),
    ) &&
    name.split('').every((one) => 'abcdefghijklmnopqrstuvwxyz0123456789-.'.includes(one))
  )
}

/** Names, and what comes near to one: joined by other dots, in other scripts, with something before or behind. */
const nearly = fc.oneof(
  fc.domain(),
  fc
    .tuple(
      fc.domain(),
      fc.constantFrom(
        '.',
        '-',
        ' ',
        '\0',
        '\n',
        '/',
        ':80',
        '@',
        '%',
        '\u3002',
        '\uff0e',
        '\u00ad',
        '\u200d',
        '\u0435',
        '\u212a',
        '\u0130',
        '\u017f',
      ),
      fc.nat(20),
    )
    .map(([name, put, at]) => name.slice(0, at) + put + name.slice(at)),
  fc.array(fc.stringMatching(/^[a-zA-Z0-9-]{0,70}$/), { maxLength: 6 }).map((labels) => labels.join('.')),
  fc.ipV4(),
  fc.ipV6(),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
)

test('what is taken for a domain is one that DNS would take, in lower case, and only case was changed', () => {
  fc.assert(
    fc.property(nearly, (text) => {
      const name = domainName(text)
      fc.pre(name !== null)
      expect(isDns(name)).toBe(true)
      expect(name.length).toBe(text.length)
      expect(/[^\u0021-\u007e]/.test(text)).toBe(false)
      expect(name).toBe(text.toLowerCase())
      expect(domainName(name)).toBe(name)
      expect(domainName(`${text}.`)).toBeNull()
    }),
    { numRuns: 2_000 },
  )
})

test('the domain of an address is what stands behind its one @, in both rooms that read addresses', () => {
  const local = fc.oneof(fc.stringMatching(/^[a-z0-9.+_-]{1,20}$/), fc.string({ unit: 'binary', maxLength: 10 }))
  fc.assert(
    fc.property(local, nearly, (name, host) => {
      const address = `${name}@${host}`
      for (const found of [emailDomain(address), provedDomain(address)]) {
        if (found === null) continue
        expect(isDns(found)).toBe(true)
        expect(address.split('@')).toHaveLength(2)
        expect(found).toBe(address.split('@')[1]?.toLowerCase())
      }
      // The room that proves is the stricter one: what it takes, the one that maps reads alike.
      const proved = provedDomain(address)
      if (proved !== null && emailDomain(address) !== null) expect(emailDomain(address)).toBe(proved)
    }),
    { numRuns: 2_000 },
  )
})

const SUFFIXES = ['com', 'test', 'co.uk', 'github.io', 'org', 'k12.ca.us', 'xn--p1ai']
const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?$/)
const name = fc
  .tuple(fc.array(label, { minLength: 1, maxLength: 5 }), fc.constantFrom(...SUFFIXES))
  .map(([labels, suffix]) => [...labels, suffix].join('.'))

test('the names above a name are cut at dots, end at the registrable one, and are never a public suffix', () => {
  fc.assert(
    fc.property(name, (below) => {
      const above = parents(below)
      for (const [index, parent] of above.entries()) {
        expect(below.endsWith(`.${parent}`)).toBe(true)
        expect(isPublicSuffix(parent)).toBe(false)
        expect(isDns(parent)).toBe(true)
        expect((above[index - 1] ?? below).length).toBeGreaterThan(parent.length)
      }
      expect(above).not.toContain(below)
    }),
  )
})

test('a name is never above another that only ends like it', () => {
  fc.assert(
    fc.property(
      name,
      fc.stringMatching(/^[a-z0-9]{1,8}$/),
      fc.array(label, { maxLength: 3 }),
      (victim, more, labels) => {
        const evil = [...labels, `${more}${victim}`].join('.')
        expect(parents(evil)).not.toContain(victim)
        expect(parents(`${victim}.${more}.com`)).not.toContain(victim)
        const under = [...labels, more, victim].join('.')
        expect(parents(under).includes(victim)).toBe(!isPublicSuffix(victim))
      },
    ),
  )
})
