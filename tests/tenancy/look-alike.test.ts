import { domainToASCII } from 'node:url'
import { expect, test } from 'vitest'
import { lookAlike } from '#tenancy/look-alike.ts'

test.each([
  'acme.com',
  'bücher.de',
  'straße.de',
  'acmé.com',
  'việtnam.vn',
  'пример.com',
  'россия.рф',
  'ακμε.com',
  'εταιρεία.gr',
  '日本語.jp',
  'ソニーsony.jp',
  '한국.kr',
  'חברה.co.il',
  'शब्द.in',
])('%s is nobody else’s name', (written) => {
  expect(lookAlike(domainToASCII(written))).toBeNull()
})

test.each([
  ['аррӏе.com', 'can be taken for Latin ones'],
  ['аpple.com', 'mixes scripts'],
  ['goοgle.com', 'mixes scripts'],
  ['eu.аpple.com', 'mixes scripts'],
  ['ορο.com', 'can be taken for Latin ones'],
  ['thequıck.com', 'can be taken for Latin ones'],
  ['ɑcme.com', 'can be taken for Latin ones'],
  ['пример日本.com', 'mixes scripts'],
])('%s is refused: it %s', (written, reason) => {
  const said = lookAlike(domainToASCII(written))
  expect(said).toContain(reason)
  expect(said).toContain(`reads ${written}`)
})

test.each(['xn--pokxncvks.com', 'xn--a.com', 'xn--.com', 'xn--acme-.com', 'xn--1ug.com'])(
  '%s is no international name at all',
  (domain) => {
    expect(lookAlike(domain)).toMatch(/no valid international name|not seen/)
  },
)
