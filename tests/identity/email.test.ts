import { expect, test } from 'vitest'
import { emailDomain } from '#identity/email.ts'

test.each([
  ['alice@acme.com', 'acme.com'],
  ['a.b+c@sub.acme.co.uk', 'sub.acme.co.uk'],
  ['Alice@ACME.Com', 'acme.com'],
  ['a@xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ["o'neil@acme.com", 'acme.com'],
  ['a@a.bc', 'a.bc'],
  ['a@b.c', 'b.c'],
  ['a@1.a2', '1.a2'],
  ['a@acme.4com', 'acme.4com'],
  ['a@acme.7.com', 'acme.7.com'],
  [`a@${'x'.repeat(63)}.com`, `${'x'.repeat(63)}.com`],
  [`${'l'.repeat(64)}@acme.com`, 'acme.com'],
  [`a@${'x.'.repeat(124)}test`, `${'x.'.repeat(124)}test`],
])('%s belongs to %s', (address, domain) => {
  expect(emailDomain(address)).toBe(domain)
})

test.each([
  ['E3: no @', 'acme.com'],
  ['E3: two @', 'a@b@acme.com'],
  ['E3: two @, a whole address first', 'a@acme.com@evil.com'],
  ['E3: a quoted local part', '"a@b"@acme.com'],
  ['E3: a quoted local part without @', '"a"@acme.com'],
  ['E3: a comment', 'a(c)@acme.com'],
  ['E3: a space before', ' a@acme.com'],
  ['E3: a space behind', 'a@acme.com '],
  ['E3: a line break', 'a@acme.com\n'],
  ['E3: NUL', 'a\0@acme.com'],
  ['E3: no local part', '@acme.com'],
  ['E3: no domain', 'a@'],
  ['E3: angle brackets', '<a@acme.com>'],
  ['two dots', 'a..b@acme.com'],
  ['E5: a trailing dot', 'a@acme.com.'],
  ['an empty label', 'a@acme..com'],
  ['one label', 'a@localhost'],
  ['an address for a domain', 'a@[127.0.0.1]'],
  ['numbers for a domain', 'a@127.0.0.1'],
  ['a hyphen at the edge', 'a@-acme.com'],
  ['a hyphen at the other edge', 'a@acme-.com'],
  ['a hyphen at the end', 'a@acme.com-'],
  ['a dot first', '.a@acme.com'],
  ['a dot last', 'a.@acme.com'],
  ['a dot before the domain', 'a@.acme.com'],
  ['a local part of 65', `${'l'.repeat(65)}@acme.com`],
  ['numbers at the top', 'a@acme.42'],
  ['a space in the domain', 'a@acme .com'],
  ['a Kelvin sign, whose lower case is k, behind ASCII', 'a@acme.\u212ai'],
  ['255 characters exactly', `ab@${'x.'.repeat(124)}test`],
  ['an underscore', 'a@ac_me.com'],
  ['a label of 64', `a@${'x'.repeat(64)}.com`],
  ['255 characters', `a@${'x.'.repeat(125)}com`],
  ['E6: a Cyrillic letter', 'a@cоrp.com'],
  ['E6: a full-width @', 'a＠acme.com'],
  ['E6: a full-width dot', 'a@acme．com'],
  ['E6: the Kelvin sign', 'a@\u212aorp.com'],
  ['E6: a letter beyond ASCII in the local part', 'ä@acme.com'],
])('%s belongs to no domain', (_, address) => {
  expect(emailDomain(address)).toBeNull()
})
