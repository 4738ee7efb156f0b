import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { makeApiKey, parseApiKey } from '#identity/api-key.ts'

const checked = (body: string): string => `${body}_${crc32(body).toString(16).padStart(8, '0')}`
const ID = 'abcDEF012345'
const SECRET = 'x'.repeat(43)

test('a key is made of a public id, 256 bits and a checksum, and is known by its digest', () => {
  const { id, key, digest } = makeApiKey()
  expect(key).toMatch(/^gh_key_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9a-f]{8}$/)
  expect(key.split('_')[2]).toBe(id)
  expect(digest).toEqual(createHash('sha256').update(key).digest())
  expect(parseApiKey(key)).toEqual({ id, digest })
})

test('no two keys are alike, and every letter and digit occurs in them', () => {
  const keys = Array.from({ length: 200 }, () => makeApiKey().key)
  expect(new Set(keys).size).toBe(200)
  expect(new Set(keys.map((key) => key.slice(7, -9)).join('')).size).toBe(62 + 1)
})

test('a checksum that begins with zeros keeps them', () => {
  const [body = ''] = Array.from({ length: 100_000 }, (_, n) => `gh_key_${ID}_${String(n).padStart(43, 'x')}`).filter(
    (each) => crc32(each) < 0x100_0000,
  )
  expect(parseApiKey(`${body}_${crc32(body).toString(16).padStart(8, '0')}`)).toMatchObject({ id: ID })
})

test.each([
  ['a wrong checksum', `gh_key_${ID}_${SECRET}_00000000`],
  ['a checksum in capitals', checked(`gh_key_${ID}_${SECRET}`).replace(/[0-9a-f]+$/, (crc) => crc.toUpperCase())],
  ['a shorter id', checked(`gh_key_${ID.slice(1)}_${SECRET}`)],
  ['a longer id', checked(`gh_key_${ID}x_${SECRET}`)],
  ['a shorter secret', checked(`gh_key_${ID}_${SECRET.slice(1)}`)],
  ['a longer secret', checked(`gh_key_${ID}_${SECRET}x`)],
  ['another character in the secret', checked(`gh_key_${ID}_${SECRET.slice(1)}-`)],
  ['another prefix', checked(`gh_kez_${ID}_${SECRET}`)],
  ['something in front', `x${checked(`gh_key_${ID}_${SECRET}`)}`],
  ['a line break behind', `${checked(`gh_key_${ID}_${SECRET}`)}\n`],
  ['nothing', ''],
])('%s is no key', (_, token) => {
  expect(parseApiKey(token)).toBeNull()
})
